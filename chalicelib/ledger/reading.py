"""How both ledgers cut pages and read items, so that they cannot differ in it."""

from collections.abc import Iterable, Sequence

from pydantic import ValidationError

from chalicelib.core.errors import Broken
from chalicelib.ledger.models import Item, R, Sort

INT_MAX = 10**15
_LAST_CHARACTER = "\U0010ffff"


def highest(prefix: str) -> str:
    """The greatest sort value that starts with `prefix`."""
    return prefix + _LAST_CHARACTER


def sort_bounds(prefix: str, after: Sort, newest_first: bool, *, numeric: bool) -> tuple[Sort, Sort]:
    """The inclusive range to read. `after` itself lies in it, because a key condition knows one range only: page_of drops it."""
    low: Sort = 0 if numeric else (prefix or " ")
    high: Sort = INT_MAX if numeric else highest(prefix)
    if after is None:
        return low, high
    return (low, after) if newest_first else (after, high)


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
