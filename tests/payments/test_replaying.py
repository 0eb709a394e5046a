"""The same Idempotency-Key: one payment, answered as it stands."""

import base64
import hashlib
import json
from typing import Any

import pytest

from chalicelib.activity.models import PAYDESK
from chalicelib.core.errors import Invalid
from chalicelib.payments.service import PayRequest
from tests.support.builders import NOW
from tests.support.memory_desk import MemoryDesk
from tests.support.reconciling import reconcile


@pytest.mark.parametrize(
    ("token", "status"),
    [
        ("tok_visa", "succeeded"),
        ("tok_insufficient_funds", "declined"),
        ("tok_not_sent", "canceled"),
        ("tok_requires_action", "requires_action"),
        ("tok_timeout_then_approved", "in_flight"),
    ],
)
def test_a_replay_answers_the_payment_and_charges_nothing(desk: MemoryDesk, token: str, status: str) -> None:
    desk.issue(100)
    card = desk.add_card(token)
    first = desk.pay("key", payment_method_id=card, amount_minor=60)
    version, rows = desk.account().version, dict(desk.charges.rows)
    again = desk.pay("key", payment_method_id=card, amount_minor=60)
    assert (first.replayed, again.replayed) == (False, True)
    assert again.payment == first.payment
    assert again.payment.status == status
    assert (desk.account().version, desk.charges.rows) == (version, rows)


@pytest.mark.parametrize(
    ("token", "later"),
    [
        ("tok_timeout_then_approved", "succeeded"),
        ("tok_timeout_then_declined", "declined"),
        ("tok_timeout_not_charged", "canceled"),
        ("tok_requires_action", "canceled"),
    ],
)
def test_a_replay_answers_the_payment_as_it_stands_by_then(desk: MemoryDesk, token: str, later: str) -> None:
    desk.issue(100)
    card = desk.add_card(token)
    desk.pay("key", payment_method_id=card)
    desk.advance(hours=1)
    reconcile(desk.desk)
    again = desk.pay("key", payment_method_id=card)
    assert (again.replayed, again.payment.status) == (True, later)


def test_a_parked_payment_is_answered_too(desk: MemoryDesk) -> None:
    desk.issue(100)
    card = desk.add_card("tok_timeout_not_charged")
    payment = desk.pay("key", payment_method_id=card).payment
    desk.charges.out_of_order()
    for _ in range(7):
        desk.advance(days=1)
        reconcile(desk.desk)
    again = desk.pay("key", payment_method_id=card)
    assert (again.replayed, again.payment.status) == (True, "parked")
    assert again.payment.payment_id == payment.payment_id
    desk.charges.in_order()


def test_a_replay_is_answered_though_the_request_would_be_refused_by_now(desk: MemoryDesk) -> None:
    desk.issue(100)
    card = desk.add_card("tok_insufficient_funds")
    first = desk.pay("key", payment_method_id=card)
    desk.desk.payment_methods.remove(
        desk.account_id, card, first.payment.actor, on_default="disable_autopay", promote=None
    )
    assert desk.pay("key", payment_method_id=card).payment == first.payment, "cooling down, and the method is gone"


def test_keys_never_expire(desk: MemoryDesk) -> None:
    desk.issue(100)
    desk.add_card()
    first = desk.pay("key")
    desk.issue(100)
    desk.advance(days=4000)
    again = desk.pay("key")
    assert (again.replayed, again.payment) == (True, first.payment)


@pytest.mark.parametrize("token", ["tok_visa", "tok_insufficient_funds", "tok_requires_action"])
@pytest.mark.parametrize("other", [{"amount_minor": 59}, {"currency": "EUR"}, {"invoice_ids": ("inv_1",)}])
def test_a_key_used_with_another_body_is_refused_pending_or_ended(
    desk: MemoryDesk, token: str, other: dict[str, Any]
) -> None:
    desk.issue(100)
    card = desk.add_card(token)
    payment = desk.pay("key", payment_method_id=card, amount_minor=60).payment
    with pytest.raises(Invalid) as refused:
        desk.pay("key", **{"payment_method_id": card, "amount_minor": 60} | other)
    assert (refused.value.code, refused.value.facts) == ("key_reused", {"payment_id": payment.payment_id})


def test_the_same_key_by_hand_and_by_schedule_are_two_payments(desk: MemoryDesk) -> None:
    desk.issue(100)
    desk.add_card()
    by_hand = desk.pay("1", amount_minor=10).payment
    by_schedule = desk.pay("1", amount_minor=10, trigger="autopay").payment
    assert by_hand.payment_id != by_schedule.payment_id


def test_the_id_of_a_payment_follows_from_account_operation_and_key_alone(desk: MemoryDesk) -> None:
    desk.issue(100)
    desk.add_card()
    cause = json.dumps([desk.account_id, "pay", "first"], separators=(",", ":"))
    digest = hashlib.sha256(cause.encode()).digest()
    assert desk.pay("first").payment.payment_id == f"pay_{base64.b32encode(digest).decode()[:26]}"


def test_the_same_request_twice_at_once_charges_once(desk: MemoryDesk) -> None:
    desk.issue(100)
    desk.add_card()
    desk.ledger.before_commit.plan(lambda: desk.pay("key"))
    assert desk.pay("key").replayed
    assert len(desk.charges.rows) == 1


def test_a_scheduled_payment_that_is_under_way_is_not_begun_again_whatever_is_still_due(desk: MemoryDesk) -> None:
    desk.issue(100)
    desk.add_card("tok_timeout_then_approved")
    part = PayRequest(desk.account_id, "0", "attempt", PAYDESK, "autopay", amount_minor=40)
    payment = desk.desk.payments.pay_due(desk.account_id, lambda _account, _now: part)
    assert payment is not None
    before = desk.account()
    assert desk.desk.payments.pay_due(desk.account_id, lambda _account, _now: part) is None
    assert (desk.account(), list(desk.charges.rows)) == (before, [payment.payment_id])


def test_the_same_request_while_the_first_is_at_the_gateway_is_answered_in_flight(desk: MemoryDesk) -> None:
    desk.issue(100)
    desk.add_card()
    answers = []
    desk.charges.before_put.plan(lambda: answers.append(desk.pay("key")))
    first = desk.pay("key").payment
    (meanwhile,) = answers
    assert (meanwhile.replayed, meanwhile.payment.status, meanwhile.payment.reserved_at) == (True, "in_flight", NOW)
    assert (first.status, len(desk.charges.rows)) == ("succeeded", 1)
