"""Many accounts that autopay has something to do for, and the fan-out that works them off, in memory."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from chalicelib import wiring
from chalicelib.accounts.models import BY_AUTOPAY, Account, Autopay
from chalicelib.accounts.rules import today_of
from chalicelib.autopay.service import AutopaySweep
from chalicelib.gateways.sandbox import SandboxGateway
from chalicelib.gateways.sandbox_tables import MemoryCharges
from chalicelib.ledger.due import shard_of
from chalicelib.ledger.memory import MemoryLedger
from chalicelib.ledger.models import Change, Index, Key
from chalicelib.ledger.port import LedgerPort
from chalicelib.payment_methods.rules import snapshot
from chalicelib.payments.models import Payment
from chalicelib.sweeps.models import Order, Sweep, SweepName, Tally, Worked
from chalicelib.sweeps.service import FanOut, Sweeps
from chalicelib.sweeps.stores import MemoryQueue, MemoryRuns
from local.clock import MovableClock, StandingClock
from tests.proof.world import PAGE_URL, SETTINGS
from tests.support.builders import NOW, a_card, an_account, an_invoice, owed
from tests.support.reconciling import reconcile

AMOUNT_MINOR = 12_000
SMALL = FanOut(messages=4, threads=2, page=3, spare_seconds=30.0)
"""So small that a handful of accounts needs several messages, pages and helpings."""


def plenty() -> float:
    return 300.0


def short() -> float:
    """Less than a worker keeps for its last account."""
    return 29.0


def owing(account_id: str, token: str = "tok_visa", **fields: Any) -> Change[Account]:
    """A new account with autopay on, whose one invoice falls due today."""
    card = a_card(account_id=account_id, gateway_reference=f"{token}:{account_id}:pm_VISA")
    account = an_account(
        {"inv_1": owed(AMOUNT_MINOR, due_in_days=0)},
        account_id=account_id,
        method_count=1,
        invoice_count=1,
        default_method=snapshot(card),
        autopay=Autopay(enabled=True),
        **fields,
    )
    today = today_of(account, NOW)
    invoice = an_invoice("inv_1", AMOUNT_MINOR, account_id=account_id, issued_on=today, due_on=today)
    return Change(account, puts=(invoice, card))


def open_fleet(ledger: LedgerPort, account_ids: Sequence[str], token: str = "tok_visa") -> None:
    for account_id in account_ids:
        ledger.commit(owing(account_id, token))


def names(count: int) -> list[str]:
    return [f"acc_{number:05d}" for number in range(count)]


def names_in(shard: str, count: int) -> list[str]:
    """So many account ids that all stand in one shard."""
    found: list[str] = []
    number = 0
    while len(found) < count:
        if shard_of(f"acc_{number:05d}") == shard:
            found.append(f"acc_{number:05d}")
        number += 1
    return found


class Fleet:
    """`sweeps` works on the same books as `desk`; `wrap` puts something around the autopay sweep."""

    def __init__(
        self,
        account_ids: Sequence[str],
        *,
        token: str = "tok_visa",
        fan_out: FanOut = SMALL,
        wrap: Callable[[Sweep], Sweep] = lambda sweep: sweep,
    ) -> None:
        self.account_ids = account_ids
        self.clock = MovableClock(StandingClock(NOW))
        self.ledger = MemoryLedger(due_work=wiring.due_work(SETTINGS))
        self.charges = MemoryCharges()
        self.queue, self.runs = MemoryQueue(), MemoryRuns()
        self.desk = wiring.build(
            SETTINGS,
            clock=self.clock,
            ledger=self.ledger,
            gateway=SandboxGateway(self.charges, PAGE_URL),
            queue=self.queue,
            runs=self.runs,
        )
        autopay = AutopaySweep(self.desk.payments, wiring.autopay_policy(SETTINGS))
        self.sweeps = Sweeps(self.ledger, self.queue, self.runs, self.clock, fan_out, {"autopay": wrap(autopay)})
        open_fleet(self.ledger, account_ids, token)

    def run(self, seconds_left: Callable[[], float] = plenty) -> Tally:
        """The schedule fires, and every message is worked off."""
        self.sweeps.start("autopay")
        return self.work_off(seconds_left)

    def work_off(self, seconds_left: Callable[[], float] = plenty) -> Tally:
        total = Tally()
        while self.queue.orders:
            total += self.sweeps.work(self.queue.orders.pop(0), seconds_left).tally
        return total

    def deliver(self, order: Order, seconds_left: Callable[[], float] = plenty) -> Worked:
        return self.sweeps.work(order, seconds_left)

    def calm_down(self) -> None:
        """What crashes left in flight is checked, and the next run does what is left."""
        self.clock.advance(seconds=301)
        reconcile(self.desk)
        self.run()

    def account(self, account_id: str) -> Account:
        account = self.ledger.get(Key(Account, account_id))
        assert account is not None
        return account

    def attempts(self) -> Counter[str]:
        """How often the gateway charged, or refused to, by account."""
        return Counter(row["account_id"] for row in self.charges.rows.values() if row["state"] != "void")

    def paid(self, account_id: str) -> list[int]:
        """What the account's payments brought."""
        payments = self.ledger.records(Payment, account_id, limit=100)
        return [payment.amount_minor for payment in payments if payment.status == "succeeded"]

    def due(self) -> list[str]:
        """Whom the index still names."""
        shards = [f"{shard:02d}" for shard in range(32)]
        return [who for shard in shards for _, who in self.ledger.find(BY_AUTOPAY, shard, limit=10_000)]

    def must_have_charged_everybody_once(self) -> None:
        assert self.attempts() == Counter(self.account_ids)
        for account_id in self.account_ids:
            assert self.paid(account_id) == [AMOUNT_MINOR]
            account = self.account(account_id)
            assert (account.open_invoices, account.pending, account.credit_minor) == ({}, {}, 0)
        assert self.due() == []

    def spoil(self, account_id: str, due: str = "2000-01-01T00:00:00.000Z", **damage: Any) -> None:
        """Damages the account's record beyond reading, and puts it first in its shard."""
        place = Key(Account, account_id).place
        self.ledger._items[place] |= (damage or {"open_invoices": "torn"}) | {"autopay_due": f"{due}#{account_id}"}


class Watched:
    """A sweep that writes down whom it was asked to handle, and may do something of its own before and after."""

    name: SweepName = "autopay"
    index: Index = BY_AUTOPAY

    def __init__(
        self,
        sweep: Sweep,
        before: Callable[[str, int], object] = lambda _account_id, _number: None,
        after: Callable[[str, int], object] = lambda _account_id, _number: None,
    ) -> None:
        self._sweep = sweep
        self._before = before
        self._after = after
        self._lock = threading.Lock()
        self.handled: list[str] = []

    def handle(self, account_id: str) -> Tally:
        with self._lock:
            number = len(self.handled)
            self.handled.append(account_id)
        self._before(account_id, number)
        tally = self._sweep.handle(account_id)
        self._after(account_id, number)
        return tally
