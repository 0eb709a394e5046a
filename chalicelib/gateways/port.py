"""What Paydesk needs of a payment gateway: five verbs, and every way a charge can end.

A gateway never raises for what a network or an issuer can do: each outcome is a value, so that no caller can forget
one. A timeout is `Unknown`, never a decline.
"""

from dataclasses import dataclass
from typing import Protocol

from chalicelib.payments.models import DeclineClass, NextAction


@dataclass(frozen=True)
class Charge:
    """One attempt to take money. `payment_id` is the idempotency key: the gateway charges once under it, ever.

    `account_id` and `payment_id` travel as metadata, so that the gateway's events find their way back.
    `customer_present`: somebody is there to authenticate (false for scheduled runs).
    """

    payment_id: str
    account_id: str
    amount_minor: int
    currency: str
    method_reference: str
    customer_present: bool


@dataclass(frozen=True)
class Approved:
    """The money is taken. `reference` is the gateway's name for the charge; a person who says so may not know it."""

    reference: str | None


@dataclass(frozen=True)
class Declined:
    """The issuer or the gateway said no, for good under this key."""

    code: str
    decline_class: DeclineClass
    reference: str | None = None


@dataclass(frozen=True)
class Processing:
    """Accepted; the bank will tell in days."""

    reference: str


@dataclass(frozen=True)
class ActionRequired:
    """The customer has to authenticate first; nothing is taken until then."""

    next_action: NextAction
    reference: str


@dataclass(frozen=True)
class NotSent:
    """Provably not executed: nothing was taken under this key by this call."""

    reason: str


@dataclass(frozen=True)
class Closed:
    """Nothing was taken under this key, and from now on nothing can be."""


@dataclass(frozen=True)
class Unknown:
    """No answer, or none that can be read: it may have happened."""

    reason: str


Outcome = Approved | Declined | Processing | ActionRequired


@dataclass(frozen=True)
class AttachedCard:
    """A card the gateway now keeps for us. `fingerprint` is equal for the same card attached twice."""

    reference: str
    fingerprint: str
    brand: str
    last4: str
    expires_month: int
    expires_year: int


@dataclass(frozen=True)
class TokenRefused:
    """The gateway does not know the token, or will not keep what it stands for."""

    code: str


class GatewayPort(Protocol):
    name: str

    def attach_card(self, account_id: str, payment_method_id: str, token: str) -> AttachedCard | TokenRefused | Unknown:
        """Keeps the card behind a one-time token. Idempotent under `payment_method_id`."""

    def detach(self, method_reference: str) -> None:
        """Forgets a stored method. Idempotent; best effort, because nothing charges a method that Paydesk removed."""

    def charge(self, charge: Charge) -> Outcome | NotSent | Unknown:
        """Charges once under `charge.payment_id`; asked again, answers what happened. Takes a bounded time."""

    def close(self, payment_id: str) -> Outcome | Closed | Unknown:
        """The fence: either what happened under this key, or from now on nothing can. Atomic at the gateway.

        A charge still waiting for the customer counts as not happened and is canceled. Looking first and canceling then
        would let a frozen process charge in between.
        """
