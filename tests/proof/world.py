"""A small world for one crash: a store, a gateway's books, a clock; and processes of Paydesk working on them.

What is there before the crash is prepared once, in memory, and then laid out again for every case.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from chalicelib import settings, wiring
from chalicelib.accounts.models import Account
from chalicelib.gateways.port import GatewayPort
from chalicelib.gateways.sandbox import ChargeTable, SandboxGateway
from chalicelib.gateways.sandbox_tables import DynamoDBCharges, MemoryCharges
from chalicelib.ledger.dynamodb import Ledger
from chalicelib.ledger.marshalling import marshal, unmarshal
from chalicelib.ledger.memory import MemoryLedger
from chalicelib.ledger.models import Item, Key, Sort
from chalicelib.ledger.port import LedgerPort
from chalicelib.sweeps.stores import MemoryQueue, MemoryRuns
from local.clock import MovableClock, StandingClock
from local.stage import Stage
from tests.proof.books import Books, ChargeRows, read_books
from tests.proof.process import Process
from tests.proof.watched import WatchedGateway, WatchedLedger
from tests.support.engines import Engine
from tests.support.faults import Road
from tests.support.reconciling import reconcile

PAGE_URL = "http://127.0.0.1/sandbox"
_ENVIRONMENT = Stage().environment() | {
    "PAYDESK_TOKEN_ISSUER": "http://127.0.0.1/issuer",
    "PAYDESK_TOKEN_AUDIENCE": "tests",
    "PAYDESK_TOKEN_JWKS_URL": "http://127.0.0.1/keys.json",
}
SETTINGS = settings.load(_ENVIRONMENT)
_OF_ONE_ACCOUNT = settings.load(_ENVIRONMENT | {"PAYDESK_SWEEP_THREADS": "1"})
"""One thread is enough for one account, and thousands of runs begin no more of them."""

DUE_WORK = wiring.due_work(SETTINGS)

Items = Mapping[tuple[str, str, Sort], Item]
MakeGateway = Callable[[ChargeTable], GatewayPort]
NewStore = Callable[[], MemoryLedger]


def in_memory() -> MemoryLedger:
    return MemoryLedger(due_work=DUE_WORK)


def sandbox(charges: ChargeTable) -> GatewayPort:
    return SandboxGateway(charges, PAGE_URL)


def a_desk(clock: MovableClock, ledger: LedgerPort, gateway: GatewayPort) -> wiring.Desk:
    """Its queue and its runs are in memory: a message that is lost, or comes twice, is a step of a scenario."""
    queue, runs = MemoryQueue(), MemoryRuns()
    return wiring.build(_OF_ONE_ACCOUNT, clock=clock, ledger=ledger, gateway=gateway, queue=queue, runs=runs)


@dataclass(frozen=True)
class Snapshot:
    """Everything at one moment: the ledger's items, the gateway's rows, the time."""

    items: Items
    charges: Mapping[str, Mapping[str, Any]]
    now: datetime


class World(Protocol):
    """`ledger` and `gateway` are free of faults; so is `desk`, which stands for every process but the chosen one.
    `looks_at_every_step`: whether a look at the books is cheap."""

    looks_at_every_step: bool
    clock: MovableClock
    ledger: LedgerPort
    gateway: GatewayPort
    desk: wiring.Desk

    def struck_desk(self, process: Process) -> wiring.Desk:
        """The desk of the process that something befalls."""

    def books(self, account_id: str) -> Books: ...

    def reconcile(self, account_id: str, by: wiring.Desk | None = None) -> int:
        """Checks what is due, `by` a process of Paydesk or by one that nothing befalls; how many checks failed."""


class MemoryWorld:
    """A world in memory: milliseconds a case. Faults strike between the services and their ports.

    `make_gateway` and `new_store` put another gateway or another ledger in, to see whether a proof would notice.
    """

    def __init__(self, before: Snapshot, make_gateway: MakeGateway = sandbox, new_store: NewStore = in_memory) -> None:
        self.looks_at_every_step = True
        store = new_store()
        store._items = dict(before.items)
        self._store = store
        self._seen: Books | None = None
        self._charges = MemoryCharges()
        self._charges.rows = {payment_id: dict(row) for payment_id, row in before.charges.items()}
        self.clock = MovableClock(StandingClock(before.now))
        self.ledger: LedgerPort = store
        self.gateway = make_gateway(self._charges)
        self.desk = a_desk(self.clock, self.ledger, self.gateway)

    def struck_desk(self, process: Process) -> wiring.Desk:
        return a_desk(self.clock, WatchedLedger(self.ledger, process), WatchedGateway(self.gateway, process))

    def books(self, account_id: str) -> Books:
        """The same object as long as nothing changed, so that a look at the same books costs nothing."""
        account = self.ledger.get(Key(Account, account_id))
        charges = {payment_id: dict(row) for payment_id, row in self._charges.rows.items()}
        seen = self._seen
        if seen is None or (seen.account, seen.charges, seen.now) != (account, charges, self.clock.now()):
            self._seen = read_books(self.ledger, charges, account_id, self.clock.now())
        assert self._seen is not None
        return self._seen

    def reconcile(self, account_id: str, by: wiring.Desk | None = None) -> int:
        assert self.ledger.get(Key(Account, account_id)), "there is but one account, and the sweep finds it"
        return reconcile(by or self.desk).failed

    def snapshot(self) -> Snapshot:
        rows = {payment_id: dict(row) for payment_id, row in self._charges.rows.items()}
        return Snapshot(dict(self._store._items), rows, self.clock.now())


class DynamoDBWorld:
    """A world on a DynamoDB engine. Faults strike on the road, below Paydesk's own retries."""

    def __init__(self, before: Snapshot, tables: "Tables") -> None:
        self.looks_at_every_step = False
        tables.lay_out(before)
        self._tables = tables
        self.clock = MovableClock(StandingClock(before.now))
        self.ledger: LedgerPort = tables.ledger
        self.gateway: GatewayPort = tables.gateway
        self.desk = a_desk(self.clock, self.ledger, self.gateway)

    def struck_desk(self, process: Process) -> wiring.Desk:
        self._tables.store_road.always_meets(process.on_the_road("store"))
        self._tables.gateway_road.always_meets(process.on_the_road("gateway"))
        return a_desk(self.clock, self._tables.struck_ledger, self._tables.struck_gateway)

    def books(self, account_id: str) -> Books:
        return read_books(self.ledger, self._tables.charges(), account_id, self.clock.now())

    def reconcile(self, account_id: str, by: wiring.Desk | None = None) -> int:
        """What the sweep does for one account. Books.in_reconcile_index says whether the sweep would find it."""
        return (by or self.desk).checks.check_due(account_id).failed


