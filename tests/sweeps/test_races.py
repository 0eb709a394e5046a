"""A customer pays by hand at the very instant autopay does, on a store that isolates transactions under threads."""

import threading
import time
from collections import Counter

from chalicelib import wiring
from chalicelib.accounts.models import Account
from chalicelib.core.errors import Refused
from chalicelib.gateways.sandbox import SandboxGateway
from chalicelib.gateways.sandbox_tables import DynamoDBCharges
from chalicelib.ledger.due import shard_of
from chalicelib.ledger.dynamodb import Ledger
from chalicelib.ledger.marshalling import unmarshal
from chalicelib.ledger.models import Item, Key
from chalicelib.payments.models import Payment
from chalicelib.payments.service import PayRequest
from chalicelib.sweeps.models import Order
from chalicelib.sweeps.stores import MemoryQueue, MemoryRuns
from local.clock import MovableClock, StandingClock
from tests.proof.world import DUE_WORK, PAGE_URL, SETTINGS
from tests.support.builders import ANNA, NOW
from tests.support.engines import Engine
from tests.sweeps.fleet import AMOUNT_MINOR, names, open_fleet, plenty

TIMES = 200
HEAD_START_SECONDS = 0.003
"""A run asks its index before it reads an account: without a head start in some of the races it would win none."""


def desk_on(engine: Engine, prefix: str) -> wiring.Desk:
    """A process of its own."""
    client = engine.ledger_client()
    return wiring.build(
        SETTINGS,
        clock=MovableClock(StandingClock(NOW)),
        ledger=Ledger(client, prefix, due_work=DUE_WORK),
        gateway=SandboxGateway(DynamoDBCharges(client, prefix), PAGE_URL),
        queue=MemoryQueue(),
        runs=MemoryRuns(),
    )


def test_paying_by_hand_and_autopay_at_the_same_instant_are_one_charge(ministack: Engine) -> None:
    with ministack.tables() as prefix:
        by_hand, scheduled = desk_on(ministack, prefix), desk_on(ministack, prefix)
        account_ids = names(TIMES)
        winners = Counter(
            _race(by_hand, scheduled, account_id, number % 4 * HEAD_START_SECONDS)
            for number, account_id in enumerate(account_ids)
        )
        rows = _all(ministack, f"{prefix}sandbox-charges")
        assert Counter(row["account_id"] for row in rows) == Counter(account_ids)
        assert {(row["state"], row["amount_minor"]) for row in rows} == {("approved", AMOUNT_MINOR)}
        for account_id in account_ids:
            account = by_hand.ledger.get(Key(Account, account_id))
            assert account is not None
            assert (account.open_invoices, account.pending, account.credit_minor) == ({}, {}, 0)
            (payment,) = by_hand.ledger.records(Payment, account_id, limit=10)
            assert (payment.status, payment.amount_minor, payment.credited_minor) == ("succeeded", AMOUNT_MINOR, 0)
    assert min(winners["manual"], winners["autopay"]) > 0, "it was a race"


def _race(by_hand: wiring.Desk, scheduled: wiring.Desk, account_id: str, head_start_seconds: float) -> str:
    """Who won. The account is opened just before: an earlier race of its shard must not have charged it."""
    open_fleet(by_hand.ledger, [account_id])
    gate = threading.Barrier(2)
    failed: list[BaseException] = []

    def pay() -> None:
        time.sleep(head_start_seconds)
        by_hand.payments.pay(PayRequest(account_id, "by hand", "tests", ANNA))

    def sweep() -> None:
        scheduled.sweeps.work(Order(sweep="autopay", run="2026-03-02", shards=(shard_of(account_id),)), plenty)

    def at_the_gate(act: object) -> None:
        gate.wait()
        try:
            pay() if act == "pay" else sweep()
        except Refused:
            return  # the other was first: nothing left to pay
        except BaseException as error:  # noqa: BLE001  # a thread's error would be lost: the test raises it
            failed.append(error)

    threads = [threading.Thread(target=at_the_gate, args=(act,)) for act in ("pay", "sweep")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed, failed
    (payment,) = by_hand.ledger.records(Payment, account_id, limit=10)
    return payment.trigger


def _all(engine: Engine, table: str) -> list[Item]:
    pages = engine.client.get_paginator("scan").paginate(TableName=table)
    return [unmarshal(item) for page in pages for item in page["Items"]]
