"""Stories of declines: retries on their days, suspension, and every way back."""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest

from chalicelib import settings, wiring
from chalicelib.core.errors import Invalid
from chalicelib.gateways.instruments import CARDS
from chalicelib.sweeps.stores import MemoryRuns
from tests.support.builders import ANNA, TODAY
from tests.support.memory_desk import ENVIRON, MemoryDesk, a_desk
from tests.sweeps.stories import SWEEPS, a_day, all_runs, automatic, autopay_with, day_of, diary


@pytest.fixture
def desk() -> Iterator[MemoryDesk]:
    made = a_desk(PAYDESK_LIMIT_METHOD_ATTEMPTS_PER_DAY="100")
    yield made
    made.must_balance()


def test_declines_are_retried_on_their_days_then_services_are_suspended_and_paying_brings_them_back(
    desk: MemoryDesk,
) -> None:
    autopay_with(desk, "tok_insufficient_funds")
    desk.issue(100, due_in_days=0)
    assert all_runs(desk) == ["declined"]
    assert diary(desk, 40) == {
        1: ["declined", "noticed"],
        3: ["declined"],
        5: ["declined"],
        7: ["declined", "noticed"],
        15: ["suspended"],
    }
    assert desk.account().autopay.stopped_reason == "retries_exhausted"
    assert desk.pay_with("tok_visa").status == "succeeded"
    assert desk.account().services.status == "active"
    assert desk.account().autopay.stopped_reason is None
    assert diary(desk, 40) == {}


def test_p10_autopay_with_a_new_default_brings_suspended_services_back(desk: MemoryDesk) -> None:
    autopay_with(desk, "tok_expired_card")
    desk.issue(100, due_in_days=0)
    desk.issue(70, due_in_days=60)
    assert all_runs(desk) == ["declined"]
    diary(desk, 20)
    assert desk.account().services.status == "suspended"
    desk.choose(desk.add_card("tok_mastercard"), autopay=True)
    assert all_runs(desk) == ["charged"]
    assert desk.account().services.status == "active"
    assert desk.actions()[-2:] == ["payment.succeeded", "services.reactivated"]
    assert diary(desk, 45) == {60: ["charged"]}, "what is due later is charged on its day"


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        ("tok_expired_card", "fix_method"),
        ("tok_incorrect_number", "fix_method"),
        ("tok_authentication_required", "needs_customer"),
        ("tok_requires_action", "needs_customer"),
        ("tok_stolen_card", "never_again"),
    ],
)
def test_what_only_the_customer_can_mend_is_tried_once(desk: MemoryDesk, token: str, reason: str) -> None:
    autopay_with(desk, token)
    desk.issue(100, due_in_days=0)
    assert all_runs(desk) == ["declined"]
    desk.issue(30, due_in_days=3)
    assert "declined" not in itertools.chain(*diary(desk, 30).values())
    assert desk.account().autopay.stopped_reason == reason
    assert desk.actions().count("autopay.stopped") == 1
    assert len(automatic(desk)) == 1


def test_a_stop_is_told_once_whatever_is_paid_by_hand_afterwards(desk: MemoryDesk) -> None:
    autopay_with(desk, "tok_stolen_card")
    desk.issue(200, due_in_days=-1)
    assert desk.run("autopay") == {"handled": 1, "declined": 1}
    desk.pay_with("tok_visa", amount_minor=50)
    assert desk.account().autopay.stopped_reason == "never_again"
    assert desk.actions().count("autopay.stopped") == 1


def test_a_card_past_its_date_is_not_even_asked_and_its_new_date_earns_an_attempt(desk: MemoryDesk) -> None:
    card = autopay_with(desk)
    desk.issued(100, date(2039, 12, 31), TODAY)
    desk.issued(50, date(2040, 1, 1), TODAY)
    desk.advance(days=(date(2039, 12, 31) - TODAY).days)
    assert all_runs(desk) == ["charged"], "good through the last day printed on it"
    desk.advance(days=1)
    assert all_runs(desk) == []
    assert desk.account().autopay.stopped_reason == "fix_method"
    assert len(automatic(desk)) == 1
    desk.desk.payment_methods.update(desk.account_id, card, ANNA, billing_details={}, expires=(2045, 12))
    assert all_runs(desk) == ["charged"]


