"""The sandbox gateway: a provider of its own for development and tests, with an outcome behind every instrument's name.

It keeps its charges in a table of its own, so it behaves across processes, honours idempotency keys for ever and
fences. Settings refuse it in prod.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, Protocol

from chalicelib.core.errors import Broken, Unavailable
from chalicelib.gateways.instruments import CARDS, DECLINES, Behaviour, CardInstrument
from chalicelib.gateways.port import (
    ActionRequired,
    Approved,
    AttachedCard,
    Charge,
    Closed,
    Declined,
    NotSent,
    Outcome,
    Processing,
    TokenRefused,
    Unknown,
)
from chalicelib.payments.models import NextAction

Row = Mapping[str, Any]


class ChargeTable(Protocol):
    """Where the sandbox keeps its charges: key payment_id, one row a key. Each method raises Unavailable when the table
    stays busy or unreachable: whether it was written is then unknown."""

    def put_if_absent(self, payment_id: str, row: Row) -> Row:
        """Writes the row unless one stands there; returns the row that stands. Atomic."""

    def replace(self, payment_id: str, from_state: str, to_state: str) -> Row | None:
        """Moves a row from one state to another; None when it is not in `from_state`. Atomic."""

    def get(self, payment_id: str) -> Row | None: ...


class SandboxGateway:
    """GatewayPort. `page_url` is where a customer approves or refuses a charge that needs authentication."""

    name = "sandbox"

    def __init__(self, charges: ChargeTable, page_url: str) -> None:
        self._charges = charges
        self._page_url = page_url.rstrip("/")

    def attach_card(self, account_id: str, payment_method_id: str, token: str) -> AttachedCard | TokenRefused | Unknown:
        card = CARDS.get(token)
        if card is None:
            return TokenRefused("token_unknown")
        if card.behaviour == "refused_at_attach":
            return TokenRefused("incorrect_cvc")
        if card.behaviour == "timeout_at_attach":
            return _no_answer()
        return AttachedCard(
            reference=f"{token}:{account_id}:{payment_method_id}",
            fingerprint="sandbox_" + hashlib.sha256(token.encode()).hexdigest()[:16],
            brand=card.brand,
            last4=card.last4,
            expires_month=card.expires_month,
            expires_year=card.expires_year,
        )

    def detach(self, method_reference: str) -> None:
        """Nothing to forget: a reference holds all the sandbox knows of a method."""

    def charge(self, charge: Charge) -> Outcome | NotSent | Unknown:
        behaviour = _instrument(charge.method_reference).behaviour
        if behaviour == "not_sent":
            return NotSent("connection refused")
        if behaviour == "timeout_not_charged":
            return _no_answer()
        try:
            # May race: another charge or a close under the same key. The first row stands and answers for all.
            row = self._charges.put_if_absent(charge.payment_id, _row(charge, behaviour))
        except Unavailable:
            return _no_answer()
        if row["state"] != "void" and row["amount_minor"] != charge.amount_minor:
            raise Broken("gateway_key_reused", payment_id=charge.payment_id)
        if behaviour in ("timeout_then_approved", "timeout_then_declined", "never_answers"):
            return _no_answer()
        outcome = self._outcome(charge.payment_id, row)
        return NotSent("closed before it was sent") if isinstance(outcome, Closed) else outcome

    def close(self, payment_id: str) -> Outcome | Closed | Unknown:
        try:
            # May race: the charge itself. Whichever row is written first stands; a later charge meets the void row.
            row = self._charges.put_if_absent(payment_id, {"state": "void", "amount_minor": 0})
            if row["state"] == "requires_action":
                # May race: the customer approving right now. Only one of the two moves the row out of requires_action.
                moved = self._charges.replace(payment_id, "requires_action", "void")
                row = moved or self._charges.get(payment_id) or row
        except Unavailable:
            return _no_answer()
        return self._outcome(payment_id, row)

    def complete_action(self, payment_id: str, *, approve: bool) -> bool:
        """What the customer's bank does after authentication. False when the charge does not wait for it (any more)."""
        return self._charges.replace(payment_id, "requires_action", "approved" if approve else "refused") is not None

    def _outcome(self, payment_id: str, row: Row) -> Outcome | Closed | Unknown:
        reference = f"sbx_{payment_id}"
        match row["state"]:
            case "approved":
                return Approved(reference)
            case "processing":
                return Processing(reference)
            case "requires_action":
                return ActionRequired(NextAction(type="redirect", url=f"{self._page_url}/{payment_id}"), reference)
            case "void":
                return Closed()
            case "never_answers":
                return _no_answer()
            case "refused":
                return Declined("authentication_failed", "needs_customer", reference)
            case declined:
                return Declined(declined, DECLINES[declined], reference)


def _no_answer() -> Unknown:
    return Unknown("the sandbox did not answer in time")


def _instrument(method_reference: str) -> CardInstrument:
    token = method_reference.partition(":")[0]
    return CARDS[token]


def _row(charge: Charge, behaviour: Behaviour) -> Row:
    """The row a charge leaves. Its state is approved, requires_action, or the code of a decline."""
    states: dict[Behaviour, str] = {
        "timeout_then_approved": "approved",
        "timeout_then_declined": "insufficient_funds",
    }
    state = states.get(behaviour, behaviour)
    if state == "requires_action" and not charge.customer_present:
        state = "authentication_required"
    return {
        "state": state,
        "account_id": charge.account_id,
        "amount_minor": charge.amount_minor,
        "currency": charge.currency,
    }
