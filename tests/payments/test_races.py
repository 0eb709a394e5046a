"""What may happen elsewhere between two steps of a payment. Each time: one charge, and books that balance."""

from typing import Any

import pytest

from chalicelib.core.errors import Conflict
from chalicelib.invoices.models import Invoice
from tests.support.builders import OPERATIONS
from tests.support.memory_desk import MemoryDesk
from tests.support.reconciling import reconcile


def void(desk: MemoryDesk, invoice_id: str) -> Invoice:
    return desk.desk.invoices.void(desk.account_id, invoice_id, OPERATIONS).invoice


def test_two_different_payments_of_all_at_once_are_one_charge(desk: MemoryDesk) -> None:
    desk.issue(100)
    desk.add_card()
    desk.ledger.before_commit.plan(lambda: desk.pay("theirs"))
    with pytest.raises(Conflict, match="nothing_to_pay"):
        desk.pay("ours")
    assert len(desk.charges.rows) == 1


@pytest.mark.parametrize("named", [False, True])
def test_the_same_request_that_is_done_just_before_it_is_read_is_answered(desk: MemoryDesk, named: bool) -> None:
    """The payment is read with its account, whether or not its method is read with them."""
    desk.issue(100)
    card = desk.add_card()
    wanted: dict[str, Any] = {"amount_minor": 40} | ({"payment_method_id": card} if named else {})
    desk.ledger.before_read.plan(lambda: desk.pay("ours", **wanted))
    assert desk.pay("ours", **wanted).replayed
    assert [row["amount_minor"] for row in desk.charges.rows.values()] == [40]


def test_two_partial_payments_at_once_are_both_taken_side_by_side(desk: MemoryDesk) -> None:
    invoice_id = desk.issue(100)
    desk.add_card()
    desk.charges.before_put.plan(lambda: desk.pay("theirs", amount_minor=40))
    assert desk.pay("ours", amount_minor=60).payment.status == "succeeded"
    assert sorted(desk.invoice(invoice_id).payments.values()) == [40, 60]


def test_two_partial_payments_at_once_never_take_more_than_the_balance(desk: MemoryDesk) -> None:
    desk.issue(100)
    desk.add_card()
    desk.ledger.before_commit.plan(lambda: desk.pay("theirs", amount_minor=41))
    with pytest.raises(Exception, match="amount_too_high"):
        desk.pay("ours", amount_minor=60)


def test_an_invoice_issued_before_the_reservation_is_paid_too(desk: MemoryDesk) -> None:
    desk.issue(100)
    desk.add_card()
    desk.ledger.before_commit.plan(lambda: desk.issue(50))
    assert desk.pay().payment.amount_minor == 150


def test_an_invoice_issued_before_the_reservation_is_refused_when_the_payer_expected_less(desk: MemoryDesk) -> None:
    desk.issue(100)
    desk.add_card()
    desk.ledger.before_commit.plan(lambda: desk.issue(50))
    with pytest.raises(Conflict, match="balance_changed"):
        desk.pay(expected_payable_minor=100)


def test_an_invoice_voided_while_the_charge_is_at_the_gateway_becomes_credit(desk: MemoryDesk) -> None:
    kept, gone = desk.issue(100, due_in_days=1), desk.issue(50, due_in_days=2)
    desk.add_card()
    desk.charges.before_put.plan(lambda: void(desk, gone))
    payment = desk.pay().payment
    assert (payment.amount_minor, payment.credited_minor) == (150, 50)
    assert [part.invoice_id for part in payment.allocations] == [kept]
    assert desk.account().credit_minor == 50


def test_an_invoice_voided_before_the_settlement_is_written_becomes_credit(desk: MemoryDesk) -> None:
    gone = desk.issue(50)
    desk.add_card()
    desk.ledger.before_commit.plan(None, lambda: void(desk, gone))
    assert desk.pay().payment.credited_minor == 50


def test_a_payment_written_off_by_a_check_while_its_charge_was_frozen_is_never_charged(desk: MemoryDesk) -> None:
    desk.issue(100)
    desk.add_card()

    def an_hour_passes_and_checks_run() -> None:
        desk.advance(hours=1)
        assert reconcile(desk.desk).ended == 1

    desk.charges.before_put.plan(an_hour_passes_and_checks_run)
    payment = desk.pay().payment
    assert payment.status == "canceled"
    assert [row["state"] for row in desk.charges.rows.values()] == ["void"]
    assert desk.pay().payment.status == "succeeded"


