"""The ledger in memory: the same behaviour without a store, for simulated histories and tests at memory speed."""

import copy
import threading
from collections.abc import Callable, Sequence
from typing import Any

from chalicelib.core.ids import random_id
from chalicelib.ledger.models import A, Change, FieldSet, Index, Item, Key, R, Record, Sort, Stale
from chalicelib.ledger.reading import highest, parsed

_Place = tuple[str, str, Sort]


class MemoryLedger:
    """LedgerPort on a dict. Items are kept as plain values, so a record that cannot be stored cannot hide here."""

    def __init__(self, *, new_commit_id: Callable[[], str] = random_id) -> None:
        self._items: dict[_Place, Item] = {}
        self._lock = threading.Lock()
        self._new_commit_id = new_commit_id

    def get(self, key: Key[R]) -> R | None:
        with self._lock:
            item = self._items.get(_place(key))
        return parsed(key.record, item) if item else None

    def read(self, *keys: Key[Record]) -> Any:
        with self._lock:
            found = [self._items.get(_place(key)) for key in keys]
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
        sort_field = by or record.sort_field or "account_id"
        items = [
            item
            for item in self._table(record.table)
            if item["account_id"] == account_id
            and (prefix is None or str(item[sort_field]).startswith(prefix))
            and (where is None or item.get(where[0]) == where[1])
        ]
        items.sort(key=lambda item: item[sort_field], reverse=newest_first)
        if after is not None:
            items = [item for item in items if (item[sort_field] < after if newest_first else item[sort_field] > after)]
        return [parsed(record, item) for item in items[:limit]]

    def find(
        self, index: Index, partition: str, *, limit: int, prefix: str = "", until: str | None = None, after: str = ""
    ) -> Sequence[tuple[str, str]]:
        sort = index.sort or index.partition
        items = [
            item
            for item in self._table(index.record.table)
            if item.get(index.partition) == partition
            and item[sort].startswith(prefix)
            and item[sort] > after
            and (until is None or item[sort] <= highest(until))
        ]
        items.sort(key=lambda item: item[sort])
        return [(item[sort], item["account_id"]) for item in items[:limit]]

    def scan(self, record: type[R], *, limit: int, after: str | None = None) -> Sequence[R]:
        items = sorted(self._table(record.table), key=lambda item: str(item["account_id"]))
        return [parsed(record, item) for item in items if after is None or item["account_id"] > after][:limit]

    def commit(self, change: Change[A]) -> A:
        account = change.account.model_copy(
            update={"version": change.account.version + 1, "commit_id": self._new_commit_id()}
        )
        with self._lock:
            standing = self._items.get(_place(account.key()))
            if (standing["version"] if standing else 0) != change.account.version:
                raise Stale(account.account_id)
            if any(_place(record.key()) in self._items for record in change.puts):
                raise Stale(account.account_id)
            if any(_place(field_set.key) not in self._items for field_set in change.sets):
                raise Stale(account.account_id)
            self._items[_place(account.key())] = account.item()
            for record in change.puts:
                self._items[_place(record.key())] = record.item()
            for field_set in change.sets:
                self._items[_place(field_set.key)] = _with_fields(self._items[_place(field_set.key)], field_set)
            for key in change.deletes:
                self._items.pop(_place(key), None)
        return account

    def _table(self, table: str) -> list[Item]:
        with self._lock:
            return [item for (name, _, _), item in self._items.items() if name == table]


def _place(key: Key[Record]) -> _Place:
    return (key.record.table, key.account_id, key.sort)


def _with_fields(item: Item, field_set: FieldSet) -> Item:
    changed = copy.deepcopy(item)
    for dotted, value in field_set.values.items():
        *parents, name = dotted.split(".")
        target = changed
        for parent in parents:
            target = target[parent]
        if value is None:
            target.pop(name, None)
        else:
            target[name] = value
    return changed
