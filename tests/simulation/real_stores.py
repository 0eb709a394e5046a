"""The same histories on a DynamoDB engine: in the end every table holds what it holds in memory.

make simulate-stores
"""

import argparse
import contextlib
import itertools
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from chalicelib import wiring
from chalicelib.accounts.models import Account
from chalicelib.gateways.sandbox_tables import DynamoDBCharges
from chalicelib.ledger.dynamodb import Ledger
from chalicelib.ledger.marshalling import marshal, unmarshal
from chalicelib.ledger.models import Item, Key
from chalicelib.settings import Settings
from local.stage import REGION
from tests.proof.world import charges_on
from tests.simulation.bar import Bar
from tests.simulation.history import OPERATIONS, History, Setting
from tests.simulation.stores import TORN, MemoryStore, Numbers, Place, Store
from tests.support.engines import Engine, engine
from tests.support.ministack import serve_ministack

_SORT_FIELDS = {
    "accounts": None,
    "payment-methods": "payment_method_id",
    "invoices": "invoice_id",
    "payments": "payment_id",
    "subscriptions": "subscription_id",
    "activity": "sequence",
}
"""The tables that are compared, and their sort keys: all but the gateway's own, and the runs' statistics."""

_CHARGES = "sandbox-charges"
_BATCH_MAX = 25
_histories = itertools.count(1)


class Charges(DynamoDBCharges):
    """The sandbox's charges, with a look into all of them."""

    def __init__(self, engine: Engine, prefix: str) -> None:
        super().__init__(engine.ledger_client(), prefix)
        self._engine = engine
        self._prefix = prefix

    @property
    def rows(self) -> Mapping[str, Mapping[str, Any]]:
        found = charges_on(self._engine, self._prefix)
        return {
            payment_id: {name: value for name, value in row.items() if name != "payment_id"}
            for payment_id, row in found.items()
        }


class DynamoDBStore:
    """Tables of one engine, which are empty when a history begins."""

    def __init__(self, settings: Settings, engine: Engine, prefix: str, commits: str) -> None:
        self._client = engine.client
        self._prefix = prefix
        self._whole: dict[str, Item] = {}
        self.charges = Charges(engine, prefix)
        self.ledger = Ledger(
            engine.ledger_client(),
            prefix,
            sleep=lambda _: None,
            new_commit_id=Numbers(commits),
            due_work=wiring.due_work(settings),
        )

    def tear(self, account_id: str) -> None:
        self._whole[account_id] = self._stored(account_id)
        self._put(self._whole[account_id] | TORN)

    def mend(self, account_id: str) -> None:
        whole = self._whole.pop(account_id)
        if self._stored(account_id) == whole | TORN:
            self._put(whole)

    def contents(self) -> Mapping[Place, Item]:
        found = {}
        for table, sort_field in _SORT_FIELDS.items():
            for item in self._scanned(table):
                found[table, item["account_id"], item[sort_field] if sort_field else None] = item
        return found

    def empty(self) -> None:
        keys: list[tuple[str, Item]] = [(_CHARGES, {"payment_id": payment_id}) for payment_id in self.charges.rows]
        for table, account_id, sort in self.contents():
            sort_field = _SORT_FIELDS[table]
            keys.append((table, {"account_id": account_id} | ({sort_field: sort} if sort_field else {})))
        for start in range(0, len(keys), _BATCH_MAX):
            batch: dict[str, list[Any]] = {}
            for table, key in keys[start : start + _BATCH_MAX]:
                batch.setdefault(self._prefix + table, []).append({"DeleteRequest": {"Key": marshal(key)}})
            self._client.batch_write_item(RequestItems=batch)

    def _stored(self, account_id: str) -> Item:
        key = marshal(Key(Account, account_id).item())
        return unmarshal(self._client.get_item(TableName=f"{self._prefix}accounts", Key=key)["Item"])

    def _put(self, item: Item) -> None:
        self._client.put_item(TableName=f"{self._prefix}accounts", Item=marshal(item))

    def _scanned(self, table: str) -> Iterator[Item]:
        pages = self._client.get_paginator("scan").paginate(TableName=self._prefix + table, ConsistentRead=True)
        return (unmarshal(item) for page in pages for item in page["Items"])


def differences(seed: int, engine: Engine, prefix: str, operations: int = OPERATIONS) -> list[str]:
    """Where the history ends differently on the engine and in memory. Its tables are empty before and after."""
    commits = f"{next(_histories)}-{seed}"
    here = Setting(lambda settings: MemoryStore(settings, commits=commits))
    in_memory = History(seed, here, operations=operations)
    elsewhere = Setting(lambda settings: DynamoDBStore(settings, engine, prefix, commits))
    there = History(seed, elsewhere, operations=operations)
    store = there.world.store
    assert isinstance(store, DynamoDBStore)
    try:
        endings = in_memory.play(), there.play()
        wrong = [f"{what}" for ending in endings for what in ending.found]
        if endings[0].fired != endings[1].fired or endings[0].operations != endings[1].operations:
            wrong.append("not the same things happened")
        return [*wrong, *unlike(in_memory.world.store, store)]
    finally:
        store.empty()


def unlike(memory: Store, engine: Store) -> Iterator[str]:
    """Every item and every charge that is not the same in both."""
    here: dict[Any, Any] = {**memory.contents(), **memory.charges.rows}
    there: dict[Any, Any] = {**engine.contents(), **engine.charges.rows}
    for place in here.keys() | there.keys():
        if here.get(place) != there.get(place):
            yield f"{place}: {here.get(place)} in memory, {there.get(place)} on the engine"


@contextlib.contextmanager
def _started(name: str) -> Iterator[Engine]:
    """moto answers in this process, which takes half the time that its server does."""
    if name == "ministack":
        with serve_ministack() as url:
            yield engine(name, url)
        return
    from moto import mock_aws

    with mock_aws():
        yield engine(name, f"https://dynamodb.{REGION}.amazonaws.com")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("engine", choices=("moto", "ministack"))
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--from", type=int, default=1, dest="first")
    asked = parser.parse_args()
    different: set[int] = set()
    bar = Bar(asked.seeds, "different")
    with _started(asked.engine) as there, there.tables() as prefix:
        for number, seed in enumerate(range(asked.first, asked.first + asked.seeds), start=1):
            if wrong := differences(seed, there, prefix):
                different.add(seed)
                sys.stdout.write(f"\nseed {seed}:\n" + "\n".join(f"  {line}" for line in wrong[:5]) + "\n")
            bar.show(number, len(different))
    bar.end()
    sys.stdout.write(f"\n{asked.seeds - len(different)} of {asked.seeds} histories end the same on {asked.engine}.\n")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
