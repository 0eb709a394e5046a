"""Cursors: opaque to the client, checked on the way in."""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from chalicelib.core.errors import Malformed

T = TypeVar("T")


@dataclass(frozen=True)
class Page(Generic[T]):
    """Some items of a list and the place to go on from; `next_cursor` is None on the last page."""

    items: Sequence[T]
    next_cursor: str | None = None


def make_cursor(*position: str) -> str:
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode().rstrip("=")


def read_cursor(cursor: str | None, length: int) -> list[str] | None:
    """The position inside a cursor of `length` parts, or None for no cursor. Raises Malformed("bad_cursor") for any other text."""
    if cursor is None:
        return None
    try:
        position = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        raise Malformed("bad_cursor") from None
    if not isinstance(position, list) or len(position) != length or not all(isinstance(part, str) for part in position):
        raise Malformed("bad_cursor")
    return position
