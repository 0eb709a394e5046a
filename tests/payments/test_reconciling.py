"""Reconciling: all payments whose check is due, of all accounts; what cannot be read or is busy stops nothing."""

import itertools
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib import wiring
from chalicelib.accounts.models import Account
from chalicelib.accounts.service import OpenRequest
from chalicelib.ledger.models import Change, Key
from chalicelib.payments.booking import PATIENCE
from chalicelib.payments.checks import CheckCounts
from chalicelib.sweeps.stores import MemoryQueue, MemoryRuns
from tests.support import reconciling
from tests.support.builders import ANNA, OPERATIONS, a_payment
from tests.support.memory_desk import MemoryDesk


def another(desk: MemoryDesk, name: str) -> MemoryDesk:
    """The same desk, working for another account."""
    request = OpenRequest(name, name, OPERATIONS, name=name, currency="EUR", locale="en", time_zone="UTC")
    account, _ = desk.desk.accounts.open(request)
    return replace(desk, account_id=account.account_id)


def reconcile(desk: MemoryDesk) -> CheckCounts:
    return reconciling.reconcile(desk.desk)


@pytest.mark.parametrize(
    ("token", "ends"),
    [
        ("tok_timeout_then_approved", "succeeded"),
        ("tok_timeout_then_declined", "declined"),
        ("tok_timeout_not_charged", "canceled"),
    ],
)
def test_a_payment_without_an_answer_ends_at_its_first_check(desk: MemoryDesk, token: str, ends: str) -> None:
    desk.issue(100)
    payment = desk.pay_with(token)
    desk.advance(minutes=4, seconds=59)
    assert reconcile(desk) == CheckCounts()
    desk.advance(seconds=1)
    assert reconcile(desk) == CheckCounts(checked=1, ended=1)
    assert desk.payment(payment).status == ends
    assert reconcile(desk) == CheckCounts()


def test_a_closed_payment_is_no_decline_and_nothing_cools_down(desk: MemoryDesk) -> None:
    desk.issue(100)
    payment = desk.pay_with("tok_timeout_not_charged")
    desk.advance(minutes=5)
    reconcile(desk)
    assert (desk.payment(payment).decline, desk.account().cooldowns) == (None, {})
    entry = desk.log()[-1]
    assert (entry.action, entry.actor) == ("payment.canceled", "paydesk")
    assert desk.pay_with("tok_visa").status == "succeeded"


def test_a_decline_found_by_a_check_cools_down_from_then_on(desk: MemoryDesk) -> None:
    desk.issue(100)
    payment = desk.pay_with("tok_timeout_then_declined")
    desk.advance(minutes=5)
    reconcile(desk)
    assert desk.payment(payment).retry_at == desk.clock.now() + timedelta(hours=1)


def test_money_found_by_a_check_brings_suspended_services_back(desk: MemoryDesk) -> None:
    desk.issue(100, due_in_days=-1)
    desk.suspend()
    desk.pay_with("tok_timeout_then_approved")
    assert desk.account().services.status == "suspended"
    desk.advance(minutes=5)
    reconcile(desk)
    assert desk.account().services.status == "active"


def test_an_authentication_nobody_completes_is_closed_after_an_hour(desk: MemoryDesk) -> None:
    desk.issue(100)
    payment = desk.pay_with("tok_requires_action")
    desk.advance(minutes=59)
    assert reconcile(desk) == CheckCounts()
    desk.advance(minutes=1)
    assert reconcile(desk) == CheckCounts(checked=1, ended=1)
    assert desk.payment(payment).status == "canceled"
    assert not desk.gateway.complete_action(payment.payment_id, approve=True)


def test_a_gateway_out_of_order_is_asked_seven_times_and_then_a_person_is(desk: MemoryDesk) -> None:
    desk.issue(100)
    payment = desk.pay_with("tok_timeout_then_approved")
    desk.charges.out_of_order()
    total = CheckCounts()
    while desk.payment(payment).status == "in_flight":
        desk.advance(minutes=5)
        total += reconcile(desk)
    assert (total.checked, desk.clock.now() - payment.reserved_at) == (7, timedelta(days=5))
    assert (desk.payment(payment).status, desk.actions()[-1]) == ("parked", "payment.parked")
    assert total.parked == 1
    assert total.limbo == {
        "in_flight:hour:EUR": 100,
        "in_flight:day:EUR": 100,
        "in_flight:week:EUR": 400,
        "parked:week:EUR": 100,
    }, "what each check left where it was"


