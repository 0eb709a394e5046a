"""A parked payment, of which no check could find out what happened, ends with what an operator found out."""

import pytest

from chalicelib.core.errors import Conflict, Invalid, NotFound
from chalicelib.payments.models import Payment, Resolution
from tests.support.builders import ANNA, NOW, OPERATIONS
from tests.support.memory_desk import MemoryDesk
from tests.support.reconciling import reconcile


def parked(desk: MemoryDesk, token: str, *, out_of_order: bool = True) -> Payment:
    """A payment of 1.00 whose gateway never answered a check."""
    desk.issue(100)
    payment = desk.pay_with(token)
    desk.charges.out_of_order()
    while desk.payment(payment).status == "in_flight":
        desk.advance(hours=1)
        reconcile(desk.desk)
    if not out_of_order:
        desk.charges.in_order()
    assert desk.payment(payment).status == "parked"
    return payment


def resolve(desk: MemoryDesk, payment: Payment, outcome: Resolution, reference: str | None = "ch_17") -> Payment:
    resolved = desk.desk.payments.resolve(desk.account_id, payment.payment_id, outcome, reference, OPERATIONS).payment
    assert resolved == desk.payment(payment)
    return resolved


def test_money_an_operator_saw_arrive_is_booked_and_services_come_back(desk: MemoryDesk) -> None:
    desk.issue(100, due_in_days=-1)
    desk.suspend()
    payment = parked(desk, "tok_timeout_then_approved")
    resolved = resolve(desk, payment, "succeeded", "ch_bank_statement_17")
    assert (resolved.status, resolved.gateway_reference) == ("succeeded", "ch_bank_statement_17")
    assert (desk.account().services.status, desk.account().open_invoices) == ("active", {})
    assert desk.actions()[-3:] == ["payment.succeeded", "services.reactivated", "payment.resolved"]


@pytest.mark.parametrize("outcome", ["succeeded", "declined"])
def test_a_charge_and_a_decline_have_a_reference_at_the_gateway(desk: MemoryDesk, outcome: Resolution) -> None:
    payment = parked(desk, "tok_timeout_then_approved")
    before = desk.account()
    with pytest.raises(Invalid, match="reference_missing"):
        resolve(desk, payment, outcome, None)
    assert desk.account() == before


def test_an_operator_who_found_no_charge_because_lists_lag_takes_no_money_twice(desk: MemoryDesk) -> None:
    payment = parked(desk, "tok_timeout_then_approved")
    with pytest.raises(Conflict, match="payment_not_resolvable"):
        resolve(desk, payment, "canceled", None)
    desk.charges.in_order()
    desk.advance(hours=24)
    reconcile(desk.desk)
    assert desk.payment(payment).status == "succeeded"


def test_a_decline_an_operator_was_told_of_frees_the_invoice(desk: MemoryDesk) -> None:
    payment = parked(desk, "tok_timeout_not_charged")
    resolved = resolve(desk, payment, "declined")
    assert resolved.decline
    assert (resolved.status, resolved.decline.decline_class) == ("declined", "retry_later")
    assert desk.account().pending == {}
    assert len(desk.account().open_invoices) == 1


@pytest.mark.parametrize("outcome", ["declined", "canceled"])
def test_money_the_gateway_knows_of_is_booked_whatever_the_operator_thought(
    desk: MemoryDesk, outcome: Resolution
) -> None:
    payment = parked(desk, "tok_timeout_then_approved", out_of_order=False)
    assert resolve(desk, payment, outcome).status == "succeeded"
    assert resolve(desk, payment, outcome).status == "succeeded", "the same request again"
    assert desk.account().open_invoices == {}


def test_a_decline_the_gateway_knows_of_is_booked_in_place_of_canceling(desk: MemoryDesk) -> None:
    payment = parked(desk, "tok_timeout_then_declined", out_of_order=False)
    resolved = resolve(desk, payment, "canceled")
    assert resolved.decline
    assert (resolved.status, resolved.decline.code) == ("declined", "insufficient_funds")


