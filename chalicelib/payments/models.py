"""Payments: money moved, or being moved, from a payment method to invoices."""

from typing import ClassVar, Literal

from chalicelib.activity.models import Actor
from chalicelib.core.clock import Instant, format_instant
from chalicelib.core.ids import derived_id
from chalicelib.ledger.models import Index, Part, Record
from chalicelib.payment_methods.models import MethodSnapshot

PaymentStatus = Literal[
    "in_flight", "requires_action", "processing", "parked", "succeeded", "declined", "canceled", "returned"
]
Trigger = Literal["manual", "autopay", "check"]
Resolution = Literal["succeeded", "declined", "canceled"]
DeclineClass = Literal["retry_later", "fix_method", "needs_customer", "never_again", "technical"]


class Allocation(Part):
    """A part of a payment that is meant for, or was booked on, one invoice. `number` is what its paper says."""

    invoice_id: str
    number: str
    amount_minor: int


class Decline(Part):
    """Why the issuer said no: the gateway's code, and the class that decides what may happen next. Beside the issuer's
    codes there are `authentication_failed`, when the customer's bank refused the authentication, and
    `declined_by_operator`, when an operator resolved the payment so."""

    code: str
    decline_class: DeclineClass


class NextAction(Part):
    """What the customer has to do before the payment can go on."""

    type: Literal["redirect"]
    url: str


class Payment(Record):
    """A payment. While it is pending it stands whole in its account and covers what it is for; ended, it is a record
    here.

        table payments: PK account_id, SK payment_id
        local index by-time: SK time_key = reserved_at#payment_id

    Always, once money came: amount_minor = sum of allocations + credited_minor. `resolution`: what an operator said of
    a parked one, `resolution_reference` how they said the gateway calls it. `replaced_by_payment_id`: it waited for the
    customer, who then asked for that payment in its place.
    """

    table: ClassVar[str] = "payments"
    sort_field: ClassVar[str | None] = "payment_id"
    derived_fields: ClassVar[tuple[str, ...]] = ("time_key",)

    payment_id: str
    amount_minor: int
    currency: str
    method: MethodSnapshot
    trigger: Trigger
    actor: Actor
    request_fingerprint: str
    status: PaymentStatus
    allocations: tuple[Allocation, ...]
    credited_minor: int = 0
    refunded_minor: int = 0
    left_out_invoices: int = 0
    decline: Decline | None = None
    retry_at: Instant | None = None
    next_action: NextAction | None = None
    gateway_reference: str | None = None
    reserved_at: Instant
    settled_at: Instant | None = None
    checks: int = 0
    next_check_at: Instant | None = None
    resolution: Resolution | None = None
    resolution_reference: str | None = None
    replaced_by_payment_id: str | None = None

    def derived(self) -> dict[str, str]:
        return {"time_key": self.time_key()}

    def time_key(self) -> str:
        """Where the payment stands in its account's list: by the moment it was reserved."""
        return f"{format_instant(self.reserved_at)}#{self.payment_id}"


def payment_id_of(account_id: str, operation: str, key: str) -> str:
    """Also the gateway's idempotency key. The operation (pay, autopay, check) keeps a customer's key from ever meeting
    a sweep's."""
    return derived_id("pay", account_id, operation, key)


BY_PAYMENT = Index("by-payment", Payment, "payment_id")
BY_GATEWAY_REFERENCE = Index("by-gateway-reference", Payment, "gateway_reference")
