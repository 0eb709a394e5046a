"""A whole Paydesk for one test: fresh tables, a clock that stands still until it is moved, people with tokens.

What a test needs to be there already is made through the services, quickly; what it is about goes through the API.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from chalice.app import Chalice

from chalicelib import settings, wiring
from chalicelib.accounts.models import Account
from chalicelib.accounts.rules import today_of
from chalicelib.accounts.service import OpenRequest
from chalicelib.activity.models import Actor
from chalicelib.invoices.models import Line
from chalicelib.invoices.service import IssueRequest
from chalicelib.ledger.models import Change
from chalicelib.payment_methods.models import BillingDetails
from chalicelib.payment_methods.service import AddCard
from chalicelib.sweeps.models import SweepName, Tally
from chalicelib.sweeps.stores import MemoryQueue
from local.clock import MovableClock, StandingClock
from local.demo_data import suspend_services
from local.server import serve
from local.stage import Stage
from tests.support.client import ApiClient, Transport, in_process, over_http
from tests.support.engines import Engine
from tests.support.tokens import Tokens

MONDAY_MORNING = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
"""When every test begins."""

OPERATIONS = Actor(subject="operations", name="operations@example.com")
"""Who did what was there before the test began."""


@dataclass(frozen=True)
class Stack:
    """`desk` is what the app works on; `prefix` names its tables on `engine`; in `queue` a run's orders wait."""

    app: Chalice
    engine: Engine
    prefix: str
    desk: wiring.Desk
    clock: MovableClock
    tokens: Tokens
    queue: MemoryQueue

    def run(self, sweep: SweepName) -> Tally:
        """One run of scheduled work, start to end. What it counted: the day's counts, less those there were before."""
        day = self.clock.now().date().isoformat()
        before = {name: -count for name, count in self._counted(sweep, day).counts.items()}
        amounts = {name: -amount for name, amount in self._counted(sweep, day).amounts.items()}
        self.desk.sweeps.start(sweep)
        while self.queue.orders:
            self.desk.sweeps.work(self.queue.orders.pop(0), lambda: 300.0)
        more = self._counted(sweep, day) + Tally(before, amounts)
        return Tally(*({name: value for name, value in part.items() if value} for part in (more.counts, more.amounts)))

    def _counted(self, sweep: SweepName, day: str) -> Tally:
        return sum((shard.tally for shard in self.desk.sweeps.runs(sweep, day)), Tally())

    def client(self, *roles: str, accounts: tuple[str, ...] = ()) -> ApiClient:
        """Somebody with these roles; without any, nobody who signed in."""
        token = self.tokens.token(roles, accounts) if roles else None
        return ApiClient(in_process(self.app), token)

    def admin(self, *account_ids: str) -> ApiClient:
        return self.client("billing_admin", accounts=account_ids)

    def viewer(self, *account_ids: str) -> ApiClient:
        return self.client("billing_viewer", accounts=account_ids)

    def operator(self) -> ApiClient:
        return self.client("operator")

    @contextlib.contextmanager
    def served(self) -> Iterator[Transport]:
        """The same stack over HTTP, for many threads: `with stack.served() as http: stack.admin(a).over(http)`."""
        with serve(self.app) as url:
            yield over_http(url)

    def open_account(self, key: str = "acme", *, currency: str = "EUR", time_zone: str = "Europe/Berlin") -> str:
        """An account of nobody's before; the same key gives the same id in every test. Returns its id."""
        account, _ = self.desk.accounts.open(
            OpenRequest(key, "tests", OPERATIONS, name=key.title(), currency=currency, locale="en", time_zone=time_zone)
        )
        return account.account_id

    def issue_invoice(
        self, account_id: str, total_minor: int = 12_000, *, due_in_days: int = 14, issued_days_ago: int | None = None
    ) -> str:
        """One more unpaid invoice. Due in the past means overdue, and issued two weeks before unless said otherwise."""
        account = self.account(account_id)
        today = today_of(account, self.clock.now())
        due_on = today + timedelta(days=due_in_days)
        issued_on = self._issue_day(today, due_on, issued_days_ago)
        line = Line(description="Plan", quantity=1, unit_amount_minor=total_minor, amount_minor=total_minor)
        request = IssueRequest(
            account_id, f"invoice-{account.invoice_count}", "tests", OPERATIONS, [line], due_on, issued_on
        )
        return self.desk.invoices.issue(request).invoice.invoice_id

    def add_card(self, account_id: str, instrument: str = "tok_visa", *, make_default: bool = False) -> str:
        """One more card; the first becomes the default. Returns its id."""
        key = f"card-{self.account(account_id).method_count}-{instrument}"
        request = AddCard(account_id, key, "tests", OPERATIONS, instrument, make_default, BillingDetails())
        return self.desk.payment_methods.add_card(request).method.payment_method_id

    def suspend(self, account_id: str) -> None:
        """Suspends the account's services, as happens when grace has run out."""
        suspend_services(self.desk, account_id)

    def park(self, account_id: str, payment_id: str) -> None:
        """Leaves a pending payment to a person, as happens when no check could find out what became of it."""
        account = self.account(account_id)
        parked = account.pending[payment_id].model_copy(update={"status": "parked"})
        pending = account.pending | {payment_id: parked}
        self.desk.ledger.commit(Change(account.model_copy(update={"pending": pending})))

    def account(self, account_id: str) -> Account:
        return self.desk.accounts.get(account_id)

    def _issue_day(self, today: date, due_on: date, issued_days_ago: int | None) -> date:
        if issued_days_ago is not None:
            return today - timedelta(days=issued_days_ago)
        return min(today, due_on - timedelta(days=14))


@contextlib.contextmanager
def stack_on(engine: Engine, app: Chalice, tokens: Tokens, **variables: str) -> Iterator[Stack]:
    """A stack on an engine. `variables` override the dev stage's: `PAYDESK_COOLDOWN_SCOPE="payment_method"`.

    The process has one desk, so no two stacks at a time.
    """
    with engine.tables() as prefix:
        environ = Stage().environment() | tokens.pool.environment() | {"PAYDESK_TABLE_PREFIX": prefix} | variables
        clock, queue = MovableClock(StandingClock(MONDAY_MORNING)), MemoryQueue()
        with engine.environment():
            desk = wiring.build(settings.load(environ), clock=clock, queue=queue)
        wiring.use(desk)
        try:
            yield Stack(app, engine, prefix, desk, clock, tokens, queue)
        finally:
            wiring.use(None)