@pytest.mark.parametrize("declines_with", ["tok_insufficient_funds", "tok_expired_card", "tok_stolen_card"])
def test_a_new_default_while_overdue_settles_the_old_invoice_at_once(desk: MemoryDesk, declines_with: str) -> None:
    autopay_with(desk, declines_with)
    desk.issue(100, due_in_days=0)
    all_runs(desk)
    a_day(desk)
    new = desk.add_card("tok_mastercard", make_default=True)
    assert all_runs(desk) == ["charged"]
    paid = automatic(desk)[-1]
    assert (paid.method.payment_method_id, paid.amount_minor) == (new, 100), "with the new card, not the one before"
    assert diary(desk, 30) == {}


def test_a_new_default_that_is_declined_too_is_not_tried_twice_at_once(desk: MemoryDesk) -> None:
    autopay_with(desk, "tok_expired_card")
    desk.issue(100, due_in_days=0)
    all_runs(desk)
    desk.add_card("tok_insufficient_funds", make_default=True)
    assert all_runs(desk) == ["declined"]
    assert [day for day, what in diary(desk, 14).items() if "declined" in what] == [1, 3, 5, 7]


def test_off_and_on_after_a_decline_charges_under_a_new_sequence(desk: MemoryDesk) -> None:
    card = autopay_with(desk, "tok_insufficient_funds")
    desk.issue(100, due_in_days=0)
    all_runs(desk)
    desk.choose(card, autopay=False)
    assert diary(desk, 2).get(3) is None
    assert len(automatic(desk)) == 1
    desk.choose(card, autopay=True)
    assert all_runs(desk) == ["declined"]
    ids = [payment.payment_id for payment in automatic(desk)]
    assert len(set(ids)) == 2
    assert desk.account().autopay.sequence == 2


def test_a_stolen_card_cannot_be_switched_on_again_and_is_not_tried_again(desk: MemoryDesk) -> None:
    card = autopay_with(desk, "tok_stolen_card")
    desk.issue(100, due_in_days=0)
    all_runs(desk)
    desk.choose(card, autopay=False)
    with pytest.raises(Invalid) as refused:
        desk.choose(card, autopay=True)
    assert (refused.value.code, refused.value.facts["reason"]) == ("method_not_usable", "refused_for_good")
    with pytest.raises(Invalid):
        desk.choose(desk.add_card("tok_stolen_card"), autopay=True)
    assert "declined" not in itertools.chain(*diary(desk, 30).values())
    assert len(automatic(desk)) == 1


def test_a_card_whose_bank_said_never_again_to_a_payment_by_hand_is_not_tried_by_autopay(desk: MemoryDesk) -> None:
    stolen = autopay_with(desk, "tok_stolen_card")
    desk.issue(100, due_in_days=1)
    assert desk.pay(payment_method_id=stolen).payment.status == "declined"
    (charge,) = desk.desk.autopay.forecast(desk.account()).charges
    assert (charge.at, charge.problems, charge.health) == (None, ("refused_for_good",), "will_fail")
    assert diary(desk, 3) == {2: ["noticed"]}
    assert automatic(desk) == []


def test_a_card_that_cannot_be_charged_becomes_no_default_while_autopay_is_on(desk: MemoryDesk) -> None:
    card = autopay_with(desk)
    with pytest.raises(Invalid) as refused:
        desk.add_card("tok_visa_past_expiry", make_default=True)
    assert refused.value.facts["reason"] == "expired"
    assert (desk.default_id(), desk.account().method_count) == (card, 1)
    assert len(desk.account().method_attempts) == 2, "it was tried, so it counts"
    desk.add_card("tok_visa_past_expiry")
    assert desk.default_id() == card


def test_what_was_never_tried_is_not_given_up_with_what_was(desk: MemoryDesk) -> None:
    """Issued after the last attempt, and due on its very day."""
    autopay_with(desk, "tok_insufficient_funds")
    desk.issue(100, due_in_days=0)
    all_runs(desk)
    diary(desk, 7)
    assert desk.account().autopay.stopped_reason == "retries_exhausted"
    desk.issue(30, due_in_days=0)
    assert all_runs(desk) == ["declined"]
    assert [payment.amount_minor for payment in automatic(desk)] == [100, 100, 100, 100, 100, 30]


