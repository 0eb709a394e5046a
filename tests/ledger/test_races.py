"""Many writers and readers on one account, over real HTTP: nothing is lost, done twice or seen by halves.

On MiniStack, which isolates transactions under threads. moto does not: nothing about races can be shown there.
"""

import itertools
import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from chalicelib.accounts.models import Account
from chalicelib.activity.models import ActivityEntry, ActivityHead
from chalicelib.core.errors import Unavailable
from chalicelib.invoices.models import Invoice
from chalicelib.ledger.dynamodb import Ledger
from chalicelib.ledger.models import Change, FieldSet, Key, Stale
from tests.ledger.conftest import Tables
from tests.ledger.records import an_account, an_entry, an_invoice
from tests.support.faults import Road, acknowledgement_lost, conflict, request_lost

WRITERS = 16
CHANGES_EACH = 20
ACCOUNT = Key(Account, "acc_one")
INVOICE = Key(Invoice, "acc_one", "inv_1")


@pytest.fixture
def account(ministack_tables: Tables) -> Iterator[Account]:
    ledger = Ledger(ministack_tables.engine.ledger_client(), ministack_tables.prefix)
    yield ledger.commit(Change(an_account(), puts=(an_invoice("inv_1", remaining_minor=0),)))
    ministack_tables.empty()


def append(ledger: Ledger, writer: int, number: int) -> int:
    """Load, decide, commit: a new entry at the end of the log, the invoice in step with it. Returns its sequence."""
    account = ledger.get(ACCOUNT)
    assert account
    sequence = account.activity.count + 1
    changed = account.model_copy(update={"activity": ActivityHead(count=sequence)})
    entry = an_entry(sequence, writer=writer, number=number)
    in_step = FieldSet(INVOICE, {"remaining_minor": sequence})
    return ledger.commit(Change(changed, puts=(entry,), sets=(in_step,))).activity.count


def until_acknowledged(write: Callable[[], int]) -> int:
    wait_seconds = 0.005
    while True:
        try:
            return write()
        except (Stale, Unavailable):  # come again, later each time, as a client does
            time.sleep(random.uniform(0, wait_seconds))
            wait_seconds = min(0.3, 2 * wait_seconds)


def in_parallel(tasks: list[Callable[[], list[int]]]) -> list[list[int]]:
    start = threading.Barrier(len(tasks))

    def run(task: Callable[[], list[int]]) -> list[int]:
        start.wait(timeout=30)
        return task()

    with ThreadPoolExecutor(len(tasks)) as pool:
        return list(pool.map(run, tasks))


def flat(lists: list[list[int]]) -> list[int]:
    return list(itertools.chain.from_iterable(lists))


def entries(ledger: Ledger) -> list[ActivityEntry]:
    return list(ledger.records(ActivityEntry, "acc_one", limit=WRITERS * CHANGES_EACH + 1))


def test_every_acknowledged_change_of_many_writers_is_there_exactly_once(
    ministack_tables: Tables, account: Account
) -> None:
    ledger = Ledger(ministack_tables.engine.ledger_client(), ministack_tables.prefix)

    def writer(name: int) -> Callable[[], list[int]]:
        return lambda: [
            until_acknowledged(lambda number=number: append(ledger, name, number))  # type: ignore[misc]  # bound now
            for number in range(CHANGES_EACH)
        ]

    acknowledged = flat(in_parallel([writer(name) for name in range(WRITERS)]))

    standing, invoice = ledger.read(ACCOUNT, INVOICE)
    total = WRITERS * CHANGES_EACH
    assert sorted(acknowledged) == list(range(1, total + 1))
    assert [entry.sequence for entry in entries(ledger)] == list(range(1, total + 1))
    written_by = [(entry.facts["writer"], entry.facts["number"]) for entry in entries(ledger)]
    assert sorted(written_by) == [(name, number) for name in range(WRITERS) for number in range(CHANGES_EACH)]
    assert (standing.version, standing.activity.count, invoice.remaining_minor) == (total + 1, total, total)


def test_no_acknowledged_change_is_lost_or_doubled_on_a_bad_road(ministack_tables: Tables, account: Account) -> None:
    """Every third request is lost, or done unheard, or meets a conflict."""

    def writer(name: int) -> Callable[[], list[int]]:
        client = ministack_tables.engine.ledger_client()
        road = Road(client)
        ledger = Ledger(client, ministack_tables.prefix, sleep=lambda _: None)

        def write() -> list[int]:
            acknowledged = []
            for number in range(10):
                road.meets(None, (acknowledgement_lost, request_lost, conflict)[number % 3])
                acknowledged.append(until_acknowledged(lambda number=number: once(ledger, name, number)))  # type: ignore[misc]  # bound now
            return acknowledged

        return write

    def once(ledger: Ledger, name: int, number: int) -> int:
        """As a service does: what a request made is found by the request, so deciding again does nothing twice."""
        made = [e for e in entries(ledger) if (e.facts["writer"], e.facts["number"]) == (name, number)]
        return made[0].sequence if made else append(ledger, name, number)

    acknowledged = flat(in_parallel([writer(name) for name in range(4)]))

    ledger = Ledger(ministack_tables.engine.ledger_client(), ministack_tables.prefix)
    standing = ledger.get(ACCOUNT)
    assert standing
    assert sorted(acknowledged) == list(range(1, 41))
    written_by = [(entry.facts["writer"], entry.facts["number"]) for entry in entries(ledger)]
    assert sorted(written_by) == [(name, number) for name in range(4) for number in range(10)]
    assert standing.version == 41


def test_readers_never_see_half_a_transaction(ministack_tables: Tables, account: Account) -> None:
    ledger = Ledger(ministack_tables.engine.ledger_client(), ministack_tables.prefix)
    done = threading.Event()

    def write() -> list[int]:
        try:
            return [until_acknowledged(lambda: append(ledger, 0, 0)) for _ in range(60)]
        finally:
            done.set()

    def read() -> list[int]:
        seen = []
        while not done.is_set():
            standing, invoice = ledger.read(ACCOUNT, INVOICE)
            assert standing.activity.count == invoice.remaining_minor
            seen.append(invoice.remaining_minor)
        return seen

    _, *seen = in_parallel([write, read, read, read])
    for reader in seen:
        assert reader == sorted(reader), "no reader goes back in time"
        assert len(set(reader)) > 5, "readers and the writer did run side by side"


def test_of_many_that_decide_on_one_version_exactly_one_wins(ministack_tables: Tables, account: Account) -> None:
    ledger = Ledger(ministack_tables.engine.ledger_client(), ministack_tables.prefix)

    def attempt() -> list[int]:
        try:
            return [ledger.commit(Change(account, puts=(an_entry(1),))).version]
        except Stale:
            return []

    assert sorted(in_parallel([attempt] * WRITERS))[-2:] == [[], [2]]


@pytest.mark.parametrize("in_a_transaction", [False, True])
def test_a_lost_acknowledgement_is_not_applied_twice(
    ministack_tables: Tables, account: Account, in_a_transaction: bool
) -> None:
    client = ministack_tables.engine.ledger_client()
    road = Road(client)
    ledger = Ledger(client, ministack_tables.prefix, sleep=lambda _: None)
    road.meets(acknowledgement_lost, acknowledgement_lost)
    change = Change(
        account.model_copy(update={"credit_minor": account.credit_minor + 100}),
        puts=(an_entry(1),) if in_a_transaction else (),
    )
    written = ledger.commit(change)
    assert len(road.trips) == 3
    assert ledger.get(ACCOUNT) == written
    assert (written.version, written.credit_minor) == (2, 100)
