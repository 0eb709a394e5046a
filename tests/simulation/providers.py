"""The payment gateways a history can be played with. Paydesk's own sandbox is one; yours may be another:
docs/simulation.md says how.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from chalicelib.core.clock import Clock
from chalicelib.gateways.port import Charge, Closed, GatewayPort, NotSent, Outcome, Unknown
from chalicelib.gateways.sandbox import ChargeTable, Row, SandboxGateway
from tests.proof.books import ChargeRows
from tests.proof.gateways import PassingOn
from tests.proof.world import PAGE_URL
from tests.simulation.dice import Dice
from tests.simulation.stores import ChargeBooks

GOOD_CARDS = ("tok_visa", "tok_visa", "tok_mastercard", "tok_amex", "tok_visa", "tok_mastercard")
DIFFICULT_CARDS = (
    *("tok_insufficient_funds", "tok_do_not_honor", "tok_expired_card", "tok_stolen_card", "tok_processor_error") * 2,
    *("tok_timeout_then_approved", "tok_timeout_then_declined", "tok_timeout_not_charged") * 3,
    *("tok_requires_action",) * 4,
    "tok_authentication_required",
    "tok_not_sent",
    "tok_visa_past_expiry",
    "tok_diners",
    "tok_refused_at_attach",
    "tok_timeout_at_attach",
)


class Provider(Protocol):
    """A payment provider as a history needs it: Paydesk's port to it, and the provider's own books to compare with.
    `good_cards` can be charged, `difficult_cards` do whatever else a card can do; a token named twice comes twice as
    often."""

    gateway: GatewayPort
    good_cards: Sequence[str]
    difficult_cards: Sequence[str]

    def charges(self) -> ChargeRows:
        """Every charge: payment id -> `state` ("approved" when money was taken, anything else when not),
        `amount_minor`, `account_id`. Two charges under one id are two rows under different names."""

    def customer_decides(self, payment_id: str, *, approve: bool) -> bool:
        """The customer authenticates a charge that waits for it, or refuses to; False when none waits."""


NewProvider = Callable[[ChargeBooks, Clock, Dice], Provider]


class Sandbox:
    """The sandbox. In half of the histories it forgets its idempotency keys after a day, as real gateways do."""

    good_cards: Sequence[str] = GOOD_CARDS
    difficult_cards: Sequence[str] = DIFFICULT_CARDS

    def __init__(self, charges: ChargeBooks, clock: Clock, dice: Dice) -> None:
        self._table = charges
        kept: ChargeTable = ForgetfulCharges(charges, clock, dice) if dice.forgetful else charges
        self._sandbox = SandboxGateway(kept, PAGE_URL)
        self.gateway: GatewayPort = SlowBank(self._sandbox, kept, dice)

    def charges(self) -> ChargeRows:
        return self._table.rows

    def customer_decides(self, payment_id: str, *, approve: bool) -> bool:
        return self._sandbox.complete_action(payment_id, approve=approve)


class SlowBank(PassingOn):
    """What becomes of a charge that nobody is present at is not always told at once: some wait for the customer where
    others are declined, some the bank works on. Asked about later, it may have an end for these, and in the calm it
    has."""

    def __init__(self, gateway: GatewayPort, charges: ChargeTable, dice: Dice) -> None:
        super().__init__(gateway)
        self._charges = charges
        self._dice = dice

    def charge(self, charge: Charge) -> Outcome | NotSent | Unknown:
        token = charge.method_reference.partition(":")[0]
        waits = _WAITS.get(token)
        if waits is not None and not charge.customer_present and self._dice.maybe(waits[1]):
            row = {"account_id": charge.account_id, "amount_minor": charge.amount_minor, "currency": charge.currency}
            # The first row under a key stands, whoever sends the charge again.
            self._charges.put_if_absent(charge.payment_id, {"state": waits[0], **row})
        return super().charge(charge)

    def close(self, payment_id: str) -> Outcome | Closed | Unknown:
        if self._dice.calm or self._dice.maybe(_BANK_DECIDES):
            ends = "approved" if self._dice.maybe(_BANK_APPROVES) else "insufficient_funds"
            self._charges.replace(payment_id, "processing", ends)
        return super().close(payment_id)


_WAITS = dict.fromkeys(GOOD_CARDS, ("processing", 0.12)) | {"tok_requires_action": ("requires_action", 0.7)}
"""By card: what a charge waits in, and how often."""
_BANK_DECIDES, _BANK_APPROVES = 0.4, 0.7


class ForgetfulCharges:
    """A gateway's books whose idempotency keys expire after a day: the charges and fences stay on record, but a charge
    under a key that has expired is a new one. Paydesk must never make it."""

    def __init__(self, charges: ChargeTable, clock: Clock, dice: Dice) -> None:
        self._charges = charges
        self._clock = clock
        self._dice = dice
        self._expires: dict[str, datetime] = {}

    def put_if_absent(self, payment_id: str, row: Row) -> Row:
        """A call under a key that has expired tells keys from books where something else than a fence stands there: a
        close must still answer it."""
        now = self._clock.now()
        standing = self._charges.get(payment_id) if self._expires.get(payment_id, now) < now else None
        if standing is not None and standing["state"] != "void":
            self._dice.took_effect("gateway forgets a key after 24 hours")
        if standing is not None and row["state"] != "void":
            return self._charges.put_if_absent(f"{payment_id} again", row)
        stands = self._charges.put_if_absent(payment_id, row)
        self._expires.setdefault(payment_id, now + timedelta(days=1))
        return stands

    def replace(self, payment_id: str, from_state: str, to_state: str) -> Row | None:
        return self._charges.replace(payment_id, from_state, to_state)

    def get(self, payment_id: str) -> Mapping[str, Any] | None:
        return self._charges.get(payment_id)
