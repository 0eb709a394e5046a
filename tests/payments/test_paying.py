"""Paying, from the wish to the receipt: three store trips and one charge."""

from typing import Any

import pytest

from chalicelib.core.errors import Conflict, Invalid, NotFound, TooSoon, Unavailable
from chalicelib.payments.models import DeclineClass
from tests.support.builders import ANNA, NOW
from tests.support.memory_desk import MemoryDesk, a_desk
from tests.support.reconciling import reconcile


def test_the_current_balance_is_paid_with_the_default_and_the_invoices_turn_paid(desk: MemoryDesk) -> None:
    first, second = desk.issue(12_000), desk.issue(500)
    default = desk.add_card()
    result = desk.pay()
    payment = result.payment
    assert (payment.status, payment.amount_minor, result.replayed) == ("succeeded", 12_500, False)
    assert payment.method.payment_method_id == default
    assert payment.gateway_reference == f"sbx_{payment.payment_id}"
    assert (payment.reserved_at, payment.settled_at) == (NOW, NOW)
    assert [desk.invoice(invoice_id).status for invoice_id in (first, second)] == ["paid", "paid"]
    assert desk.invoice(first).payments == {payment.payment_id: 12_000}
    assert desk.payment(payment) == payment
    assert (desk.account().open_invoices, desk.account().pending) == ({}, {})


def test_a_named_method_is_charged_instead_of_the_default(desk: MemoryDesk) -> None:
    desk.issue()
    desk.add_card()
    assert desk.pay_with("tok_mastercard").method.label == "Mastercard •••• 4444"


def test_part_of_the_balance_is_paid_and_the_rest_stays(desk: MemoryDesk) -> None:
    invoice_id = desk.issue(100)
    desk.add_card()
    desk.pay(amount_minor=30)
    assert (desk.invoice(invoice_id).status, desk.invoice(invoice_id).remaining_minor) == ("unpaid", 70)
    desk.pay(amount_minor=70)
    assert desk.invoice(invoice_id).status == "paid"
    assert sorted(desk.invoice(invoice_id).payments.values()) == [30, 70]


