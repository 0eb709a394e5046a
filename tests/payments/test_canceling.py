"""Giving up a payment that waits for the customer."""

import pytest

from chalicelib.core.errors import Conflict, NotFound, Unavailable
from chalicelib.payments.models import Payment
from tests.support.builders import BEN
from tests.support.memory_desk import MemoryDesk


def cancel(desk: MemoryDesk, payment: Payment | str) -> Payment:
    payment_id = payment if isinstance(payment, str) else payment.payment_id
    return desk.desk.payments.cancel(desk.account_id, payment_id, BEN).payment


def test_a_payment_that_waits_for_the_customer_is_given_up_and_its_invoices_are_payable_again(desk: MemoryDesk) -> None:
    desk.issue(100)
    waits = desk.pay_with("tok_requires_action")
    canceled = cancel(desk, waits)
    assert (canceled.status, canceled.next_action, canceled.retry_at) == ("canceled", None, None)
    assert not desk.gateway.complete_action(waits.payment_id, approve=True)
    assert desk.pay_with("tok_visa").amount_minor == 100


def test_the_log_names_who_gave_it_up(desk: MemoryDesk) -> None:
    desk.issue(100)
    cancel(desk, desk.pay_with("tok_requires_action"))
    entry = desk.log()[-1]
    assert (entry.action, entry.actor, entry.personal["actor"]) == ("payment.canceled", "user-ben", "ben@example.com")


def test_canceling_again_changes_nothing(desk: MemoryDesk) -> None:
    desk.issue(100)
    waits = desk.pay_with("tok_requires_action")
    first = cancel(desk, waits)
    version = desk.account().version
    assert (cancel(desk, waits), desk.account().version) == (first, version)


@pytest.mark.parametrize(("approve", "status"), [(True, "succeeded"), (False, "declined")])
def test_a_customer_who_was_faster_is_answered_what_happened_first(
    desk: MemoryDesk, approve: bool, status: str
) -> None:
    desk.issue(100)
    waits = desk.pay_with("tok_requires_action")
    desk.gateway.complete_action(waits.payment_id, approve=approve)
    assert cancel(desk, waits).status == status


@pytest.mark.parametrize(
    ("token", "status"),
    [("tok_visa", "succeeded"), ("tok_insufficient_funds", "declined"), ("tok_timeout_not_charged", "in_flight")],
)
def test_any_other_payment_cannot_be_canceled(desk: MemoryDesk, token: str, status: str) -> None:
    desk.issue(100)
    payment = desk.pay_with(token)
    with pytest.raises(Conflict) as refused:
        cancel(desk, payment)
    assert refused.value.code == "payment_not_cancelable"
    assert refused.value.facts == {"payment_id": payment.payment_id, "payment_status": status}
    assert desk.payment(payment) == payment


def test_a_gateway_that_does_not_answer_leaves_it_as_it_is(desk: MemoryDesk) -> None:
    desk.issue(100)
    waits = desk.pay_with("tok_requires_action")
    desk.charges.out_of_order()
    for _ in range(10):
        with pytest.raises(Unavailable, match="gateway_unavailable"):
            cancel(desk, waits)
    assert desk.payment(waits) == waits, "and impatience does not push its check away"
    desk.charges.in_order()
    assert cancel(desk, waits).status == "canceled"


def test_nobody_elses_payment_and_none_that_never_was_is_canceled(desk: MemoryDesk) -> None:
    desk.issue(100)
    waits = desk.pay_with("tok_requires_action")
    with pytest.raises(NotFound):
        cancel(desk, "pay_NONE")
    with pytest.raises(NotFound):
        desk.desk.payments.cancel("acc_NOBODY", waits.payment_id, BEN)
