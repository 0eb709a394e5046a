"""Invoices on the wire."""

from datetime import date
from typing import Annotated, Self

from pydantic import Field

from chalicelib.accounts.models import Account
from chalicelib.accounts.rules import covered_by_invoice, today_of
from chalicelib.core.clock import Clock, Instant
from chalicelib.core.money import MINOR_MAX, Currency
from chalicelib.http.schemas import ONE_LINE, BillingDay, PageQuery, RequestBody, Wire
from chalicelib.invoices.models import Invoice, InvoiceStatus, Line


class LineBody(RequestBody):
    """One position: quantity times unit amount, in minor units of the account's currency. Negative: a discount."""

    description: Annotated[str, Field(min_length=1, max_length=500, pattern=ONE_LINE)]
    quantity: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    unit_amount_minor: Annotated[int, Field(ge=-MINOR_MAX, le=MINOR_MAX)]

    def model(self) -> Line:
        return Line(
            description=self.description,
            quantity=self.quantity,
            unit_amount_minor=self.unit_amount_minor,
            amount_minor=self.quantity * self.unit_amount_minor,
        )


class IssueInvoiceBody(RequestBody):
    """An invoice to issue. `issued_on` defaults to today in the account's time zone."""

    lines: Annotated[tuple[LineBody, ...], Field(min_length=1, max_length=100, strict=False)]
    due_on: BillingDay
    issued_on: BillingDay | None = None
    currency: Currency | None = None


class InvoicesQuery(PageQuery):
    status: InvoiceStatus | None = None


class InvoicePaymentView(Wire):
    """What one payment brought; `payment_id` is `credit` for what the account's credit paid."""

    payment_id: str
    amount_minor: int


class InvoiceView(Wire):
    """An invoice. `covered_minor` is what pending payments are for, out of what remains."""

    invoice_id: str
    account_id: str
    number: str
    status: InvoiceStatus
    overdue: bool
    currency: str
    total_minor: int
    remaining_minor: int
    covered_minor: int
    lines: tuple[Line, ...]
    payments: tuple[InvoicePaymentView, ...]
    issued_on: date
    due_on: date
    created_at: Instant
    voided_at: Instant | None

    @classmethod
    def of(cls, invoice: Invoice, account: Account, clock: Clock) -> Self:
        return cls(
            invoice_id=invoice.invoice_id,
            account_id=invoice.account_id,
            number=invoice.number,
            status=invoice.status,
            overdue=invoice.status == "unpaid" and invoice.due_on < today_of(account, clock.now()),
            currency=invoice.currency,
            total_minor=invoice.total_minor,
            remaining_minor=invoice.remaining_minor,
            covered_minor=covered_by_invoice(account).get(invoice.invoice_id, 0),
            lines=invoice.lines,
            payments=tuple(
                InvoicePaymentView(payment_id=payment_id, amount_minor=amount)
                for payment_id, amount in sorted(invoice.payments.items())
            ),
            issued_on=invoice.issued_on,
            due_on=invoice.due_on,
            created_at=invoice.created_at,
            voided_at=invoice.voided_at,
        )


class InvoiceList(Wire):
    items: tuple[InvoiceView, ...]
    next_cursor: str | None