def test_a_payment_that_cannot_be_booked_is_reported_with_its_account(
    desk: MemoryDesk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.issue(100)
    desk.add_card()

    def a_defect() -> None:
        raise ZeroDivisionError

    desk.ledger.before_commit.plan(None, a_defect)
    payment = desk.pay().payment
    assert payment.status == "in_flight"
    (line,) = caplog.records
    assert (line.message, line.levelname) == ("payment_not_settled", "ERROR")
    assert (vars(line)["account_id"], vars(line)["payment_id"]) == (desk.account_id, payment.payment_id)
    desk.advance(minutes=5)
    assert reconcile(desk.desk).ended == 1


def test_a_receipt_says_how_many_invoices_were_left_out(desk: MemoryDesk) -> None:
    for _ in range(92):
        desk.issue(10)
    desk.add_card()
    first = desk.pay().payment
    assert (first.amount_minor, len(first.allocations), first.left_out_invoices) == (900, 90, 2)
    second = desk.pay().payment
    assert (second.amount_minor, second.left_out_invoices) == (20, 0)


def test_the_log_says_who_paid_what_with_which_method(desk: MemoryDesk) -> None:
    invoice_id = desk.issue(100)
    card = desk.add_card()
    payment = desk.pay().payment
    entry = desk.log()[-1]
    assert (entry.action, entry.actor, entry.at) == ("payment.succeeded", "user-anna", NOW)
    assert entry.facts == {
        "payment_id": payment.payment_id,
        "amount_minor": 100,
        "currency": "EUR",
        "credited_minor": 0,
        "trigger": "manual",
        "payment_method_id": card,
        "invoices": {invoice_id: 100},
    }
    assert entry.personal == {"actor": "anna@example.com", "payment_method": "Visa •••• 4242"}


def test_suspended_services_come_back_with_the_payment_that_ends_the_arrears(desk: MemoryDesk) -> None:
    desk.issue(100, due_in_days=-3)
    desk.issue(900, due_in_days=3)
    desk.add_card()
    desk.suspend()
    desk.pay(amount_minor=99)
    assert desk.account().services.status == "suspended"
    desk.pay(amount_minor=1)
    assert desk.account().services.status == "active"
    assert desk.actions()[-2:] == ["payment.succeeded", "services.reactivated"]


def test_ninety_overdue_invoices_and_the_services_fit_into_one_commit(desk: MemoryDesk) -> None:
    for _ in range(90):
        desk.issue(10, due_in_days=-1)
    desk.add_card()
    desk.suspend()
    version = desk.account().version
    desk.pay()
    assert (desk.account().services.status, desk.account().open_invoices) == ("active", {})
    assert desk.account().version == version + 2, "one to reserve, one to settle"


@pytest.mark.parametrize(
    ("token", "code", "decline_class"),
    [
        ("tok_insufficient_funds", "insufficient_funds", "retry_later"),
        ("tok_do_not_honor", "do_not_honor", "retry_later"),
        ("tok_expired_card", "expired_card", "fix_method"),
        ("tok_incorrect_number", "incorrect_number", "fix_method"),
        ("tok_authentication_required", "authentication_required", "needs_customer"),
        ("tok_stolen_card", "stolen_card", "never_again"),
        ("tok_lost_card", "lost_card", "never_again"),
        ("tok_processor_error", "processor_error", "technical"),
    ],
)
def test_a_declined_payment_takes_nothing_and_says_why(
    desk: MemoryDesk, token: str, code: str, decline_class: DeclineClass
) -> None:
    invoice_id = desk.issue(100)
    payment = desk.pay_with(token)
    assert payment.status == "declined"
    assert payment.decline
    assert (payment.decline.code, payment.decline.decline_class) == (code, decline_class)
    assert desk.invoice(invoice_id).remaining_minor == 100
    assert desk.account().pending == {}
    entry = desk.log()[-1]
    assert (entry.action, entry.facts["code"]) == ("payment.declined", code)


def test_after_a_decline_it_is_too_early_for_59_minutes_and_not_after_60(desk: MemoryDesk) -> None:
    desk.issue(100)
    declined = desk.pay_with("tok_insufficient_funds")
    card = desk.add_card("tok_visa")
    desk.advance(minutes=59)
    with pytest.raises(TooSoon) as too_soon:
        desk.pay(payment_method_id=card)
    assert too_soon.value.facts["retry_at"] == declined.retry_at
    assert len(desk.payments()) == 1
    desk.advance(minutes=1)
    assert desk.pay(payment_method_id=card).payment.status == "succeeded"


def test_with_the_scope_payment_method_another_card_may_pay_at_once() -> None:
    desk = a_desk(PAYDESK_COOLDOWN_SCOPE="payment_method")
    desk.issue(100)
    desk.pay_with("tok_insufficient_funds")
    with pytest.raises(TooSoon):
        desk.pay_with("tok_insufficient_funds")  # the same card, added once more
    assert desk.pay_with("tok_visa").status == "succeeded"
    desk.must_balance()


def test_a_charge_that_was_provably_not_sent_ends_the_payment_and_a_new_one_may_follow(desk: MemoryDesk) -> None:
    desk.issue(100)
    payment = desk.pay_with("tok_not_sent")
    assert (payment.status, payment.retry_at) == ("canceled", None)
    assert desk.charges.rows == {}
    assert desk.pay_with("tok_visa").status == "succeeded"


@pytest.mark.parametrize(
    ("token", "taken"),
    [("tok_timeout_then_approved", True), ("tok_timeout_then_declined", False), ("tok_timeout_not_charged", False)],
)
def test_a_gateway_that_does_not_answer_leaves_the_payment_in_flight_covering_its_invoices(
    desk: MemoryDesk, token: str, taken: bool
) -> None:
    desk.issue(100)
    payment = desk.pay_with(token)
    assert (payment.status, payment.settled_at) == ("in_flight", None)
    assert any(row["state"] == "approved" for row in desk.charges.rows.values()) == taken
    with pytest.raises(Conflict, match="nothing_to_pay"):
        desk.pay_with("tok_visa")


def test_a_card_that_wants_authentication_waits_for_the_customer_and_is_told_where_to_go(desk: MemoryDesk) -> None:
    desk.issue(100)
    payment = desk.pay_with("tok_requires_action")
    assert payment.status == "requires_action"
    assert payment.next_action
    assert payment.next_action.url == f"https://pay.example.com/sandbox/{payment.payment_id}"


@pytest.mark.parametrize(("approve", "status"), [(True, "succeeded"), (False, "declined")])
def test_what_the_customer_decides_is_booked_when_paydesk_looks(desk: MemoryDesk, approve: bool, status: str) -> None:
    desk.issue(100)
    payment = desk.pay_with("tok_requires_action")
    desk.gateway.complete_action(payment.payment_id, approve=approve)
    assert desk.desk.payments.check(desk.account_id, payment.payment_id).status == status


def test_nobody_is_there_to_authenticate_a_scheduled_payment_so_it_is_declined(desk: MemoryDesk) -> None:
    desk.issue(100)
    payment = desk.pay_with("tok_requires_action", trigger="autopay")
    assert payment.decline
    assert payment.decline.decline_class == "needs_customer"
    assert desk.account().cooldowns == {}


@pytest.mark.parametrize(
    ("wanted", "refusal", "code"),
    [
        ({"payment_method_id": "pm_NONE"}, Invalid, "method_not_usable"),
        ({"amount_minor": 101}, Invalid, "amount_too_high"),
        ({"currency": "JPY"}, Invalid, "wrong_currency"),
        ({"invoice_ids": ("inv_NONE",)}, Invalid, "invoice_not_payable"),
        ({"expected_payable_minor": 99}, Conflict, "balance_changed"),
        ({"account_id": "acc_NOBODY"}, NotFound, "not_found"),
    ],
)
def test_a_refused_request_stores_nothing_and_its_key_is_free(
    desk: MemoryDesk, wanted: dict[str, Any], refusal: type[Exception], code: str
) -> None:
    desk.issue(100)
    desk.add_card()
    before = desk.account()
    with pytest.raises(refusal, match=code):
        desk.pay("key", **wanted)
    assert (desk.account(), desk.payments(), desk.charges.rows) == (before, [], {})
    assert desk.pay("key").payment.status == "succeeded"


def test_without_any_method_there_is_nothing_to_pay_with(desk: MemoryDesk) -> None:
    desk.issue(100)
    with pytest.raises(Invalid, match="no_payment_method"):
        desk.pay()


def test_a_removed_method_is_not_charged(desk: MemoryDesk) -> None:
    desk.issue(100)
    desk.add_card()
    card = desk.add_card("tok_mastercard")
    desk.desk.payment_methods.remove(desk.account_id, card, ANNA, on_default="refuse", promote=None)
    with pytest.raises(Invalid) as refused:
        desk.pay(payment_method_id=card)
    assert (refused.value.code, refused.value.facts["reason"]) == ("method_not_usable", "not_found")
    assert desk.charges.rows == {}


def test_a_method_of_another_gateway_is_not_charged(desk: MemoryDesk) -> None:
    desk.issue(100)
    card = desk.add_card()
    place = next(place for place in desk.ledger._items if place[2] == card)
    desk.ledger._items[place] = desk.ledger._items[place] | {"gateway": "stripe"}
    with pytest.raises(Invalid) as refused:
        desk.pay(payment_method_id=card)
    assert refused.value.facts["reason"] == "other_gateway"


def test_twenty_payments_may_be_under_way_and_not_one_more(desk: MemoryDesk) -> None:
    desk.issue(100)
    card = desk.add_card("tok_timeout_not_charged")
    for _ in range(20):
        assert desk.pay(payment_method_id=card, amount_minor=1).payment.status == "in_flight"
    with pytest.raises(Invalid) as refused:
        desk.pay(payment_method_id=card, amount_minor=1)
    assert refused.value.facts == {"what": "pending_payments", "limit": 20}
    desk.advance(minutes=5)
    reconcile(desk.desk)
    assert desk.pay(payment_method_id=card, amount_minor=1).payment.status == "in_flight"


def test_an_account_that_changes_every_time_is_unavailable_and_nothing_was_charged(desk: MemoryDesk) -> None:
    desk.issue(100)
    desk.add_card()

    def somebody_else_commits() -> None:
        desk.desk.accounts.put_recipients(desk.account_id, (f"{desk.account().version}@example.com",), ANNA)

    desk.ledger.before_commit.plan(*[somebody_else_commits] * 50)
    with pytest.raises(Unavailable):
        desk.pay("key")
    assert (desk.payments(), desk.charges.rows) == ([], {})
    desk.ledger.before_commit.clear()
    assert not desk.pay("key").replayed


def test_money_taken_is_booked_though_others_are_first_more_often_than_a_request_would_wait(desk: MemoryDesk) -> None:
    invoice_id = desk.issue(100)
    desk.add_card()

    def somebody_else_commits() -> None:
        desk.desk.accounts.put_recipients(desk.account_id, (f"{desk.account().version}@example.com",), ANNA)

    desk.ledger.before_commit.plan(None, *[somebody_else_commits] * 7)
    assert (desk.pay().payment.status, desk.invoice(invoice_id).status) == ("succeeded", "paid")


def test_money_taken_that_cannot_be_booked_now_stays_pending_until_a_check_books_it(desk: MemoryDesk) -> None:
    invoice_id = desk.issue(100)
    desk.add_card()

    def somebody_else_commits() -> None:
        desk.desk.accounts.put_recipients(desk.account_id, (f"{desk.account().version}@example.com",), ANNA)

    desk.ledger.before_commit.plan(None, *[somebody_else_commits] * 50)
    payment = desk.pay().payment
    assert (payment.status, desk.invoice(invoice_id).status) == ("in_flight", "unpaid")
    desk.ledger.before_commit.clear()
    desk.advance(minutes=5)
    assert reconcile(desk.desk).ended == 1
    assert desk.invoice(invoice_id).status == "paid"
