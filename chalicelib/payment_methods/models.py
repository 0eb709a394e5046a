"""Payment methods: what an account can pay with."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, TypeAdapter

from chalicelib.core.clock import Instant
from chalicelib.ledger.models import Part, Record

MethodKind = Literal["card", "bank_debit", "paypal", "check"]
UnusableReason = Literal["check", "not_yet_usable", "expired"]


class BillingDetails(Part):
    """Who the method belongs to, as its issuer knows them."""

    name: str | None = None
    email: str | None = None
    postal_code: str | None = None
    country: str | None = None


class Mandate(Part):
    """The payer's permission to debit a bank account: what was accepted, when, by whom."""

    reference: str
    accepted_at: Instant
    accepted_by: str


class MethodSnapshot(Part):
    """All that charging a method needs, copied so that a payment stands on its own when the method changes or goes."""

    payment_method_id: str
    kind: MethodKind
    label: str
    gateway: str
    gateway_reference: str
    fingerprint: str
    usable_from: Instant | None = None
    last_usable_on: date | None = None


class PaymentMethodRecord(Record):
    """What all kinds share. `fingerprint` is equal for the same instrument added twice; the gateway tells it.

    A removed method stays as a tombstone: the request that added it, replayed, must not bring it back.
    """

    table: ClassVar[str] = "payment-methods"
    sort_field: ClassVar[str | None] = "payment_method_id"

    kind: MethodKind
    payment_method_id: str
    gateway: str
    gateway_reference: str
    fingerprint: str
    status: Literal["active", "removed"] = "active"
    usable_from: Instant | None = None
    billing_details: BillingDetails = BillingDetails()
    request_fingerprint: str
    added_at: Instant

    @classmethod
    def parse(cls, item: Mapping[str, Any]) -> Self:
        method: Any = _ANY_KIND.validate_python(item)
        return method  # type: ignore[no-any-return]  # the union's members are all subclasses of this class


class Card(PaymentMethodRecord):
    kind: Literal["card"] = "card"
    brand: str
    last4: str
    expires_month: int
    expires_year: int


class BankDebit(PaymentMethodRecord):
    kind: Literal["bank_debit"] = "bank_debit"
    bank: str
    last4: str
    mandate: Mandate


class PayPal(PaymentMethodRecord):
    kind: Literal["paypal"] = "paypal"
    payer: str


class Check(PaymentMethodRecord):
    kind: Literal["check"] = "check"
    payable_to: str


PaymentMethod = Annotated[Card | BankDebit | PayPal | Check, Field(discriminator="kind")]
_ANY_KIND: TypeAdapter[Card | BankDebit | PayPal | Check] = TypeAdapter(PaymentMethod)