def test_canceling_fences_first(desk: MemoryDesk) -> None:
    payment = parked(desk, "tok_timeout_not_charged", out_of_order=False)
    assert resolve(desk, payment, "canceled").status == "canceled"
    assert desk.charges.rows[payment.payment_id]["state"] == "void", "no charge can come any more"
    assert desk.account().cooldowns == {}


def test_while_the_gateway_does_not_say_that_nothing_can_come_nothing_is_canceled(desk: MemoryDesk) -> None:
    payment = parked(desk, "tok_timeout_then_approved")
    before = desk.account()
    with pytest.raises(Conflict) as refused:
        resolve(desk, payment, "canceled")
    assert (refused.value.code, refused.value.facts["reason"]) == ("payment_not_resolvable", "not_closed")
    assert desk.account() == before


@pytest.mark.parametrize("outcome", ["succeeded", "declined", "canceled"])
def test_the_log_names_the_operator_and_a_replay_changes_nothing(desk: MemoryDesk, outcome: Resolution) -> None:
    token = "tok_timeout_then_approved" if outcome == "succeeded" else "tok_timeout_not_charged"
    payment = parked(desk, token, out_of_order=False)
    resolved = resolve(desk, payment, outcome, "ch_17")
    ended, entry = desk.log()[-2:]
    assert (ended.action, ended.actor) == (f"payment.{outcome}", OPERATIONS.subject)
    assert (entry.action, entry.actor) == ("payment.resolved", OPERATIONS.subject)
    assert entry.facts == {
        "payment_id": payment.payment_id,
        "resolution": outcome,
        "gateway_reference": "ch_17",
        "payment_status": outcome,
    }
    before = desk.account()
    assert resolve(desk, payment, outcome, "ch_17") == resolved
    assert desk.account() == before


def test_where_the_gateway_knew_better_the_log_names_who_paid(desk: MemoryDesk) -> None:
    payment = parked(desk, "tok_timeout_then_approved", out_of_order=False)
    resolve(desk, payment, "canceled")
    ended, resolved = desk.log()[-2:]
    assert (ended.action, ended.actor) == ("payment.succeeded", ANNA.subject)
    assert (resolved.action, resolved.actor) == ("payment.resolved", OPERATIONS.subject)


@pytest.mark.parametrize(
    ("outcome", "reference"),
    [("declined", "ch_17"), ("canceled", "ch_17"), ("succeeded", "ch_18"), ("succeeded", None)],
)
def test_what_was_said_first_stands_and_whoever_says_something_else_is_told_it(
    desk: MemoryDesk, outcome: Resolution, reference: str | None
) -> None:
    payment = parked(desk, "tok_timeout_then_approved")
    resolve(desk, payment, "succeeded", "ch_17")
    before = desk.account()
    with pytest.raises(Conflict) as refused:
        resolve(desk, payment, outcome, reference)
    assert refused.value.code == "payment_not_resolvable"
    assert refused.value.facts == {
        "payment_id": payment.payment_id,
        "payment_status": "succeeded",
        "reason": "already_resolved",
        "resolution": "succeeded",
        "gateway_reference": "ch_17",
    }
    assert desk.account() == before


@pytest.mark.parametrize("outcome", ["succeeded", "declined", "canceled"])
@pytest.mark.parametrize(
    "token",
    ["tok_visa", "tok_insufficient_funds", "tok_not_sent", "tok_timeout_then_approved", "tok_timeout_not_charged"],
)
def test_only_a_parked_payment_is_resolved(desk: MemoryDesk, token: str, outcome: Resolution) -> None:
    desk.issue(100)
    payment, before = desk.pay_with(token), desk.account()
    charges = {payment_id: dict(row) for payment_id, row in desk.charges.rows.items()}
    with pytest.raises(Conflict) as refused:
        resolve(desk, payment, outcome)
    assert refused.value.code == "payment_not_resolvable"
    facts = refused.value.facts
    assert (facts["payment_status"], facts["reason"], facts["resolution"]) == (payment.status, "not_parked", None)
    assert (desk.account(), desk.charges.rows) == (before, charges), "nor is it closed at the gateway"


