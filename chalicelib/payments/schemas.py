"""Payments on the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, field_validator

from chalicelib.core.clock import Instant
from chalicelib.core.money import Currency, PositiveMinorUnits
from chalicelib.http.schemas import Id, PageQuery, RequestBody, Wire
from chalicelib.messages import catalog
from chalicelib.payments.models import (
    Allocation,
    Decline,
    DeclineClass,
    NextAction,
    Payment,
    PaymentStatus,
    Resolution,
    Trigger,
)

NextBestAction = Literal["retry_later", "update_payment_method", "authenticate", "use_another_method"]

NEXT_BEST_ACTION: dict[DeclineClass, NextBestAction] = {
    "retry_later": "retry_later",
    "fix_method": "update_payment_method",
    "needs_customer": "authenticate",
    "never_again": "use_another_method",
    "technical": "retry_later",
}
"""What helps most after a decline, by its class."""


def _without_null(schema: dict[str, Any]) -> None:
    """What the document says of the fields: each may be left out, and none may be null."""
    for field in schema["properties"].values():
        del field["default"]
        field.update(next(choice for choice in field.pop("anyOf") if choice != {"type": "null"}))


class PayBody(RequestBody):
    """A payment. Stating nothing ({}) pays all that is payable with the default method, oldest invoices first.

    `expected_payable_minor`: what the payer saw; another balance by now is refused instead of paid.
    """

    model_config = ConfigDict(json_schema_extra=_without_null)

    payment_method_id: Id | None = None
    amount_minor: Annotated[PositiveMinorUnits, Field(examples=[12000])] | None = None
    currency: Annotated[Currency, Field(examples=["EUR"])] | None = None
    invoice_ids: Annotated[tuple[Id, ...], Field(min_length=1, max_length=500, strict=False)] | None = None
    expected_payable_minor: PositiveMinorUnits | None = None

    @field_validator("*", mode="before")
    @classmethod
    def _nothing_is_null(cls, value: Any) -> Any:
        """A client that lost its amount sends null; read as "no amount", that would pay everything."""
        if value is None:
            raise ValueError("state a value or leave the field out: null is neither")
        return value


class ResolveBody(RequestBody):
    """What became of a parked payment, as the gateway's own records or the bank say. `gateway_reference`: the gateway's
    name for the charge or its decline, by which the payment is then found. `succeeded` and `declined` need it;
    where the gateway shows neither, say `canceled`."""

    outcome: Resolution
    gateway_reference: Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[!-~]+$")] | None = None


class PaymentsQuery(PageQuery):
    """A page of payments."""


class PendingPaymentsQuery(PageQuery):
    """Which pending payments; all when no status is named."""

    status: Literal["in_flight", "requires_action", "processing", "parked"] | None = Field(
        default=None, description="`parked`: those that wait for an operator to resolve them."
    )


class PaymentMethodOfPayment(Wire):
    """The method as it was when the payment was made."""

    payment_method_id: str
    kind: Literal["card", "bank_debit", "paypal", "check"]
    label: str


class PaymentView(Wire):
    """A payment and its receipt. `message` says in words what happened and what comes next.

    `allocations` are what it is meant for while it is pending, and what it paid once it succeeded; the rest of the
    amount is `credited_minor`. `left_out_invoices` counts the payable invoices that did not fit into this one payment.
    `replaced_by_payment_id` is the payment that was asked for while this one waited for the customer, and for which it
    was canceled; there is none of that id where that request was refused after all. `confirm_by` is how long one that
    waits for its payer (`requires_action`) can count on it; then Paydesk gives it up and nothing is taken.
    """

    payment_id: str
    account_id: str
    status: PaymentStatus
    message: str
    amount_minor: int
    currency: str
    payment_method: PaymentMethodOfPayment
    trigger: Trigger
    allocations: tuple[Allocation, ...]
    credited_minor: int
    refunded_minor: int
    left_out_invoices: int
    decline: Decline | None
    retry_at: Instant | None
    next_best_action: NextBestAction | None
    next_action: NextAction | None
    confirm_by: Instant | None
    gateway_reference: str | None
    replaced_by_payment_id: str | None
    created_at: Instant
    settled_at: Instant | None

    @classmethod
    def of(cls, payment: Payment, locale: str, cooldown_scope: str) -> Self:
        decline = payment.decline
        return cls(
            payment_id=payment.payment_id,
            account_id=payment.account_id,
            status=payment.status,
            message=_message(payment, locale, cooldown_scope),
            amount_minor=payment.amount_minor,
            currency=payment.currency,
            payment_method=PaymentMethodOfPayment(
                payment_method_id=payment.method.payment_method_id,
                kind=payment.method.kind,
                label=payment.method.label,
            ),
            trigger=payment.trigger,
            allocations=payment.allocations,
            credited_minor=payment.credited_minor,
            refunded_minor=payment.refunded_minor,
            left_out_invoices=payment.left_out_invoices,
            decline=decline,
            retry_at=payment.retry_at,
            next_best_action=NEXT_BEST_ACTION[decline.decline_class] if decline else None,
            next_action=payment.next_action,
            confirm_by=_confirm_by(payment),
            gateway_reference=payment.gateway_reference,
            replaced_by_payment_id=payment.replaced_by_payment_id,
            created_at=payment.reserved_at,
            settled_at=payment.settled_at,
        )


def _message(payment: Payment, locale: str, cooldown_scope: str) -> str:
    """What a receipt says. Of a manual payment that was declined it is what the answer to its request said."""
    told = {"decline_class": payment.decline.decline_class} if payment.decline else {}
    if payment.status == "declined" and payment.retry_at is not None:
        facts = {"retry_at": payment.retry_at, "scope": cooldown_scope}
        return catalog.sentence("payment_declined", locale, facts | told)[1]
    facts = {
        "amount_minor": payment.amount_minor,
        "credited_minor": payment.credited_minor,
        "left_out_invoices": payment.left_out_invoices,
        "currency": payment.currency,
        "replaced_by_payment_id": payment.replaced_by_payment_id,
        "confirm_by": _confirm_by(payment),
        "what": _besides(payment),
    }
    return catalog.sentence(f"payment_status_{payment.status}", locale, facts | told)[1]


def _confirm_by(payment: Payment) -> datetime | None:
    """Until then nobody asks the gateway to give it up."""
    return payment.next_check_at if payment.status == "requires_action" else None


def _besides(payment: Payment) -> str:
    """What a receipt's sentence depends on beside the status."""
    if payment.replaced_by_payment_id:
        return "replaced"
    if payment.credited_minor:
        return "credited"
    return "left_out" if payment.left_out_invoices else payment.trigger


class PaymentList(Wire):
    items: tuple[PaymentView, ...]
    next_cursor: str | None