def test_a_parked_payment_is_asked_about_daily_and_booked_when_the_gateway_speaks_again(desk: MemoryDesk) -> None:
    desk.issue(100)
    payment = desk.pay_with("tok_timeout_then_approved")
    desk.charges.out_of_order()
    while desk.payment(payment).status == "in_flight":
        desk.advance(hours=1)
        reconcile(desk)
    assert reconcile(desk) == CheckCounts(), "not before tomorrow"
    desk.advance(days=1)
    assert reconcile(desk) == CheckCounts(checked=1, limbo={"parked:week:EUR": 100})
    assert desk.actions().count("payment.parked") == 1
    desk.charges.in_order()
    desk.advance(days=1)
    assert reconcile(desk) == CheckCounts(checked=1, ended=1)
    assert desk.payment(payment).status == "succeeded"


def test_a_parked_payment_that_is_asked_about_in_vain_stays_parked(desk: MemoryDesk) -> None:
    desk.issue(100)
    payment = desk.pay_with("tok_timeout_not_charged")
    desk.charges.out_of_order()
    for _ in range(7):
        desk.advance(days=1)
        reconcile(desk)
    parked = desk.payment(payment)
    assert desk.desk.payments.check(desk.account_id, payment.payment_id) == parked
    assert parked.status == "parked"
    assert desk.account().pending == {payment.payment_id: parked}


def test_two_runs_at_once_use_one_check_up(desk: MemoryDesk) -> None:
    desk.issue(100)
    payment = desk.pay_with("tok_timeout_not_charged")
    desk.charges.out_of_order()
    desk.advance(minutes=5)
    desk.ledger.before_commit.plan(lambda: reconcile(desk))
    reconcile(desk)
    assert desk.payment(payment).checks == 1


def test_checking_a_payment_that_has_ended_asks_nobody(desk: MemoryDesk) -> None:
    desk.issue(100)
    payment = desk.pay_with("tok_visa")
    asked: list[str] = []
    desk.charges.before_put.plan(lambda: asked.append(payment.payment_id))
    assert desk.desk.payments.check(desk.account_id, payment.payment_id) == payment
    assert asked == []


def test_a_payment_whose_check_is_not_due_is_left_alone_beside_one_whose_is(desk: MemoryDesk) -> None:
    desk.issue(100)
    older = desk.pay_with("tok_timeout_then_approved", amount_minor=40)
    desk.advance(minutes=4)
    younger = desk.pay_with("tok_timeout_then_approved", amount_minor=60)
    desk.advance(minutes=2)
    assert reconcile(desk) == CheckCounts(checked=1, ended=1)
    assert [desk.payment(payment).status for payment in (older, younger)] == ["succeeded", "in_flight"]


def test_all_due_payments_of_all_accounts_are_checked_in_one_run(desk: MemoryDesk) -> None:
    desks = [another(desk, f"Customer {n}") for n in range(70)]
    for customer in desks:
        customer.issue(100)
        card = customer.add_card("tok_timeout_then_approved")
        for _ in range(2):
            customer.pay(payment_method_id=card, amount_minor=10)
    desk.advance(minutes=5)
    assert reconcile(desk) == CheckCounts(checked=140, ended=140)
    for customer in desks:
        assert customer.account().pending == {}
        customer.must_balance()


def test_an_account_that_cannot_be_read_stops_no_other(desk: MemoryDesk) -> None:
    desks = [another(desk, f"Customer {n}") for n in range(5)]
    for customer in desks:
        customer.issue(100)
        customer.pay_with("tok_timeout_then_approved")
    place = Key(Account, desks[2].account_id).place
    desk.ledger._items[place] = desk.ledger._items[place] | {"credit_minor": "a lot"}
    desk.advance(minutes=5)
    assert reconcile(desk) == CheckCounts(checked=4, ended=4, failed=1)


def test_a_defect_that_shows_with_one_account_stops_no_other(
    desk: MemoryDesk, caplog: pytest.LogCaptureFixture
) -> None:
    desks = [another(desk, f"Customer {n}") for n in range(5)]
    for customer in desks:
        customer.issue(100)
        customer.pay_with("tok_timeout_then_approved")
    desk.advance(minutes=5)

    def a_defect() -> None:
        raise ZeroDivisionError

    desk.charges.before_put.plan(None, a_defect)
    assert reconcile(desk) == CheckCounts(checked=4, ended=4, failed=1)
    assert [record.message for record in caplog.records] == ["payment_failed"]
    assert reconcile(desk) == CheckCounts(checked=1, ended=1)