def test_what_the_bank_still_works_on_is_not_resolved(desk: MemoryDesk) -> None:
    payment = parked(desk, "tok_timeout_not_charged", out_of_order=False)
    desk.charges.rows[payment.payment_id] = {"state": "processing", "account_id": desk.account_id, "amount_minor": 100}
    with pytest.raises(Conflict) as refused:
        resolve(desk, payment, "declined")
    assert (refused.value.code, refused.value.facts["reason"]) == ("payment_not_resolvable", "under_way")
    assert desk.payment(payment).status == "parked"


def test_two_operators_at_once_the_first_word_stands(desk: MemoryDesk) -> None:
    payment = parked(desk, "tok_timeout_not_charged")
    desk.ledger.before_commit.plan(lambda: resolve(desk, payment, "declined"))
    with pytest.raises(Conflict, match="payment_not_resolvable"):
        resolve(desk, payment, "succeeded")
    assert desk.payment(payment).status == "declined"
    assert desk.actions().count("payment.resolved") == 1


def test_two_operators_who_say_the_same_at_once_agree(desk: MemoryDesk) -> None:
    payment = parked(desk, "tok_timeout_not_charged")
    desk.ledger.before_commit.plan(lambda: resolve(desk, payment, "declined"))
    assert resolve(desk, payment, "declined").status == "declined"
    assert desk.actions().count("payment.resolved") == 1


def test_the_daily_check_that_comes_first_is_what_happened(desk: MemoryDesk) -> None:
    payment = parked(desk, "tok_timeout_then_approved", out_of_order=False)
    desk.ledger.before_commit.plan(lambda: desk.desk.payments.check(desk.account_id, payment.payment_id))
    with pytest.raises(Conflict, match="payment_not_resolvable"):
        resolve(desk, payment, "succeeded")
    assert desk.payment(payment).status == "succeeded"


def test_a_payment_nobody_knows_is_not_found(desk: MemoryDesk) -> None:
    with pytest.raises(NotFound):
        desk.desk.payments.resolve(desk.account_id, "pay_NONE", "succeeded", None, OPERATIONS)


def test_autopay_goes_on_after_its_parked_attempt_was_canceled(desk: MemoryDesk) -> None:
    desk.choose(desk.add_card("tok_timeout_not_charged"), autopay=True)
    desk.issue(100, due_in_days=0)
    assert desk.clock.now() == NOW
    sequence = desk.account().autopay.sequence
    desk.desk.sweeps.start("autopay")
    desk.work()
    (payment,) = desk.payments()
    desk.charges.out_of_order()
    while desk.payment(payment).status == "in_flight":
        desk.advance(hours=1)
        reconcile(desk.desk)
    desk.charges.in_order()
    assert resolve(desk, payment, "canceled").status == "canceled"
    assert desk.account().autopay.sequence == sequence + 1


def test_the_sandbox_has_a_card_of_which_nothing_is_ever_heard(desk: MemoryDesk) -> None:
    """So that parking, and what an operator does about it, can be rehearsed."""
    desk.issue(100)
    payment = desk.pay_with("tok_never_answers")
    for _ in range(7):
        desk.advance(days=1)
        reconcile(desk.desk)
    assert (payment.status, desk.payment(payment).status) == ("in_flight", "parked")
    with pytest.raises(Conflict, match="payment_not_resolvable"):
        resolve(desk, payment, "canceled")
    assert resolve(desk, payment, "declined").status == "declined"
    assert desk.account().pending == {}
