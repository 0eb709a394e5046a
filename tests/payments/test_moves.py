"""Every legal move of a payment's status, as DESIGN section 4 draws them."""

from typing import get_args

import pytest

from chalicelib.core.errors import Broken
from chalicelib.payments.models import PaymentStatus
from chalicelib.payments.moves import MOVES, PENDING, check_move

STATUSES: tuple[PaymentStatus, ...] = get_args(PaymentStatus)

LEGAL: set[tuple[PaymentStatus, PaymentStatus]] = {
    ("in_flight", "succeeded"),
    ("in_flight", "declined"),
    ("in_flight", "processing"),
    ("in_flight", "requires_action"),
    ("in_flight", "canceled"),
    ("in_flight", "parked"),
    ("requires_action", "succeeded"),
    ("requires_action", "declined"),
    ("requires_action", "processing"),
    ("requires_action", "canceled"),
    ("processing", "succeeded"),
    ("processing", "declined"),
    ("processing", "parked"),
    ("processing", "canceled"),
    ("parked", "succeeded"),
    ("parked", "declined"),
    ("parked", "canceled"),
    ("canceled", "succeeded"),  # late truth from the gateway
    ("declined", "succeeded"),  # the same
    ("succeeded", "returned"),  # a chargeback, a debit sent back
    ("returned", "succeeded"),  # a dispute won
}


@pytest.mark.parametrize("here", STATUSES)
@pytest.mark.parametrize("there", STATUSES)
def test_a_move_is_legal_exactly_when_it_stands_in_the_design(here: PaymentStatus, there: PaymentStatus) -> None:
    if (here, there) in LEGAL:
        check_move("pay_1", here, there)
        return
    with pytest.raises(Broken) as broken:
        check_move("pay_1", here, there)
    assert broken.value.code == "illegal_move"
    assert broken.value.facts == {"payment_id": "pay_1", "from_status": here, "to_status": there}


def test_every_status_is_reachable_from_a_payment_just_reserved() -> None:
    reached: set[PaymentStatus] = {"in_flight"}
    while more := {there for here in reached for there in MOVES[here]} - reached:
        reached |= more
    assert reached == set(STATUSES)


def test_every_pending_payment_can_end() -> None:
    ends = set(STATUSES) - PENDING
    assert all(MOVES[status] & ends for status in PENDING)


def test_no_payment_that_has_ended_becomes_pending_again() -> None:
    assert not any(MOVES[status] & PENDING for status in set(STATUSES) - PENDING)


def test_an_end_is_final_but_for_money_that_turns_up_or_goes_back() -> None:
    ends = {status: MOVES[status] for status in sorted(set(STATUSES) - PENDING)}
    assert ends == {
        "canceled": {"succeeded"},
        "declined": {"succeeded"},
        "returned": {"succeeded"},
        "succeeded": {"returned"},
    }


def test_nothing_leads_back_to_in_flight_so_nothing_is_charged_twice_under_one_key() -> None:
    assert not any("in_flight" in there for there in MOVES.values())
