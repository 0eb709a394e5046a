"""Invoices: what an account owes and why."""

from datetime import date
from typing import ClassVar, Literal

from chalicelib.core.clock import Instant
from chalicelib.ledger.models import Part, Record

InvoiceStatus = Literal["unpaid", "paid", "void"]

INVOICE_PREFIX = "inv_"
REQUEST_PREFIX = "request_"


class Line(Part):
    """One position. `amount_minor` = quantity x unit_amount_minor; negative for a discount."""

    description: str
    quantity: int
    unit_amount_minor: int
    amount_minor: int


class Invoice(Record):
    """An invoice. `remaining_minor` is what is still owed; `payments` says which payment, or credit, brought how much.

    table invoices: PK account_id, SK invoice_id = inv_<yyyymmdd of issue>_<26 characters>, so that key order is issue
    order
    """

    table: ClassVar[str] = "invoices"
    sort_field: ClassVar[str | None] = "invoice_id"

    invoice_id: str
    number: str
    currency: str
    lines: tuple[Line, ...]
    total_minor: int
    remaining_minor: int
    issued_on: date
    due_on: date
    status: InvoiceStatus
    payments: dict[str, int] = {}
    created_at: Instant
    voided_at: Instant | None = None


class InvoiceRequest(Record):
    """Which invoice an operator's Idempotency-Key made.

    An invoice's id begins with its day of issue, which is today's when the request names none: the id alone would not
    recognise a request replayed after midnight. So the key has an item of its own beside the invoices.

        table invoices: PK account_id, SK invoice_id = request_<26 characters>
    """

    table: ClassVar[str] = "invoices"
    sort_field: ClassVar[str | None] = "invoice_id"

    invoice_id: str
    made_invoice_id: str
    request_fingerprint: str
