"""Every legal move of a payment's status, in one table."""

from chalicelib.core.errors import Broken
from chalicelib.payments.models import PaymentStatus

MOVES: dict[PaymentStatus, frozenset[PaymentStatus]] = {
    "in_flight": frozenset({"succeeded", "declined", "processing", "requires_action", "canceled", "parked"}),
    "requires_action": frozenset({"succeeded", "declined", "processing", "canceled"}),
    "processing": frozenset({"succeeded", "declined", "parked", "canceled"}),
    "parked": frozenset({"succeeded", "declined", "canceled"}),
    "canceled": frozenset({"succeeded"}),
    "declined": frozenset({"succeeded"}),
    "succeeded": frozenset({"returned"}),
    "returned": frozenset({"succeeded"}),
}

PENDING: frozenset[PaymentStatus] = frozenset({"in_flight", "requires_action", "processing", "parked"})
"""Statuses of a payment that stands in its account and covers what it is for."""


def check_move(payment_id: str, here: PaymentStatus, there: PaymentStatus) -> None:
    """Raises Broken for a move that is not in the table: a defect, never something a customer did."""
    if there not in MOVES[here]:
        raise Broken("illegal_move", payment_id=payment_id, from_status=here, to_status=there)
