"""The ledger in memory: the same behaviour without a store, for simulated histories and tests at memory speed."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

from chalicelib.core.errors import Broken
from chalicelib.core.ids import random_id
from chalicelib.ledger.models import (
    A,
    Change,
    DueWork,
    FieldSet,
    Index,
    Item,
    Key,
    R,
    Record,
    Sort,
    Stale,
    Unwritable,
    nothing_due,
)
from chalicelib.ledger.reading import INTEGERS, Range, behind, page_of, parsed, parsed_or_broken, texts


class MemoryLedger:
    """LedgerPort on a dict. Items are plain values and never changed in place: what was read stays as it was."""

    def __init__(self, *, new_commit_id: Callable[[], str] = random_id, due_work: DueWork = nothing_due) -> None:
        self._due_work = due_work
        self._items: dict[tuple[str, str, Sort], Item] = {}
        self._lock = threading.Lock()
        self._new_commit_id = new_commit_id

    def get(self, key: Key[R]) -> R | None:
        with self._lock:
            item = self._items.get(key.place)
        return parsed(key.record, item) if item else None

    def read(self, *keys: Key[Record]) -> Any:
        with self._lock:
            found = [self._items.get(key.place) for key in keys]
        return tuple(parsed(key.record, item) if item else None for key, item in zip(keys, found, strict=True))

    def records(
        self,
        record: type[R],
        account_id: str,
        *,
        limit: int,
        after: Sort = None,
        newest_first: bool = False,
        by: str | None = None,
        prefix: str | None = None,
        where: tuple[str, str] | None = None,
    ) -> Sequence[R]:
        sort_field = by or record.sort_field
        assert sort_field, f"{record.table} holds one record per account: get it"
        numeric = not by and record.model_fields[sort_field].annotation is int
        bounds = behind(INTEGERS if numeric else texts(prefix or ""), after, newest_first=newest_first)
        items = self._query(record, ("account_id", account_id), sort_field, bounds)
        if where:
            items = [item for item in items if item.get(where[0]) == where[1]]
        if newest_first:
            items.reverse()
        return [parsed(record, item) for item in page_of(items, sort_field, after, limit)]

    def find(
        self, index: Index, partition: str, *, limit: int, prefix: str = "", until: str | None = None, after: str = ""
    ) -> Sequence[tuple[str, str]]:
        bounds = behind(texts(prefix, until), after or None)
        sort = index.sort or index.partition
        items = self._query(index.record, (index.partition, partition), sort, bounds)
        return [(item[sort], item["account_id"]) for item in page_of(items, sort, after or None, limit)]

    def scan(self, record: type[R], *, limit: int, after: str | None = None) -> Sequence[R | Broken]:
        items = self._query(record, None, "account_id", behind(texts(""), after))
        return [parsed_or_broken(record, item) for item in page_of(items, "account_id", after, limit)]

    def commit(self, change: Change[A]) -> A:
        account = change.account.model_copy(
            update={"version": change.account.version + 1, "commit_id": self._new_commit_id()}
        )
        new: tuple[Record, ...] = (account, *change.puts)
        written = {record.key().place: record.item() for record in new}
        written[account.key().place] |= self._due_work(account)
        with self._lock:
            standing = self._items.get(account.key().place)
            refused = (
                (standing["version"] if standing else 0) != change.account.version
                or any(record.key().place in self._items for record in change.puts)
                or any(field_set.key.place not in self._items for field_set in change.sets)
            )
            if refused:
                raise Stale(account.account_id)
            for field_set in change.sets:
                written[field_set.key.place] = _with_fields(self._items[field_set.key.place], field_set)
            self._items |= written
            for key in change.deletes:
                self._items.pop(key.place, None)
        return account

    def _query(
        self, record: type[Record], partition: tuple[str, str] | None, sort_field: str, bounds: Range | None
    ) -> list[Item]:
        """A table's items, or those of one partition of it or of its index, whose sort field lies within the bounds."""
        if bounds is None:
            return []
        low, high = bounds
        with self._lock:
            table = [item for (name, _, _), item in self._items.items() if name == record.table]
        found = [
            item
            for item in table
            if (partition is None or item.get(partition[0]) == partition[1])
            and sort_field in item
            and low <= item[sort_field] <= high
        ]
        return sorted(found, key=lambda item: item[sort_field])


def _with_fields(item: Item, field_set: FieldSet) -> Item:
    """A changed copy. Raises Unwritable when a dotted name leads nowhere."""
    changed = dict(item)
    for dotted, value in field_set.values.items():
        *parents, name = dotted.split(".")
        target = changed
        for parent in parents:
            if not isinstance(target.get(parent), dict):
                raise Unwritable(f"{field_set.key.record.table}.{dotted} reaches into a map that is not there")
            target[parent] = dict(target[parent])
            target = target[parent]
        if value is None:
            target.pop(name, None)
        else:
            target[name] = value
    return changed
