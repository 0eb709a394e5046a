"""How both ledgers read an item, and how ranges of sort values are cut."""

from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import ValidationError

from chalicelib.core.errors import Broken
from chalicelib.ledger.models import Item, R, Sort, fits_a_key

_LAST_CHARACTER = "\U0010ffff"

Range = tuple[Any, Any]
"""Inclusive bounds of sort values: two texts or two integers."""

INTEGERS: Range = (0, 10**15)
"""Every integer that can be a sort value."""


def texts(prefix: str, until: str | None = None) -> Range:
    """Sort values that start with `prefix` and stand no further than those that start with `until`."""
    high = prefix + _LAST_CHARACTER
    return (prefix or "\x00", high if until is None else min(high, until + _LAST_CHARACTER))


def behind(bounds: Range, after: Sort, *, newest_first: bool = False) -> Range | None:
    """What of the bounds lies behind `after`; None when no key can lie there.

    `after` itself stays in, because a key condition cannot leave it out: page_of drops it. It comes from a client's
    cursor, so it may be anything: it must never widen the bounds.
    """
    low, high = bounds
    if after is not None:
        low, high = (low, min(high, after)) if newest_first else (max(low, after), high)
    keys_at_all = all(fits_a_key(bound) for bound in (low, high) if isinstance(bound, str))
    return (low, high) if keys_at_all and low <= high else None


def page_of(items: Iterable[Item], sort_field: str, after: Sort, limit: int) -> Sequence[Item]:
    """At most `limit` items, the one at `after` left out."""
    return [item for item in items if after is None or item[sort_field] != after][:limit]


def parsed(record: type[R], item: Item) -> R:
    """The record in an item. Raises Broken("unreadable_record") naming the key and the fields, never their values."""
    try:
        return record.parse(item)
    except ValidationError as error:
        fields = sorted({".".join(map(str, problem["loc"])) for problem in error.errors()})
        sort = item.get(record.sort_field) if record.sort_field else None
        raise Broken(
            "unreadable_record", table=record.table, account_id=item.get("account_id"), sort=sort, fields=fields
        ) from None


def parsed_or_broken(record: type[R], item: Item) -> R | Broken:
    """The record in an item, or what is wrong with it: for lists in which one must not hide the others."""
    try:
        return parsed(record, item)
    except Broken as broken:
        return broken
