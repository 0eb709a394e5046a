"""Where a history is kept: in memory, or on a DynamoDB engine. The same history must leave the same in all of them."""

from collections.abc import Mapping
from typing import Any, Protocol

from chalicelib import wiring
from chalicelib.accounts.models import Account
from chalicelib.gateways.sandbox import ChargeTable
from chalicelib.gateways.sandbox_tables import MemoryCharges
from chalicelib.ledger.memory import MemoryLedger
from chalicelib.ledger.models import Item, Key, Record, Sort
from chalicelib.ledger.port import LedgerPort
from chalicelib.ledger.reading import parsed
from chalicelib.settings import Settings

Place = tuple[str, str, Sort]
TORN = {"credit_minor": "torn"}
"""What a damaged account's record says: no amount."""


class ChargeBooks(ChargeTable, Protocol):
    """The sandbox's charges, and a look into all of them."""

    @property
    def rows(self) -> Mapping[str, Mapping[str, Any]]: ...


class Store(Protocol):
    """`ledger` and `charges` are free of faults: those are struck on the way to them."""

    @property
    def ledger(self) -> LedgerPort: ...

    @property
    def charges(self) -> ChargeBooks: ...

    def tear(self, account_id: str) -> None:
        """Damages the account's record, so that nobody can read it."""

    def mend(self, account_id: str) -> None:
        """Restores what was torn, unless somebody wrote the account anew."""

    def contents(self) -> Mapping[Place, Item]:
        """Every item there is."""


class Numbers:
    """Ids of commits that are the same every time. DynamoDB knows a commit by its id for ten minutes, and would take
    another history's of the same `name` for one it has done: on an engine no two histories may share one."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._last = 0

    def __call__(self) -> str:
        self._last += 1
        return f"{self._name}-{self._last:05d}"


class MemoryStore:
    """Items in memory are never changed in place, so what was parsed of one stands as long as the item does."""

    def __init__(
        self, settings: Settings, new_ledger: type[MemoryLedger] = MemoryLedger, commits: str = "commit"
    ) -> None:
        self.ledger = new_ledger(new_commit_id=Numbers(commits), due_work=wiring.due_work(settings))
        self.charges: ChargeBooks = MemoryCharges()
        self._whole: dict[str, Item] = {}
        self._parsed: dict[Place, tuple[Item, Record]] = {}

    def tear(self, account_id: str) -> None:
        place = Key(Account, account_id).place
        self._whole[account_id] = self.ledger._items[place]
        self.ledger._items[place] = self._whole[account_id] | TORN

    def mend(self, account_id: str) -> None:
        place, whole = Key(Account, account_id).place, self._whole.pop(account_id)
        if self.ledger._items[place] == whole | TORN:
            self.ledger._items[place] = whole

    def contents(self) -> Mapping[Place, Item]:
        return self.ledger._items

    def of(self, account_id: str) -> dict[str, dict[Place, Item]]:
        """The account's items by table, in no particular order."""
        found: dict[str, dict[Place, Item]] = {}
        for place, item in self.ledger._items.items():
            if place[1] == account_id:
                found.setdefault(place[0], {})[place] = item
        return found

    def read(self, record: type[Record], place: Place, item: Item) -> Any:
        """The record in an item."""
        known = self._parsed.get(place)
        if known is None or known[0] is not item:
            known = self._parsed[place] = (item, parsed(record, item))
        return known[1]
