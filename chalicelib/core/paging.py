"""Cursors: opaque to the client, checked on the way in."""

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from chalicelib.core.errors import Malformed

T = TypeVar("T")

PART_BYTES_MAX = 1024
"""The longest sort value the store has, and so the longest a client can have been given."""


@dataclass(frozen=True)
class Page(Generic[T]):
    """Some items of a list and the place to go on from; `next_cursor` is None on the last page. `unreadable`: the ids
    of those on it whose records are damaged.
    """

    items: Sequence[T]
    next_cursor: str | None = None
    unreadable: Sequence[str] = ()


def cut_page(found: Sequence[T], limit: int, position: Callable[[T], str]) -> Page[T]:
    """The first `limit` of what was found, and where they end if there is more. Ask the store for one more."""
    more = len(found) > limit
    return Page(found[:limit], make_cursor(position(found[limit - 1])) if more else None)


def make_cursor(*position: str) -> str:
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode().rstrip("=")


def read_cursor(cursor: str | None, length: int) -> list[str] | None:
    """The position of `length` parts inside a cursor, or None for no cursor.

    Raises Malformed("bad_cursor") for what make_cursor cannot have made. A cursor is not signed: whoever reads a
    position looks for it among the caller's own records only.
    """
    if cursor is None:
        return None
    try:
        position = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except (ValueError, RecursionError):  # neither base64 nor JSON, or JSON nested to break the reader
        raise Malformed("bad_cursor") from None
    if not isinstance(position, list) or len(position) != length or not all(map(_is_a_part, position)):
        raise Malformed("bad_cursor")
    return position


def _is_a_part(part: Any) -> bool:
    if not isinstance(part, str):
        return False
    try:
        return 0 < len(part.encode()) <= PART_BYTES_MAX
    except UnicodeEncodeError:  # half a surrogate pair
        return False
