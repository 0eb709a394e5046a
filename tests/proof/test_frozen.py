"""A process that freezes in the middle of a payment, and thaws when others have moved on: never two charges."""

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from chalicelib import wiring
from chalicelib.gateways.port import Charge, GatewayPort, NotSent
from chalicelib.gateways.sandbox import ChargeTable
from chalicelib.payments.models import Payment
from tests.proof.books import Books, flaws
from tests.proof.cases import NOTHING
from tests.proof.customers import Customer, Told, new_customer, paying
from tests.proof.gateways import THAW_SECONDS_MAX, Freezer, LooksFirst
from tests.proof.process import (
    ANSWER_LOST,
    DIES_AFTER,
    FREEZES_AFTER,
    FREEZES_BEFORE,
    OVERTAKEN,
    OVERTAKEN_UNHEARD,
    Fault,
    Process,
)
from tests.proof.promises import payment_stays
from tests.proof.watched import WatchedGateway, WatchedLedger
from tests.proof.world import SETTINGS, DynamoDBWorld, MemoryWorld, Tables, World, calm_down, sandbox
from tests.support.engines import Engine
from tests.support.faults import Crash

OWED_MINOR = 60_000
PAST_THE_CHECK = 301

pay_all = paying()


@dataclass
class Story:
    """A customer, and a world in which a process can be frozen."""

    world: World
    customer: Customer

    def frozen_payment(self, threads: ThreadPoolExecutor, *, charges_first: bool) -> tuple[Freezer, "Future[Told]"]:
        """A payment under "first" by a process that has frozen at its charge."""
        freezer = Freezer(self.world.gateway, charges_first=charges_first)
        desk = wiring.build(SETTINGS, clock=self.world.clock, ledger=self.world.ledger, gateway=freezer)
        answer = threads.submit(pay_all, desk, self.customer, "first")
        assert freezer.frozen.wait(THAW_SECONDS_MAX)
        return freezer, answer

    def pay(self, key: str) -> Told:
        return pay_all(self.world.desk, self.customer, key)

    def reconcile(self) -> None:
        self.world.clock.advance(seconds=PAST_THE_CHECK)
        self.world.reconcile(self.customer.account_id)

    def payment(self, key: str) -> Payment:
        payment = self.books().payment(self.customer.payment_id(key))
        assert payment is not None
        return payment

    def books(self) -> Books:
        return self.world.books(self.customer.account_id)

    def charged_minor(self) -> int:
        return sum(self.books().approved.values())


@pytest.fixture(params=["memory", "ministack"])
def story(request: pytest.FixtureRequest) -> Iterator[Story]:
    before = MemoryWorld(NOTHING)
    customer = new_customer(before.desk, ("tok_visa",))
    if request.param == "memory":
        yield Story(MemoryWorld(before.snapshot()), customer)
        return
    engine: Engine = request.getfixturevalue("ministack")
    with engine.tables() as prefix:
        yield Story(DynamoDBWorld(before.snapshot(), Tables(engine, prefix)), customer)


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


def test_frozen_before_its_charge_and_closed_meanwhile_it_charges_nothing(
    story: Story, threads: ThreadPoolExecutor
) -> None:
    freezer, answer = story.frozen_payment(threads, charges_first=False)
    story.reconcile()
    assert story.payment("first").status == "canceled"
    freezer.thaw.set()
    assert answer.result(THAW_SECONDS_MAX).what == "canceled"
    assert story.charged_minor() == 0
    assert story.pay("first").what == "canceled", "the key is used up"
    assert story.pay("second").what == "succeeded"
    assert story.charged_minor() == OWED_MINOR
    assert flaws(story.books(), calm=True) == []


def test_frozen_before_its_charge_while_another_payment_takes_everything_it_charges_nothing(
    story: Story, threads: ThreadPoolExecutor
) -> None:
    freezer, answer = story.frozen_payment(threads, charges_first=False)
    assert story.pay("second").what == "nothing_to_pay", "the frozen payment covers it"
    story.reconcile()
    assert story.pay("second").what == "succeeded"
    freezer.thaw.set()
    assert answer.result(THAW_SECONDS_MAX).what == "canceled"
    assert story.charged_minor() == OWED_MINOR
    assert flaws(story.books(), calm=True) == []


def test_frozen_after_its_charge_it_is_booked_by_the_check_and_answers_what_happened(
    story: Story, threads: ThreadPoolExecutor
) -> None:
    freezer, answer = story.frozen_payment(threads, charges_first=True)
    story.reconcile()
    assert story.payment("first").status == "succeeded"
    assert story.pay("second").what == "nothing_to_pay"
    freezer.thaw.set()
    assert answer.result(THAW_SECONDS_MAX).what == "succeeded"
    assert story.charged_minor() == OWED_MINOR
    assert flaws(story.books(), calm=True) == []


def test_frozen_and_thawed_before_the_check_it_charges_once_and_the_check_finds_nothing_to_do(
    story: Story, threads: ThreadPoolExecutor
) -> None:
    freezer, answer = story.frozen_payment(threads, charges_first=False)
    assert story.pay("first").what == "in_flight"
    freezer.thaw.set()
    assert answer.result(THAW_SECONDS_MAX).what == "succeeded"
    story.reconcile()
    assert story.charged_minor() == OWED_MINOR
    assert flaws(story.books(), calm=True) == []


