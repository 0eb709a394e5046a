"""A process of Paydesk that works until it is killed: it pays as the API does, and works off orders as the queue's
function does.
"""

import logging
import os
import random
import time
from collections.abc import Sequence
from ctypes import c_long
from dataclasses import dataclass
from datetime import datetime, timedelta
from multiprocessing.connection import Connection

from chalicelib import wiring
from chalicelib.core.clock import instant
from chalicelib.core.errors import Refused, Unavailable
from chalicelib.ledger.due import shard_of
from chalicelib.ledger.dynamodb import Ledger, dynamodb_client
from chalicelib.ledger.models import A, Change
from chalicelib.payments.service import PayRequest
from chalicelib.sweeps.models import Order, SweepName
from chalicelib.sweeps.stores import MemoryQueue, MemoryRuns
from local import aws
from tests.proof.customers import ANNA
from tests.proof.kills.gateway import RemoteGateway
from tests.proof.world import DUE_WORK, SETTINGS
from tests.support.engines import environment
from tests.support.stack import MONDAY_MORNING

KEYS = 3
"""How many keys customers try an invoice with: some requests are repeated, some are made twice at once."""


class SharedClock:
    """Paydesk's time for all processes: it passes as it does, and `ahead` (seconds) sets it ahead for everybody."""

    def __init__(self, began: float, ahead: c_long) -> None:
        self._began = began
        self.ahead = ahead

    def now(self) -> datetime:
        passed = time.monotonic() - self._began + self.ahead.value
        return instant(MONDAY_MORNING + timedelta(seconds=passed))


class Unreserving(Ledger):
    """Broken on purpose: what changes the account alone, as a reservation does, is not written."""

    def commit(self, change: Change[A]) -> A:
        return change.account if change.only_the_account else super().commit(change)


@dataclass(frozen=True)
class Site:
    """Where a worker works. `reserves`: whether its ledger is sound."""

    engine_url: str
    prefix: str
    gateway_url: str
    account_ids: Sequence[str]
    began: float
    reserves: bool = True

    def desk(self, ahead: c_long) -> wiring.Desk:
        with environment(aws.environment(self.engine_url)):
            client = dynamodb_client()
        ledger = (Ledger if self.reserves else Unreserving)(client, self.prefix, due_work=DUE_WORK)
        return wiring.build(
            SETTINGS,
            clock=SharedClock(self.began, ahead),
            ledger=ledger,
            gateway=RemoteGateway(self.gateway_url),
            queue=MemoryQueue(),
            runs=MemoryRuns(),
        )


def work(site: Site, ahead: c_long, seed: int, at_work: Connection) -> None:
    """Goes on until it is killed, or left behind by a parent that is no more. Says on `at_work` when it begins."""
    logging.disable(logging.CRITICAL)
    desk, dice, parent = site.desk(ahead), random.Random(seed), os.getppid()
    at_work.send(None)
    while os.getppid() == parent:
        match dice.choices(("pay", "autopay", "reconcile"), (8, 2, 1)):
            case ["pay"]:
                pay_something(desk, dice.choice(site.account_ids), dice)
            case [sweep]:
                work_off(desk, "autopay" if sweep == "autopay" else "reconcile", site.account_ids)


def pay_something(desk: wiring.Desk, account_id: str, dice: random.Random) -> None:
    """The customer pays one of the open invoices, maybe with a key that was used for it before."""
    open_invoices = sorted(desk.accounts.get(account_id).open_invoices)
    if not open_invoices:
        return
    invoice_id = dice.choice(open_invoices)
    key = f"{invoice_id} {dice.randrange(KEYS)}"
    try:
        desk.payments.pay(PayRequest(account_id, key, invoice_id, ANNA, invoice_ids=(invoice_id,)))
    except (Refused, Unavailable):
        return  # told so: a customer looks again


def work_off(desk: wiring.Desk, sweep: SweepName, account_ids: Sequence[str]) -> None:
    shards = sorted({shard_of(account_id) for account_id in account_ids})
    order = Order(sweep=sweep, run=desk.clock.now().date().isoformat(), shards=tuple(shards))
    try:
        desk.sweeps.work(order, lambda: 300.0)
    except Unavailable:
        return  # the queue delivers it again