def test_an_invoice_is_asked_for_no_more_often_than_agreed_whatever_falls_due_after_it(desk: MemoryDesk) -> None:
    autopay_with(desk, "tok_insufficient_funds")
    old = desk.issue(100, due_in_days=0)
    for _ in range(30):
        all_runs(desk)
        desk.advance(days=1)
        desk.issue(30, due_in_days=0)
    asked = [payment for payment in automatic(desk) if old in [part.invoice_id for part in payment.allocations]]
    assert len({day_of(desk, payment) for payment in asked}) == len(asked) == 1 + 4, "the first time and four retries"


def test_what_was_open_and_not_due_yet_when_the_retries_ended_is_tried_on_its_day(desk: MemoryDesk) -> None:
    autopay_with(desk, "tok_insufficient_funds")
    desk.issue(100, due_in_days=0)
    desk.issue(30, due_in_days=9)
    all_runs(desk)
    assert 9 in [day for day, what in diary(desk, 9).items() if "declined" in what]
    assert [payment.amount_minor for payment in automatic(desk)] == [100, 100, 100, 100, 100, 30]


def test_a_card_that_only_its_holder_can_mend_is_not_asked_again_because_another_one_paid(desk: MemoryDesk) -> None:
    autopay_with(desk, "tok_incorrect_number")
    good = desk.add_card("tok_visa")
    for _ in range(3):
        desk.issue(100, due_in_days=0)
        all_runs(desk)
        desk.pay(payment_method_id=good)
        desk.advance(days=30)
    assert len(automatic(desk)) == 1
    assert desk.account().autopay.stopped_reason == "fix_method"


def test_nobody_is_suspended_before_the_last_attempt_however_late_the_first_was(desk: MemoryDesk) -> None:
    """Grace counts from the due date, retry days from the first attempt: here from the tenth day on."""
    card = desk.add_card("tok_insufficient_funds")
    desk.issue(100, due_in_days=0)
    diary(desk, 10)
    desk.choose(card, autopay=True)
    assert all_runs(desk) == ["declined"]
    told = diary(desk, 20)
    assert told == {11: ["declined"], 13: ["declined"], 15: ["declined"], 17: ["declined", "suspended"]}


def test_one_dead_card_after_another_puts_suspension_off_by_what_retries_take_and_no_more(desk: MemoryDesk) -> None:
    """As soon as one card's retries are over, the other becomes the default and earns its own."""
    cards = [autopay_with(desk, "tok_insufficient_funds"), desk.add_card("tok_do_not_honor")]
    desk.issue(100, due_in_days=0)
    for _ in range(14 + 7 + 1):
        desk.run("autopay")
        if desk.account().autopay.stopped_reason == "retries_exhausted":
            cards.reverse()
            desk.choose(cards[1], autopay=True)
            desk.run("autopay")
        desk.run("overdue")
        assert desk.account().services.status == "active"
        desk.advance(days=1)
    desk.run("overdue")
    assert desk.account().services.status == "suspended"
    assert desk.account().autopay.next_attempt_at is not None


def test_a_technical_fault_is_tried_again_within_hours_and_not_for_ever(desk: MemoryDesk) -> None:
    autopay_with(desk, "tok_processor_error")
    desk.issue(100, due_in_days=0)
    tried = 0
    for _ in range(20):
        tried += desk.run("autopay").get("declined", 0)
        desk.advance(hours=1)
    assert tried == 4
    assert [day for day, what in diary(desk, 14).items() if "declined" in what] != []
    assert len(automatic(desk)) == 8


def test_an_attempt_without_an_answer_is_booked_by_a_check_and_made_no_second_time(desk: MemoryDesk) -> None:
    autopay_with(desk, "tok_timeout_then_approved")
    desk.issue(100, due_in_days=0)
    assert desk.run("autopay") == {"handled": 1, "unknown": 1}
    assert desk.run("autopay") == {}
    desk.issue(30, due_in_days=0)
    assert desk.run("autopay") == {}, "one attempt at a time"
    desk.advance(minutes=5)
    assert desk.run("reconcile") == {"handled": 1, "checked": 1, "ended": 1}
    assert desk.run("autopay") == {"handled": 1, "unknown": 1}
    desk.advance(minutes=5)
    desk.run("reconcile")
    assert [(payment.status, payment.amount_minor) for payment in automatic(desk)] == [
        ("succeeded", 100),
        ("succeeded", 30),
    ]


