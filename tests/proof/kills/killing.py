"""Workers killed at random moments, round by round; when each round is over, Paydesk's books beside the gateway's."""

import contextlib
import multiprocessing
import random
import signal
import time
from collections.abc import Iterator
from ctypes import c_long
from dataclasses import dataclass, field, replace
from datetime import timedelta
from multiprocessing.process import BaseProcess

from chalicelib.accounts.rules import today_of
from chalicelib.accounts.service import OpenRequest
from chalicelib.core.errors import Refused
from chalicelib.invoices.models import Line
from chalicelib.invoices.service import IssueRequest
from chalicelib.payment_methods.models import BillingDetails
from chalicelib.payment_methods.service import AddCard
from chalicelib.payments.models import Payment
from chalicelib.payments.service import PayRequest
from tests.proof.books import Books, flaws, read_books
from tests.proof.customers import ANNA
from tests.proof.kills.gateway import RemoteGateway, gateway_process
from tests.proof.kills.worker import Site, work, work_off
from tests.support.engines import Engine

CARDS = (*("tok_visa",) * 4, "tok_insufficient_funds", "tok_timeout_then_approved")
"""The default card of each customer; every second one is on autopay."""

OPEN_INVOICES = 4
"""How many each customer has open when a round begins: more than a round can pay."""

WORKERS = 4
"""How many are at work at once: what one leaves behind the others meet."""

LIFE_SECONDS_MAX = 0.3
_START_SECONDS_MAX = 60
_PAST_THE_CHECK = 301
_ROUNDS_OF_CALM_MAX = 12

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["tests.proof.kills.worker"])


@dataclass
class Found:
    """What came of the kills. `in_flight`: payments that a kill left without an end; `unbooked`: those of them that the
    gateway had charged by then; neither counts cards that leave payments so without a kill. `charges` and `payments`
    are counted at the end, when all is calm.
    """

    kills: int = 0
    in_flight: set[str] = field(default_factory=set)
    unbooked: set[str] = field(default_factory=set)
    charges: int = 0
    payments: int = 0
    flaws: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.kills} kills left {len(self.in_flight)} payments in flight, "
            f"{len(self.unbooked)} of them charged and not booked yet"
        )


