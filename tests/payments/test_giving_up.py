"""A new payment that needs what an open authentication covers takes that one's place."""

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.core.errors import Conflict, Invalid, TooSoon
from chalicelib.payments.models import Payment, PaymentStatus
from chalicelib.payments.moves import PENDING
from chalicelib.payments.reserving import in_the_way
from tests.support.builders import ANNA, BEN, NOW, a_payment, an_account, an_order
from tests.support.memory_desk import MemoryDesk, a_desk

TWO = {"inv_1": 100, "inv_2": 50}


def waiting(covers: dict[str, int], payment_id: str = "pay_WAITS") -> Payment:
    return a_payment(payment_id, covers, status="requires_action")


@pytest.mark.parametrize(
    ("covers", "wanted", "in_way"),
    [
        ({"inv_1": 100}, {}, True),  # all that is open is more than what is payable beside it
        ({"inv_1": 1}, {}, True),
        ({"inv_1": 100}, {"amount_minor": 50}, False),  # the other invoice has that much
        ({"inv_1": 100}, {"amount_minor": 51}, True),
        ({"inv_1": 100}, {"invoice_ids": ("inv_2",)}, False),
        ({"inv_1": 100}, {"invoice_ids": ("inv_1",)}, True),
        ({"inv_1": 40}, {"invoice_ids": ("inv_1",), "amount_minor": 60}, False),
        ({"inv_1": 40}, {"invoice_ids": ("inv_1",), "amount_minor": 61}, True),
        ({"inv_1": 100}, {"expected_payable_minor": 50}, False),  # the payer saw what is left and means that
        ({"inv_1": 100}, {"expected_payable_minor": 150}, True),
        ({"inv_voided": 100}, {}, False),
    ],
)
def test_an_authentication_is_in_the_way_of_what_needs_the_money_it_covers(
    covers: dict[str, int], wanted: dict[str, Any], in_way: bool
) -> None:
    account = an_account(TWO, pending=[waiting(covers)])
    assert in_the_way(account, an_order(**wanted)) == (["pay_WAITS"] if in_way else [])


@pytest.mark.parametrize(
    ("amount", "in_way"),
    [
        (10, []),
        (11, ["pay_FIRST"]),
        (50, ["pay_FIRST"]),
        (51, ["pay_FIRST", "pay_SECOND"]),
        (None, ["pay_FIRST", "pay_SECOND", "pay_THIRD"]),
    ],
)
def test_as_many_are_given_up_as_it_takes_the_oldest_first(amount: int | None, in_way: list[str]) -> None:
    waits = [
        waiting({"inv_1": 20}, "pay_THIRD").model_copy(update={"reserved_at": NOW + timedelta(minutes=3)}),
        waiting({"inv_1": 40}, "pay_FIRST").model_copy(update={"reserved_at": NOW + timedelta(minutes=1)}),
        waiting({"inv_1": 30}, "pay_SECOND").model_copy(update={"reserved_at": NOW + timedelta(minutes=2)}),
    ]
    assert in_the_way(an_account({"inv_1": 100}, pending=waits), an_order(amount_minor=amount)) == in_way


def test_an_authentication_for_another_invoice_is_not_given_up() -> None:
    waits = [waiting({"inv_2": 50}, "pay_OTHER"), waiting({"inv_1": 100})]
    order = an_order(invoice_ids=("inv_1",))
    assert in_the_way(an_account(TWO, pending=waits), order) == ["pay_WAITS"]


@pytest.mark.parametrize("status", sorted(PENDING - {"requires_action"}))
def test_a_payment_that_may_still_take_money_by_itself_is_never_given_up(status: PaymentStatus) -> None:
    account = an_account(TWO, pending=[a_payment(covers={"inv_1": 100}, status=status)])
    assert in_the_way(account, an_order()) == []


def test_what_another_payment_covers_is_not_freed_by_giving_up() -> None:
    pending = [waiting({"inv_1": 40}), a_payment("pay_BANK", {"inv_1": 60}, status="processing")]
    account = an_account({"inv_1": 100}, pending=pending)
    assert in_the_way(account, an_order()) == ["pay_WAITS"]
    assert in_the_way(an_account({"inv_1": 100}, pending=pending[1:]), an_order()) == []


def test_paying_all_gives_up_the_open_authentication_and_takes_the_money_once(desk: MemoryDesk) -> None:
    desk.issue(100)
    waits = desk.pay_with("tok_requires_action", amount_minor=60)
    paid = desk.pay_with("tok_visa")
    assert (paid.status, paid.amount_minor) == ("succeeded", 100)
    assert desk.payment(waits).status == "canceled"
    assert not desk.gateway.complete_action(waits.payment_id, approve=True)


def test_what_was_given_up_says_which_payment_took_its_place(desk: MemoryDesk) -> None:
    desk.issue(100)
    waits = desk.pay_with("tok_requires_action", amount_minor=60)
    paid = desk.pay_with("tok_visa")
    assert desk.payment(waits).replaced_by_payment_id == paid.payment_id
    given_up = next(entry for entry in desk.log() if entry.action == "payment.canceled")
    assert (given_up.facts["payment_id"], given_up.actor) == (waits.payment_id, ANNA.subject)
    assert given_up.facts["replaced_by_payment_id"] == paid.payment_id