def test_an_attempt_that_provably_did_not_happen_is_made_anew_under_the_next_sequence(desk: MemoryDesk) -> None:
    card = autopay_with(desk, "tok_timeout_not_charged")
    desk.issue(100, due_in_days=0)
    desk.run("autopay")
    desk.advance(minutes=5)
    desk.run("reconcile")
    assert [payment.status for payment in automatic(desk)] == ["canceled"]
    assert desk.default_id() == card
    desk.choose(desk.add_card("tok_visa"), autopay=True)
    assert desk.run("autopay") == {"handled": 1, "charged": 1}
    assert desk.account().autopay.sequence == 2


def test_while_the_gateway_cannot_be_reached_it_is_tried_hourly_then_daily_and_charged_when_it_can(
    desk: MemoryDesk,
) -> None:
    autopay_with(desk, "tok_not_sent")
    desk.issue(100, due_in_days=0)
    tried = [desk.clock.now()]
    assert desk.run("autopay") == {"handled": 1, "not_sent": 1}
    for _ in range(4 * 24 * 4):
        desk.advance(minutes=15)
        if desk.run("autopay"):
            tried.append(desk.clock.now())
    hours = [(at - tried[0]).total_seconds() / 3600 for at in tried]
    assert hours == [0, 1, 2, 3, 20, 44, 68, 92], "from the second day on at six"
    assert {payment.status for payment in automatic(desk)} == {"canceled"}
    assert {invoice.declines for invoice in desk.account().open_invoices.values()} == {0}
    desk.choose(desk.add_card("tok_visa"), autopay=True)
    assert desk.run("autopay") == {"handled": 1, "charged": 1}


_ENDS_OTHERWISE = ("approved", "timeout_then_approved", "refused_at_attach", "timeout_at_attach", "never_answers")


@pytest.mark.parametrize("token", [name for name, card in CARDS.items() if card.behaviour not in _ENDS_OTHERWISE])
def test_whatever_a_card_does_it_is_tried_a_bounded_number_of_times_and_who_does_not_pay_is_suspended(
    desk: MemoryDesk, token: str
) -> None:
    """A month of nobody doing anything."""
    autopay_with(desk, token)
    desk.issue(100, due_in_days=0)
    for hours in [1] * 48 + [8] * 3 * 28:
        for sweep in SWEEPS:
            desk.run(sweep)
        desk.advance(hours=hours)
    assert desk.account().services.status == "suspended"
    assert len(automatic(desk)) <= 1 + 3 + 30, "soon again three times, then at most once a day"


def test_removing_the_default_with_autopay_switches_it_off(desk: MemoryDesk) -> None:
    card = autopay_with(desk)
    desk.issue(100, due_in_days=1)
    desk.desk.payment_methods.remove(desk.account_id, card, ANNA, on_default="disable_autopay", promote=None)
    assert not desk.account().autopay.enabled
    assert diary(desk, 5) == {2: ["noticed"]}


def test_the_forecast_says_beforehand_what_a_run_does(desk: MemoryDesk) -> None:
    autopay_with(desk)
    desk.issue(100, due_in_days=2)
    desk.issue(50, due_in_days=5)
    told = desk.desk.autopay.forecast(desk.account()).charges
    diary(desk, 6)
    did = automatic(desk)
    assert [charge.amount_minor for charge in told] == [payment.amount_minor for payment in did]
    for charge, payment in zip(told, did, strict=True):
        assert charge.at
        assert timedelta() <= payment.reserved_at - charge.at < timedelta(days=1)
        assert charge.invoice_ids == tuple(part.invoice_id for part in payment.allocations)


def test_another_hour_in_the_settings_moves_what_the_index_named_too_early(desk: MemoryDesk) -> None:
    autopay_with(desk)
    desk.issue(100, due_in_days=0)
    stage = settings.load(ENVIRON | {"PAYDESK_COLLECTION_AUTOPAY_HOUR": "20"})
    desk.ledger._due_work = wiring.due_work(stage)
    later = wiring.build(
        stage, clock=desk.clock, ledger=desk.ledger, gateway=desk.gateway, queue=desk.queue, runs=MemoryRuns()
    )
    restarted = replace(desk, desk=later)
    assert restarted.run("autopay") == {"handled": 1}, "written again where it belongs"
    assert restarted.run("autopay") == {}
    desk.advance(hours=9)
    assert restarted.run("autopay") == {}
    desk.advance(hours=1)
    assert restarted.run("autopay") == {"handled": 1, "charged": 1}
