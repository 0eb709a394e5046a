"""Asking the gateway about a pending payment: when, how often, and when to hand it to a person."""

from datetime import datetime, timedelta

import pytest

from chalicelib.activity.models import PAYDESK, ActivityEntry
from chalicelib.gateways.port import Processing
from chalicelib.payments.models import Payment, PaymentStatus, Trigger
from chalicelib.payments.settling import checked_in_vain, settle
from tests.support.builders import NOW, POLICY, a_payment, an_account

SCHEDULE = [
    timedelta(minutes=5),
    timedelta(hours=1),
    timedelta(days=1),
    timedelta(days=2),
    timedelta(days=3),
    timedelta(days=4),
    timedelta(days=5),
]


def in_vain(payment: Payment, now: datetime) -> Payment:
    """The payment after a check at `now` that got no answer."""
    return checked_in_vain(an_account({"inv_1": 10_000}, pending=[payment]), payment, now, POLICY).payment


@pytest.mark.parametrize("status", ["requires_action", "processing"])
def test_what_waits_for_customer_or_bank_is_asked_about_for_ever_and_never_parked(status: PaymentStatus) -> None:
    payment = a_payment(status=status)
    for _ in range(30):
        assert payment.next_check_at
        payment = in_vain(payment, payment.next_check_at)
    assert payment.status == status


@pytest.mark.parametrize("trigger", ["manual", "autopay"])
def test_it_is_checked_after_five_minutes_an_hour_and_daily_five_times_then_parked(trigger: Trigger) -> None:
    payment = a_payment(status="in_flight", trigger=trigger)
    checked_at = []
    while payment.status == "in_flight":
        assert payment.next_check_at
        checked_at.append(payment.next_check_at - NOW)
        payment = in_vain(payment, payment.next_check_at)
    assert checked_at == SCHEDULE
    assert (payment.status, payment.checks) == ("parked", 7)


def test_a_parked_payment_is_still_asked_about_every_day() -> None:
    payment = a_payment(status="parked", checks=7, next_check_at=NOW)
    for day in range(30):
        assert payment.next_check_at == NOW + timedelta(days=day)
        payment = in_vain(payment, payment.next_check_at)
        assert payment.status == "parked"


def test_an_answer_begins_the_schedule_of_checks_anew() -> None:
    payment = a_payment(checks=5)
    account = an_account({"inv_1": 10_000}, pending=[payment])
    waiting = settle(account, payment, Processing("ref"), NOW, POLICY).payment
    assert (waiting.status, waiting.checks, waiting.next_check_at) == ("processing", 0, NOW + timedelta(days=1))
    assert in_vain(waiting, NOW + timedelta(days=1)).next_check_at == NOW + timedelta(days=1, minutes=55)


def test_a_parked_payment_still_covers_its_invoices_and_the_log_says_so() -> None:
    payment = a_payment(checks=6)
    account = an_account({"inv_1": 10_000}, pending=[payment])
    settlement = checked_in_vain(account, payment, NOW + timedelta(days=5), POLICY)
    assert settlement.change
    assert settlement.change.account.pending == {"pay_1": settlement.payment}
    (entry,) = [record for record in settlement.change.puts if isinstance(record, ActivityEntry)]
    assert (entry.action, entry.actor) == ("payment.parked", PAYDESK.subject)
    assert settlement.change.account.derived()["reconcile_due"] == "2026-03-08T09:00:00.000Z#acc_ACME"


def test_an_outage_of_ours_does_not_use_the_checks_up() -> None:
    late = NOW + timedelta(days=30)
    payment = in_vain(a_payment(), late)
    assert (payment.checks, payment.next_check_at) == (1, late + timedelta(minutes=55))


@pytest.mark.parametrize("status", ["in_flight", "requires_action", "processing", "parked"])
def test_a_check_before_it_is_due_counts_for_nothing(status: PaymentStatus) -> None:
    payment = a_payment(status=status, checks=6, next_check_at=NOW + timedelta(minutes=5))
    account = an_account({"inv_1": 10_000}, pending=[payment])
    settlement = checked_in_vain(account, payment, NOW + timedelta(minutes=4, seconds=59), POLICY)
    assert (settlement.payment, settlement.change) == (payment, None)


def test_the_second_of_two_checks_at_once_counts_for_nothing() -> None:
    due = NOW + timedelta(minutes=5)
    first = in_vain(a_payment(), due)
    assert in_vain(first, due) == first
    last = in_vain(a_payment(checks=6), due)
    assert in_vain(last, due) == last


def test_an_authentication_nobody_can_close_is_asked_about_daily_and_never_parked() -> None:
    payment = a_payment(status="requires_action")
    checked_at = []
    for _ in range(12):
        assert payment.next_check_at
        checked_at.append(payment.next_check_at - NOW)
        payment = in_vain(payment, payment.next_check_at)
    assert checked_at[:7] == SCHEDULE
    assert checked_at[7:] == [timedelta(days=days) for days in range(6, 11)]
    assert payment.status == "requires_action"


def test_a_bank_that_is_still_working_is_asked_again_every_day() -> None:
    payment = a_payment(status="processing")
    account = an_account({"inv_1": 10_000}, pending=[payment])
    for day in range(14):
        now = NOW + timedelta(days=day)
        payment = settle(account, payment, Processing("ref"), now, POLICY).payment
        assert (payment.status, payment.next_check_at) == ("processing", now + timedelta(days=1))