def test_an_account_that_is_too_busy_stops_no_other_and_is_due_again(desk: MemoryDesk) -> None:
    desks = [another(desk, f"Customer {n}") for n in range(5)]
    for customer in desks:
        customer.issue(100)
        customer.pay_with("tok_timeout_then_approved")
    desk.advance(minutes=5)

    def somebody_changes_every_account() -> None:
        for customer in desks:
            recipients = (f"{customer.account().version}@example.com",)
            desk.desk.accounts.put_recipients(customer.account_id, recipients, ANNA)

    desk.ledger.before_commit.plan(*[somebody_changes_every_account] * 5 * PATIENCE)
    assert reconcile(desk) == CheckCounts(checked=4, ended=4, postponed=1)
    assert reconcile(desk) == CheckCounts(checked=1, ended=1)


def test_a_payment_at_another_gateway_is_not_closed_at_this_one(desk: MemoryDesk) -> None:
    desk.issue(100)
    payment = desk.pay_with("tok_timeout_then_approved")
    elsewhere = desk.account().pending[payment.payment_id].model_dump(mode="json", exclude_none=True)
    elsewhere["method"]["gateway"] = "stripe"
    place = Key(Account, desk.account_id).place
    desk.ledger._items[place] = desk.ledger._items[place] | {"pending": {payment.payment_id: elsewhere}}
    desk.advance(minutes=5)
    assert reconcile(desk) == CheckCounts(checked=1, limbo={"in_flight:hour:EUR": 100})
    assert (desk.payment(payment).status, desk.payment(payment).checks) == ("in_flight", 1)


def test_money_that_a_check_finds_taken_is_counted_as_charged(desk: MemoryDesk) -> None:
    desk.issue(300)
    desk.pay_with("tok_timeout_then_approved", amount_minor=120)
    desk.pay_with("tok_timeout_then_declined", amount_minor=100)
    desk.advance(minutes=5)
    assert desk.desk.checks.check_due(desk.account_id) == CheckCounts(checked=2, ended=2, charged={"EUR": 120})


def test_an_account_full_of_payments_a_silent_gateway_has_does_not_keep_the_worker_from_handing_over(
    desk: MemoryDesk,
) -> None:
    desk.issue(1_000)
    card = desk.add_card("tok_timeout_then_approved")
    for _ in range(6):
        desk.pay(payment_method_id=card, amount_minor=10)
        desk.advance(seconds=1)
    desk.charges.out_of_order()
    seconds = itertools.count(step=8)  # each look at the stopwatch finds eight seconds gone
    slow = wiring.build(
        desk.desk.settings,
        clock=desk.clock,
        ledger=desk.ledger,
        gateway=desk.gateway,
        queue=MemoryQueue(),
        runs=MemoryRuns(),
        stopwatch=lambda: next(seconds),
    )
    desk.advance(minutes=5)
    asked = slow.checks.check_due(desk.account_id)
    assert (asked.checked, asked.limbo) == (1, {"in_flight:hour:EUR": 10})
    first, *others = sorted(desk.account().pending.values(), key=lambda payment: payment.reserved_at)
    assert (first.checks, {payment.checks for payment in others}) == (1, {0}), "the longest due first, others stay due"
    desk.advance(hours=2)
    slow.checks.check_due(desk.account_id)
    asked_so_far = sorted(desk.account().pending.values(), key=lambda payment: payment.reserved_at)
    assert [payment.checks for payment in asked_so_far] == [1, 1, 0, 0, 0, 0], "nor is the same one asked every time"
    desk.charges.in_order()
    assert reconcile(desk).ended == 5


def test_a_check_in_vain_of_autopays_payment_stops_nothing_that_was_switched_on_again(desk: MemoryDesk) -> None:
    waits = a_payment(
        status="requires_action", trigger="autopay", account_id=desk.account_id, next_check_at=desk.clock.now()
    )
    account = desk.account()
    autopay = account.autopay.model_copy(update={"enabled": True, "sequence": 1})
    switched_on = {"autopay": autopay, "default_method": waits.method, "pending": {waits.payment_id: waits}}
    desk.ledger.commit(Change(account.model_copy(update=switched_on)))
    desk.charges.out_of_order()
    reconcile(desk)
    assert desk.payment(waits).checks == 1
    assert desk.account().autopay == autopay