class Killing:
    """A shop with a few customers, whose workers do not live long."""

    def __init__(self, site: Site, gateway: RemoteGateway, dice: random.Random) -> None:
        self.found = Found()
        self._site = site
        self._gateway = gateway
        self._dice = dice
        self._ahead: c_long = _processes.RawValue(c_long, 0)  # no lock that a killed worker could keep
        self._desk = site.desk(self._ahead)
        self._issued = 0

    def open_accounts(self) -> list[str]:
        opened = []
        for number, token in enumerate(CARDS):
            request = OpenRequest(f"shop {number}", "tests", ANNA, "Shop", "EUR", "en", "Europe/Berlin")
            account_id = self._desk.accounts.open(request)[0].account_id
            card = AddCard(
                account_id, "card", "tests", ANNA, token, make_default=True, billing_details=BillingDetails()
            )
            method_id = self._desk.payment_methods.add_card(card).method.payment_method_id
            self._desk.payment_methods.put_settings(account_id, method_id, number % 2 == 0, ANNA)
            opened.append(account_id)
        return opened

    def round(self, kills: int = WORKERS) -> None:
        """So many workers, each killed at a moment of its own."""
        self._issue_invoices()
        self._pass_time()
        with self._at_work(kills) as workers:
            for worker in self._dice.sample(workers, kills):
                time.sleep(self._dice.uniform(0, LIFE_SECONDS_MAX))
                self._pass_time()
                worker.kill()
        ended = {worker.exitcode for worker in workers}
        assert ended == {-signal.SIGKILL}, f"a worker ended by itself: {ended}"
        self.found.kills += kills
        for books in self._all_books():
            self._note(flaws(books, calm=False), books)
            left = {i for i, payment in books.account.pending.items() if _ends_at_once(payment)}
            self.found.in_flight |= left
            self.found.unbooked |= left & set(books.approved)

    def calm_down(self) -> None:
        """No more kills. Reconcile asks until nothing is due any more, then each customer pays what is left."""
        for _ in range(_ROUNDS_OF_CALM_MAX):
            pending = [p for books in self._all_books() for p in books.account.pending.values() if p.next_check_at]
            if not pending:
                break
            last = max(payment.next_check_at for payment in pending if payment.next_check_at)
            self._advance(int((last - self._desk.clock.now()).total_seconds()) + 1)
            work_off(self._desk, "reconcile", self._site.account_ids)
        for books in self._all_books():
            self._note(flaws(books, calm=True), books)
        self._advance(int(timedelta(hours=2).total_seconds()))
        for account_id in self._site.account_ids:
            self._pay_the_rest(account_id)
        for books in self._all_books():
            self._note(flaws(books, calm=True), books)
            if books.account.open_invoices:
                self._note(["something cannot be paid any more"], books)
            self.found.charges += len(books.approved)
            self.found.payments += len(books.succeeded)

    @contextlib.contextmanager
    def _at_work(self, count: int) -> Iterator[list[BaseProcess]]:
        """So many workers, all at work; whatever happens, none is left at the end."""
        workers: list[BaseProcess] = []
        with contextlib.ExitStack() as pipes:
            begun = []
            try:
                for _ in range(count):
                    here, there = _processes.Pipe(duplex=False)
                    begun.append(pipes.enter_context(here))
                    seed = self._dice.randrange(2**32)
                    worker = _processes.Process(target=work, args=(self._site, self._ahead, seed, there), daemon=True)
                    worker.start()
                    there.close()
                    workers.append(worker)
                for here in begun:
                    assert here.poll(_START_SECONDS_MAX), "a worker did not come to work"
                    here.recv()
                yield workers
            finally:
                for hired in workers:
                    hired.kill()
                    hired.join()

    def _issue_invoices(self) -> None:
        """Everybody owes something, due today."""
        for account_id in self._site.account_ids:
            account = self._desk.accounts.get(account_id)
            for _ in range(OPEN_INVOICES - len(account.open_invoices)):
                self._issued += 1
                amount = self._dice.randrange(1_000, 9_000)
                line = Line(description="Plan", quantity=1, unit_amount_minor=amount, amount_minor=amount)
                due_on = today_of(account, self._desk.clock.now())
                key = f"invoice {self._issued}"
                self._desk.invoices.issue(IssueRequest(account_id, key, "tests", ANNA, [line], due_on))

    def _pay_the_rest(self, account_id: str) -> None:
        """With a good card."""
        card = AddCard(
            account_id, "last card", "tests", ANNA, "tok_visa", make_default=True, billing_details=BillingDetails()
        )
        self._desk.payment_methods.add_card(card)
        with contextlib.suppress(Refused):  # nothing is left to pay
            self._desk.payments.pay(PayRequest(account_id, "the rest", "tests", ANNA))

    def _pass_time(self) -> None:
        """Now and then it is time for a check, whoever is at work."""
        if self._dice.random() < 1 / 3:
            self._advance(_PAST_THE_CHECK)

    def _advance(self, seconds: int) -> None:
        self._ahead.value += max(0, seconds)

    def _all_books(self) -> list[Books]:
        """Each account's, with the gateway's read after them: a charge on its way may still arrive."""
        now = self._desk.clock.now()
        books = [read_books(self._desk.ledger, {}, account_id, now) for account_id in self._site.account_ids]
        charges = self._gateway.books()
        return [replace(one, charges=charges) for one in books]

    def _note(self, wrong: list[str], books: Books) -> None:
        credit = books.account.credit_minor
        wrong = [*wrong, *([f"credit {credit}: more was charged than owed"] if credit else [])]
        self.found.flaws += [f"after {self.found.kills} kills, {books.account.account_id}: {flaw}" for flaw in wrong]


def _ends_at_once(payment: Payment) -> bool:
    """Whether it would have ended but for a kill: its card is one the gateway answers for."""
    return payment.status == "in_flight" and not payment.method.gateway_reference.startswith("tok_timeout")


@contextlib.contextmanager
def shop(engine: Engine, seed: int, *, reserves: bool = True) -> Iterator[Killing]:
    """A shop on an engine of many processes, its gateway in a process of its own."""
    dice = random.Random(seed)
    with engine.tables() as prefix, gateway_process(seed) as gateway:
        before = Site(engine.url, prefix, gateway.url, (), time.monotonic())
        account_ids = Killing(before, gateway, dice).open_accounts()
        site = Site(engine.url, prefix, gateway.url, account_ids, before.began, reserves)
        yield Killing(site, gateway, dice)