class Tables:
    """The tables of one engine, laid out anew for each payment: emptying them costs less than making them."""

    def __init__(self, engine: Engine, prefix: str) -> None:
        self._engine = engine
        self._prefix = prefix
        self.ledger = Ledger(engine.ledger_client(), prefix, due_work=DUE_WORK)
        self.gateway = SandboxGateway(DynamoDBCharges(engine.ledger_client(), prefix), PAGE_URL)
        struck_store, struck_gateway = engine.ledger_client(), engine.ledger_client()
        self.store_road, self.gateway_road = Road(struck_store), Road(struck_gateway)
        self.struck_ledger = Ledger(struck_store, prefix, sleep=lambda _: None, due_work=DUE_WORK)
        struck_charges = DynamoDBCharges(struck_gateway, prefix)
        struck_charges._calls._sleep = lambda _: None
        self.struck_gateway = SandboxGateway(struck_charges, PAGE_URL)

    def lay_out(self, before: Snapshot) -> None:
        wanted = [(self._prefix + table, marshal(item)) for (table, _, _), item in before.items.items()]
        wanted += [
            (self._prefix + _CHARGES, marshal({**row, "payment_id": payment_id}))
            for payment_id, row in before.charges.items()
        ]
        writes: list[tuple[str, Any]] = [(name, {"PutRequest": {"Item": item}}) for name, item in wanted]
        for table, key_fields in _GROWING.items():
            name = self._prefix + table
            for item in self._engine.client.scan(TableName=name, ConsistentRead=True)["Items"]:
                key = {field: item[field] for field in key_fields}
                if not any(other == name and key.items() <= kept.items() for other, kept in wanted):
                    writes.append((name, {"DeleteRequest": {"Key": key}}))
        for start in range(0, len(writes), _BATCH_MAX):
            batch: dict[str, list[Any]] = {}
            for name, write in writes[start : start + _BATCH_MAX]:
                batch.setdefault(name, []).append(write)
            self._engine.client.batch_write_item(RequestItems=batch)

    def charges(self) -> ChargeRows:
        return charges_on(self._engine, self._prefix)


def charges_on(engine: Engine, prefix: str) -> ChargeRows:
    """The sandbox's own table."""
    items = engine.client.scan(TableName=prefix + _CHARGES, ConsistentRead=True)["Items"]
    return {row["payment_id"]: row for row in map(unmarshal, items)}


_BATCH_MAX = 25
_CHARGES = "sandbox-charges"
_GROWING = {
    "payments": ("account_id", "payment_id"),
    "activity": ("account_id", "sequence"),
    _CHARGES: ("payment_id",),
}
"""The tables in which paying leaves new items, and their keys."""


def calm_down(world: World, account_id: str) -> None:
    """All crashes are over: checks come as they fall due, until none is due any more or one changes nothing. What is
    parked waits for a person, however often it is asked about."""
    standing = world.ledger.get(Key(Account, account_id))
    before = None
    while standing is not None and standing != before:
        waiting = [payment for payment in standing.pending.values() if payment.status != "parked"]
        due = [payment.next_check_at for payment in waiting if payment.next_check_at]
        if not due:
            return
        go_to(world, max(due))
        world.reconcile(account_id)
        before, standing = standing, world.ledger.get(Key(Account, account_id))


def go_to(world: World, moment: datetime) -> None:
    """To `moment` and a second, if it is still to come."""
    seconds = int((moment - world.clock.now() + timedelta(seconds=1)).total_seconds())
    if seconds > 0:
        world.clock.advance(seconds=seconds)