@pytest.mark.parametrize("fault", [FREEZES_AFTER, ANSWER_LOST], ids=["frozen", "unanswered"])
def test_a_charge_that_arrives_after_the_payment_was_closed_is_not_sent(story: Story, fault: Fault) -> None:
    process = Process({1: fault}, meanwhile=lambda: story.world.clock.advance(seconds=61))
    ledger = WatchedLedger(story.world.ledger, process)
    desk = wiring.build(SETTINGS, clock=story.world.clock, ledger=ledger, gateway=story.world.gateway)
    pay_all(desk, story.customer, "first")
    story.reconcile()
    payment = story.payment("first")
    assert payment.status == "canceled"
    late = Charge(
        payment_id=payment.payment_id,
        account_id=payment.account_id,
        amount_minor=payment.amount_minor,
        currency=payment.currency,
        method_reference=payment.method.gateway_reference,
        customer_present=True,
    )
    assert story.world.gateway.charge(late) == NotSent("closed before it was sent")
    assert story.charged_minor() == 0
    assert flaws(story.books(), calm=True) == []


@pytest.mark.parametrize(("seconds", "sent"), [(60, True), (61, False)])
def test_a_charge_is_sent_within_sixty_seconds_of_its_reservation_or_not_at_all(
    story: Story, *, seconds: int, sent: bool
) -> None:
    process = Process({1: FREEZES_AFTER}, meanwhile=lambda: story.world.clock.advance(seconds=seconds))
    ledger = WatchedLedger(story.world.ledger, process)
    gateway = WatchedGateway(story.world.gateway, process)
    desk = wiring.build(SETTINGS, clock=story.world.clock, ledger=ledger, gateway=gateway)
    answer = pay_all(desk, story.customer, "first")
    assert process.effects[1] == "store commit"
    assert ("gateway charge" in process.effects) is sent
    assert story.charged_minor() == (OWED_MINOR if sent else 0)
    assert answer.what == ("succeeded" if sent else "in_flight")
    calm_down(story.world, story.customer.account_id)
    assert story.payment("first").status == ("succeeded" if sent else "canceled")
    assert story.pay("second").what == ("nothing_to_pay" if sent else "succeeded")
    assert story.charged_minor() == OWED_MINOR
    assert flaws(story.books(), calm=True) == []


@dataclass
class Unfenced:
    """A world whose gateway breaks its word: it charges a payment that it said was closed."""

    world: MemoryWorld
    customer: Customer

    def pays_late(self, meanwhile: Callable[[], object], fault: Fault | None = None) -> Told:
        """A process that froze before its charge and thaws after its payment was closed and `meanwhile` happened.
        `fault` befalls the commit that books the late money: reservation, then a stale one, then that one."""

        def others() -> None:
            self.world.clock.advance(seconds=PAST_THE_CHECK)
            self.world.reconcile(self.customer.account_id)
            meanwhile()

        freezing = Process({0: FREEZES_BEFORE}, meanwhile=others)
        booking = Process({4: fault} if fault else None)
        desk = wiring.build(
            SETTINGS,
            clock=self.world.clock,
            ledger=WatchedLedger(self.world.ledger, booking),
            gateway=WatchedGateway(self.world.gateway, freezing),
        )
        try:
            return pay_all(desk, self.customer, "first")
        except Crash:
            return Told("died")
        finally:
            assert booking.effects[4] == "store commit"

    def books(self) -> Books:
        return self.world.books(self.customer.account_id)


@pytest.fixture
def unfenced() -> Unfenced:
    before = MemoryWorld(NOTHING)
    customer = new_customer(before.desk, ("tok_visa",))

    def looks_first(charges: ChargeTable) -> GatewayPort:
        return LooksFirst(sandbox(charges), charges)

    return Unfenced(MemoryWorld(before.snapshot(), looks_first), customer)


def alarms(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.levelno >= logging.ERROR]


def test_money_that_comes_late_for_what_is_still_open_pays_it_and_raises_an_alarm(
    unfenced: Unfenced, caplog: pytest.LogCaptureFixture
) -> None:
    assert unfenced.pays_late(lambda: None).what == "succeeded"
    books = unfenced.books()
    assert flaws(books, calm=True) == []
    assert (sum(books.approved.values()), books.account.credit_minor) == (OWED_MINOR, 0)
    assert alarms(caplog) == ["money_arrived_late"]


def test_money_that_comes_late_for_what_was_paid_meanwhile_becomes_credit_and_raises_an_alarm(
    unfenced: Unfenced, caplog: pytest.LogCaptureFixture
) -> None:
    assert unfenced.pays_late(lambda: pay_all(unfenced.world.desk, unfenced.customer, "second")).what == "succeeded"
    books = unfenced.books()
    assert flaws(books, calm=True) == []
    assert books.account.credit_minor == OWED_MINOR, "given back as credit, not lost"
    assert [entry.action for entry in books.entries][-1] == "payment.succeeded_late"
    assert alarms(caplog) == ["money_arrived_late"]
    again = pay_all(unfenced.world.desk, unfenced.customer, "first")
    assert (again.what, payment_stays(books, again)) == ("succeeded", True)
    assert unfenced.books() == books, "booked once"


@pytest.mark.parametrize("fault", [OVERTAKEN, OVERTAKEN_UNHEARD, ANSWER_LOST, DIES_AFTER], ids=lambda fault: fault.name)
def test_money_that_comes_late_is_booked_once_whatever_befalls_its_commit(unfenced: Unfenced, fault: Fault) -> None:
    answer = unfenced.pays_late(lambda: None, fault)
    books = unfenced.books()
    assert payment_stays(books, answer)
    assert flaws(books, calm=True) == []
    assert len([entry for entry in books.entries if entry.action == "payment.succeeded_late"]) == 1
    assert (sum(books.approved.values()), books.account.credit_minor) == (OWED_MINOR, 0)