def test_a_process_frozen_before_it_sends_does_not_send_after_a_minute(desk: MemoryDesk) -> None:
    desk.issue(100)
    desk.add_card()
    desk.ledger.after_commit.plan(lambda: desk.advance(seconds=61))
    payment = desk.pay().payment
    assert (payment.status, desk.charges.rows) == ("in_flight", {})
    desk.advance(minutes=5)
    reconcile(desk.desk)
    assert desk.payment(payment).status == "canceled"


def test_a_charge_is_still_sent_a_minute_after_the_reservation(desk: MemoryDesk) -> None:
    desk.issue(100)
    desk.add_card()
    desk.ledger.after_commit.plan(lambda: desk.advance(seconds=60))
    assert desk.pay().payment.status == "succeeded"


def test_a_charge_that_stays_unanswered_until_its_check_is_due_uses_no_check_up(desk: MemoryDesk) -> None:
    desk.issue()
    desk.charges.after_put.plan(lambda: desk.advance(minutes=6))
    payment = desk.pay_with("tok_timeout_then_approved")
    assert (payment.status, payment.checks) == ("in_flight", 0)
    assert payment.next_check_at is not None
    assert payment.next_check_at < desk.clock.now()


def test_a_check_that_books_the_charge_first_leaves_nothing_to_settle(desk: MemoryDesk) -> None:
    desk.issue(100)
    desk.add_card()
    desk.charges.after_put.plan(lambda: desk.desk.payments.check(desk.account_id, next(iter(desk.account().pending))))
    payment = desk.pay().payment
    assert payment.status == "succeeded"
    assert desk.actions().count("payment.succeeded") == 1


def test_a_payment_that_ends_while_it_is_looked_for_is_found(desk: MemoryDesk) -> None:
    desk.issue()
    payment = desk.pay_with("tok_timeout_then_approved")
    desk.ledger.before_get.plan(None, lambda: desk.desk.payments.check(desk.account_id, payment.payment_id))
    assert desk.payment(payment).status in ("in_flight", "succeeded")
    desk.ledger.before_get.clear()


def test_a_request_repeated_while_its_payment_ends_pays_nothing_more(desk: MemoryDesk) -> None:
    desk.issue()
    desk.add_card("tok_timeout_then_approved")
    payment = desk.pay("once").payment
    desk.issue()
    desk.ledger.before_get.plan(None, lambda: desk.desk.payments.check(desk.account_id, payment.payment_id))
    assert desk.pay("once").replayed
    desk.ledger.before_get.clear()


def test_two_checks_at_once_book_once(desk: MemoryDesk) -> None:
    desk.issue(100)
    payment = desk.pay_with("tok_timeout_then_approved")

    def check() -> None:
        desk.desk.payments.check(desk.account_id, payment.payment_id)

    desk.ledger.before_commit.plan(check)
    check()
    assert desk.actions().count("payment.succeeded") == 1


def test_money_that_turns_up_for_a_canceled_payment_is_booked_and_raises_an_alarm(
    desk: MemoryDesk, caplog: pytest.LogCaptureFixture
) -> None:
    """No gateway with a working fence does this: it shows that even then nothing is lost."""
    invoice_id = desk.issue(100)
    desk.add_card()
    payment_ids: list[str] = []

    def closed_though_the_charge_goes_on() -> None:
        payment_ids.extend(desk.account().pending)
        desk.desk.payments.check(desk.account_id, payment_ids[0])
        assert desk.payment(payment_ids[0]).status == "canceled"
        del desk.charges.rows[payment_ids[0]]

    desk.charges.before_put.plan(closed_though_the_charge_goes_on)
    payment = desk.pay().payment
    assert (payment.status, desk.invoice(invoice_id).status) == ("succeeded", "paid")
    assert desk.payment(payment) == payment
    assert desk.actions()[-2:] == ["payment.canceled", "payment.succeeded_late"]
    assert [record.message for record in caplog.records] == ["money_arrived_late"]


def test_money_that_turns_up_after_another_payment_paid_the_invoice_becomes_credit(desk: MemoryDesk) -> None:
    desk.issue(100)
    card = desk.add_card()

    def closed_and_paid_again() -> None:
        (payment_id,) = desk.account().pending
        desk.desk.payments.check(desk.account_id, payment_id)
        del desk.charges.rows[payment_id]
        assert desk.pay("theirs", payment_method_id=card).payment.status == "succeeded"

    desk.charges.before_put.plan(closed_and_paid_again)
    late = desk.pay("ours", payment_method_id=card).payment
    assert (late.status, late.credited_minor, late.allocations) == ("succeeded", 100, ())
    assert desk.account().credit_minor == 100
