"""A whole desk in memory: MemoryLedger, the sandbox gateway on MemoryCharges, a clock that stands until it is moved.

The desk works for one account, Acme. When a test ends, its books have to balance.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pytest

from chalicelib import settings, wiring
from chalicelib.accounts.models import Account
from chalicelib.accounts.rules import suspended, today_of
from chalicelib.accounts.service import OpenRequest
from chalicelib.activity.models import ActivityEntry
from chalicelib.gateways.sandbox import SandboxGateway
from chalicelib.invoices.models import INVOICE_PREFIX, Invoice
from chalicelib.invoices.service import IssueRequest
from chalicelib.ledger.models import Change
from chalicelib.payment_methods.models import BillingDetails
from chalicelib.payment_methods.service import AddCard, MethodAndAccount
from chalicelib.payments.models import Payment
from chalicelib.payments.service import PayRequest, PayResult
from chalicelib.sweeps.models import SweepName, Tally
from chalicelib.sweeps.stores import MemoryQueue, MemoryRuns
from local.clock import MovableClock, StandingClock
from tests.support.builders import ANNA, NOW, OPERATIONS, a_line
from tests.support.interruptions import InterruptedCharges, InterruptedLedger

ENVIRON = {
    "PAYDESK_STAGE": "dev",
    "PAYDESK_TABLE_PREFIX": "memory-",
    "PAYDESK_GATEWAY": "sandbox",
    "PAYDESK_SANDBOX_PAGE_URL": "https://pay.example.com/sandbox",
    "PAYDESK_TOKEN_ISSUER": "https://login.example.com",
    "PAYDESK_TOKEN_AUDIENCE": "paydesk",
    "PAYDESK_TOKEN_JWKS_URL": "https://login.example.com/keys",
    "PAYDESK_TOKEN_ACCOUNTS_CLAIM": "accounts",
    "PAYDESK_TOKEN_ROLES_CLAIM": "roles",
    "PAYDESK_SWEEP_THREADS": "1",  # what is planned for a moment befalls the account it is meant for
}


@dataclass(frozen=True)
class MemoryDesk:
    """`desk` holds the services; the methods are what most tests need to be there already."""

    desk: wiring.Desk
    clock: MovableClock
    ledger: InterruptedLedger
    charges: InterruptedCharges
    gateway: SandboxGateway
    account_id: str
    queue: MemoryQueue = field(default_factory=MemoryQueue)
    _keys: Iterator[int] = field(default_factory=lambda: iter(range(1, 1_000_000)))

    def advance(self, **period: float) -> None:
        self.clock.advance(seconds=int(timedelta(**period).total_seconds()))

    def account(self) -> Account:
        return self.desk.accounts.get(self.account_id)

    def issue(self, amount_minor: int = 10_000, *, due_in_days: int = 14, key: str | None = None) -> str:
        """One more invoice, issued as long before as it needs to be; returns its id."""
        today = today_of(self.account(), self.clock.now())
        due_on = today + timedelta(days=due_in_days)
        return self.issued(amount_minor, due_on, min(today, due_on), key=key).invoice_id

    def issued(self, amount_minor: int, due_on: date, issued_on: date | None, *, key: str | None = None) -> Invoice:
        key = key or self._key("invoice")
        lines = [a_line(amount_minor)]
        request = IssueRequest(self.account_id, key, f"{amount_minor} {due_on}", OPERATIONS, lines, due_on, issued_on)
        return self.desk.invoices.issue(request).invoice

    def invoice(self, invoice_id: str) -> Invoice:
        return self.desk.invoices.get(self.account_id, invoice_id).invoice

    def invoices(self) -> list[Invoice]:
        return list(self.ledger.records(Invoice, self.account_id, limit=10_000, prefix=INVOICE_PREFIX))

    def add(self, token: str = "tok_visa", *, key: str | None = None, make_default: bool = False) -> MethodAndAccount:
        key = key or self._key("card")
        request = AddCard(self.account_id, key, token, ANNA, token, make_default, BillingDetails())
        return self.desk.payment_methods.add_card(request)

    def add_card(self, token: str = "tok_visa", *, make_default: bool = False) -> str:
        """One more card; the first becomes the default. Returns its id."""
        return self.add(token, make_default=make_default).method.payment_method_id

    def choose(self, default: str | None, *, autopay: bool) -> Account:
        """Payment settings: the default method and whether autopay is on."""
        return self.desk.payment_methods.put_settings(self.account_id, default, autopay, ANNA)

    def default_id(self) -> str | None:
        default = self.account().default_method
        return default.payment_method_id if default else None

    def pay(self, key: str | None = None, **wanted: Any) -> PayResult:
        """A payment as a route asks for it: what is wanted is also what the request's fingerprint tells apart."""
        key = key or self._key("pay")
        told: dict[str, Any] = {
            "account_id": self.account_id,
            "request_fingerprint": repr(sorted(wanted.items())),
            "actor": ANNA,
        }
        return self.desk.payments.pay(PayRequest(key=key, **told | wanted))

    def pay_with(self, token: str, key: str | None = None, **wanted: Any) -> Payment:
        """A payment with a card of its own."""
        return self.pay(key, payment_method_id=self.add_card(token), **wanted).payment

    def payment(self, payment: Payment | str) -> Payment:
        """The payment as it stands now."""
        payment_id = payment if isinstance(payment, str) else payment.payment_id
        return self.desk.payments.get(self.account_id, payment_id)

    def payments(self) -> list[Payment]:
        return list(self.desk.payments.list(self.account_id, limit=10_000, cursor=None).items)

    def suspend(self) -> None:
        self.ledger.commit(Change(suspended(self.account(), self.clock.now())))

    def log(self) -> list[ActivityEntry]:
        """The activity log, oldest first."""
        page = self.desk.activity.list(self.account_id, limit=10_000, cursor=None, newest_first=False)
        return list(page.items)

    def actions(self) -> list[str]:
        """What the activity log says was done, oldest first."""
        return [entry.action for entry in self.log()]

    def work(self) -> None:
        """Works off every order that waits."""
        while self.queue.orders:
            self.desk.sweeps.work(self.queue.orders.pop(0), lambda: 900.0)

    def run(self, sweep: SweepName) -> dict[str, int]:
        """A schedule fires and its orders are worked off; what that did, by what happened."""
        before = self._counted(sweep)
        self.desk.sweeps.start(sweep)
        self.work()
        return {name: n for name, count in self._counted(sweep).items() if (n := count - before.get(name, 0))}

    def _counted(self, sweep: SweepName) -> Mapping[str, int]:
        day = self.clock.now().date().isoformat()
        return sum((shard.tally for shard in self.desk.sweeps.runs(sweep, day)), Tally()).counts

    def must_balance(self) -> None:
        """What has to hold after whatever happened: DESIGN's invariants as far as these rooms know them."""
        account, invoices, payments = self.account(), self.invoices(), self.payments()
        for payment in payments:
            allocated = sum(part.amount_minor for part in payment.allocations)
            assert payment.amount_minor == allocated + payment.credited_minor, "captured = allocated + credited"
        succeeded = {payment.payment_id: payment for payment in payments if payment.status == "succeeded"}
        for invoice in invoices:
            if invoice.status == "void":
                assert (invoice.remaining_minor, invoice.payments) == (0, {})
                continue
            assert invoice.total_minor == invoice.remaining_minor + sum(invoice.payments.values())
            assert (invoice.status == "paid") == (invoice.remaining_minor == 0)
        assert {i: invoice.remaining_minor for i, invoice in account.open_invoices.items()} == {
            invoice.invoice_id: invoice.remaining_minor for invoice in invoices if invoice.status == "unpaid"
        }, "the account's totals are those of its invoices"
        booked = [(i.invoice_id, p, amount) for i in invoices for p, amount in i.payments.items() if p != "credit"]
        allocations = [(a.invoice_id, p.payment_id, a.amount_minor) for p in succeeded.values() for a in p.allocations]
        assert sorted(booked) == sorted(allocations), "invoices and payments tell the same story"
        credited = sum(payment.credited_minor for payment in succeeded.values())
        assert account.credit_minor == credited - sum(invoice.payments.get("credit", 0) for invoice in invoices)
        self._gateway_must_agree(succeeded)
        verified = self.desk.activity.verify(self.account_id, limit=10_000, cursor=None)
        assert (verified.flaw, verified.complete) == (None, True)

    def _gateway_must_agree(self, succeeded: dict[str, Payment]) -> None:
        """Whatever the gateway took is booked, or a payment that is still pending will book it."""
        taken = {
            payment_id: row["amount_minor"]
            for payment_id, row in self.charges.rows.items()
            if row["state"] == "approved" and row["account_id"] == self.account_id
        }
        pending = self.account().pending
        assert {i: payment.amount_minor for i, payment in succeeded.items()} == {
            i: amount for i, amount in taken.items() if i not in pending
        }, "what the gateway took is what was settled"

    def _key(self, what: str) -> str:
        return f"{what}-{next(self._keys)}"


def a_desk(**variables: str) -> MemoryDesk:
    """A desk with the settings of a dev stage, but for `variables`: `PAYDESK_COOLDOWN_SCOPE="payment_method"`."""
    clock = MovableClock(StandingClock(NOW))
    stage = settings.load(ENVIRON | variables)
    ledger, charges = InterruptedLedger(due_work=wiring.due_work(stage)), InterruptedCharges()
    gateway, queue = SandboxGateway(charges, stage.sandbox_page_url), MemoryQueue()
    desk = wiring.build(stage, clock=clock, ledger=ledger, gateway=gateway, queue=queue, runs=MemoryRuns())
    request = OpenRequest(
        "acme", "acme", OPERATIONS, name="Acme", currency="EUR", locale="en", time_zone="Europe/Berlin"
    )
    account, _ = desk.accounts.open(request)
    return MemoryDesk(desk, clock, ledger, charges, gateway, account.account_id, queue)


@pytest.fixture
def desk() -> Iterator[MemoryDesk]:
    made = a_desk()
    yield made
    made.must_balance()
