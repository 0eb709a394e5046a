"""Every ledger there is, over stores that are empty when a test begins.

Tables are made once per engine and emptied after each test: making them takes longer than most tests.
"""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from boto3.dynamodb.types import TypeSerializer

from chalicelib.accounts.models import Account
from chalicelib.activity.models import ActivityEntry
from chalicelib.invoices.models import Invoice
from chalicelib.ledger.dynamodb import Ledger
from chalicelib.ledger.marshalling import marshal, unmarshal
from chalicelib.ledger.memory import MemoryLedger
from chalicelib.ledger.models import Change, Item, Key, Record
from chalicelib.ledger.port import LedgerPort
from chalicelib.payment_methods.models import PaymentMethodRecord
from chalicelib.payments.models import Payment
from tests.ledger.desk import Desk
from tests.ledger.records import an_account, an_invoice
from tests.support.engines import Engine
from tests.support.faults import Road

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True)
class Store:
    """A ledger, and the door behind it through which a test sees and damages what is stored."""

    name: str
    ledger: LedgerPort
    stored: Callable[[Key[Record]], Item | None]
    damage: Callable[[type[Record], Item], None]


def memory_store() -> Store:
    ledger = MemoryLedger()

    def damage(record: type[Record], item: Item) -> None:
        sort = item[record.sort_field] if record.sort_field else None
        ledger._items[record.table, item["account_id"], sort] = item

    return Store("memory", ledger, lambda key: ledger._items.get(key.place), damage)


def dynamodb_store(engine: Engine, prefix: str) -> Store:
    ledger = Ledger(engine.ledger_client(), prefix)

    def stored(key: Key[Record]) -> Item | None:
        answer = engine.client.get_item(TableName=prefix + key.record.table, Key=marshal(key.item()))
        return unmarshal(answer["Item"]) if "Item" in answer else None

    def damage(record: type[Record], item: dict[str, Any]) -> None:
        # Not marshal, which refuses what Paydesk never writes.
        serialize = TypeSerializer().serialize
        written = {name: serialize(value) for name, value in item.items()}
        engine.client.put_item(TableName=prefix + record.table, Item=written)

    return Store(engine.name, ledger, stored, damage)


@dataclass(frozen=True)
class Tables:
    """An engine's tables under one prefix."""

    engine: Engine
    prefix: str

    def empty(self, *records: type[Record]) -> None:
        for record in records or (Account, PaymentMethodRecord, Invoice, Payment, ActivityEntry):
            table = self.prefix + record.table
            keys = ["account_id", *([record.sort_field] if record.sort_field else [])]
            for item in self.engine.client.scan(TableName=table)["Items"]:
                self.engine.client.delete_item(TableName=table, Key={name: item[name] for name in keys})


@pytest.fixture(scope="session")
def moto_tables(moto: Engine) -> Iterator[Tables]:
    with moto.tables() as prefix:
        yield Tables(moto, prefix)


@pytest.fixture(scope="session")
def ministack_tables(ministack: Engine) -> Iterator[Tables]:
    with ministack.tables() as prefix:
        yield Tables(ministack, prefix)


@pytest.fixture(params=["memory", "moto", "ministack"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    if request.param == "memory":
        yield memory_store()
        return
    tables: Tables = request.getfixturevalue(f"{request.param}_tables")
    yield dynamodb_store(tables.engine, tables.prefix)
    tables.empty()


@pytest.fixture(scope="session")
def free_ledger(moto_tables: Tables) -> LedgerPort:
    return Ledger(moto_tables.engine.ledger_client(), moto_tables.prefix)


@pytest.fixture(scope="session")
def disturbed_client(moto: Engine) -> "DynamoDBClient":
    return moto.ledger_client()


@pytest.fixture
def desk(moto_tables: Tables, free_ledger: LedgerPort, disturbed_client: "DynamoDBClient") -> Iterator[Desk]:
    """Five tries for each call, and no waiting between them."""
    sleeps: list[float] = []
    ledger = Ledger(disturbed_client, moto_tables.prefix, attempts=5, sleep=sleeps.append)
    free_ledger.commit(Change(an_account(), puts=(an_invoice("inv_1"),)))
    with contextlib.closing(Road(disturbed_client)) as road:
        yield Desk(ledger, free_ledger, road, sleeps)
    moto_tables.empty(Account, Invoice)


@pytest.fixture
def ledger(store: Store) -> LedgerPort:
    return store.ledger