@pytest.mark.parametrize("approve", [True, False])
def test_what_the_customer_ended_first_was_not_replaced(desk: MemoryDesk, approve: bool) -> None:
    desk.issue(100)
    waits = desk.pay_with("tok_requires_action", amount_minor=60)
    desk.gateway.complete_action(waits.payment_id, approve=approve)
    with suppress(Conflict, TooSoon):
        desk.pay_with("tok_visa")
    assert desk.payment(waits).replaced_by_payment_id is None


def test_an_authentication_the_gateway_does_not_close_is_asked_about_once_and_keeps_what_it_covers(
    desk: MemoryDesk,
) -> None:
    desk.issue(100)
    waiting = desk.pay_with("tok_requires_action")
    card = desk.add_card("tok_visa")
    asked: list[str] = []
    desk.charges.before_put.plan(*[lambda: asked.append("close")] * 10)
    desk.charges.out_of_order()
    with pytest.raises(Conflict, match="nothing_to_pay"):
        desk.pay(payment_method_id=card)
    desk.charges.in_order()
    assert (asked, desk.payment(waiting).status) == (["close"], "requires_action")


def test_a_payment_beside_an_open_authentication_leaves_it_open(desk: MemoryDesk) -> None:
    desk.issue(100)
    waits = desk.pay_with("tok_requires_action", amount_minor=60)
    assert desk.pay_with("tok_visa", amount_minor=40).status == "succeeded"
    assert desk.payment(waits).status == "requires_action"
    assert desk.gateway.complete_action(waits.payment_id, approve=True)
    assert desk.desk.payments.check(desk.account_id, waits.payment_id).status == "succeeded"


def test_two_authentications_are_given_up_together(desk: MemoryDesk) -> None:
    desk.issue(100)
    first = desk.pay_with("tok_requires_action", amount_minor=60)
    second = desk.pay_with("tok_requires_action", amount_minor=40)
    assert desk.payment(first).status == "requires_action"
    assert desk.pay_with("tok_visa").amount_minor == 100
    assert [desk.payment(p).status for p in (first, second)] == ["canceled", "canceled"]


@pytest.mark.parametrize(
    ("wanted", "refusal"),
    [
        ({"amount_minor": 101}, Invalid),
        ({"currency": "USD"}, Invalid),
        ({"payment_method_id": "pm_NONE"}, Invalid),
        ({"expected_payable_minor": 99}, Conflict),
        ({"invoice_ids": ("inv_NONE",)}, Invalid),
    ],
)
def test_a_request_that_is_refused_gives_nothing_up(
    desk: MemoryDesk, wanted: dict[str, Any], refusal: type[Exception]
) -> None:
    desk.issue(100)
    desk.add_card()
    waits = desk.pay_with("tok_requires_action", amount_minor=60)
    with pytest.raises(refusal):
        desk.pay(**wanted)
    assert desk.payment(waits).status == "requires_action"
    assert desk.gateway.complete_action(waits.payment_id, approve=True)
    desk.desk.payments.check(desk.account_id, waits.payment_id)


def test_a_request_that_comes_too_early_gives_nothing_up(desk: MemoryDesk) -> None:
    desk.issue(100)
    waits = desk.pay_with("tok_requires_action", amount_minor=60)
    desk.pay_with("tok_insufficient_funds", amount_minor=40)
    with pytest.raises(TooSoon):
        desk.pay_with("tok_visa")
    assert desk.payment(waits).status == "requires_action"


def test_an_expired_card_gives_nothing_up(desk: MemoryDesk) -> None:
    desk.issue(100)
    waits = desk.pay_with("tok_requires_action")
    with pytest.raises(Invalid, match="expired"):
        desk.pay_with("tok_visa_past_expiry")
    assert desk.payment(waits).status == "requires_action"


def test_a_customer_who_approves_at_the_last_moment_has_paid_and_owes_only_the_rest(desk: MemoryDesk) -> None:
    desk.issue(100)
    waits = desk.pay_with("tok_requires_action", amount_minor=60)
    # The customer approves after the new payment was decided and before the old one is closed at the gateway.
    desk.charges.before_put.plan(lambda: desk.gateway.complete_action(waits.payment_id, approve=True))
    paid = desk.pay_with("tok_visa")
    assert (desk.payment(waits).status, paid.amount_minor) == ("succeeded", 40)


def test_a_customer_who_approves_all_of_it_at_the_last_moment_is_not_charged_again(desk: MemoryDesk) -> None:
    desk.issue(100)
    waits = desk.pay_with("tok_requires_action")
    desk.charges.before_put.plan(lambda: desk.gateway.complete_action(waits.payment_id, approve=True))
    with pytest.raises(Conflict, match="nothing_to_pay"):
        desk.pay_with("tok_visa")
    assert desk.payment(waits).status == "succeeded"


def test_who_gave_a_payment_up_stands_in_the_log(desk: MemoryDesk) -> None:
    desk.issue(100)
    desk.pay_with("tok_requires_action")
    desk.pay(payment_method_id=desk.add_card("tok_visa"), actor=BEN)
    given_up = next(entry for entry in desk.log() if entry.action == "payment.canceled")
    assert given_up.actor == "user-ben"


def test_giving_up_what_is_in_the_way_takes_no_attempt_from_the_payment() -> None:
    """Where a change is decided once and not again."""
    desk = a_desk(PAYDESK_LIMIT_COMMIT_RETRIES="1")
    desk.issue(100)
    waits = desk.pay_with("tok_requires_action")
    assert desk.pay_with("tok_visa").status == "succeeded"
    assert desk.payment(waits).status == "canceled"
    desk.must_balance()
