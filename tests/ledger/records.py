"""Real records with sensible contents; a test names only what it is about."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from chalicelib.accounts.models import Account, OpenInvoice, Services
from chalicelib.activity.models import ActivityEntry, Actor
from chalicelib.invoices.models import Invoice, InvoiceRequest, Line
from chalicelib.payment_methods.models import Card, MethodSnapshot
from chalicelib.payments.models import Allocation, Payment

NOW = datetime(2026, 11, 23, 15, 36, 15, 123000, tzinfo=UTC)
ANNA = Actor(subject="user-1", name="Anna Admin")
VISA = MethodSnapshot(
    payment_method_id="pm_VISA",
    kind="card",
    label="Visa 4242",
    gateway="sandbox",
    gateway_reference="tok_visa",
    fingerprint="visa4242",
)


def an_account(account_id: str = "acc_one", **fields: Any) -> Account:
    wanted: dict[str, Any] = {
        "name": "Nordwind",
        "currency": "EUR",
        "locale": "en",
        "time_zone": "Europe/Berlin",
        "services": Services(since=NOW),
        "request_fingerprint": "f" * 64,
        "created_at": NOW,
    }
    return Account(account_id=account_id, **wanted | fields)


def an_open_invoice(number: str, remaining_minor: int = 12000) -> OpenInvoice:
    due = date(2026, 12, 1)
    return OpenInvoice(number=number, due_on=due, remaining_minor=remaining_minor, grace_from=due)


def an_invoice(invoice_id: str, account_id: str = "acc_one", **fields: Any) -> Invoice:
    wanted: dict[str, Any] = {
        "number": "2026-0001",
        "currency": "EUR",
        "lines": (Line(description="Hosting", quantity=1, unit_amount_minor=12000, amount_minor=12000),),
        "total_minor": 12000,
        "remaining_minor": 12000,
        "issued_on": date(2026, 11, 1),
        "due_on": date(2026, 12, 1),
        "status": "unpaid",
        "created_at": NOW,
    }
    return Invoice(account_id=account_id, invoice_id=invoice_id, **wanted | fields)


def a_payment(payment_id: str, account_id: str = "acc_one", minutes: int = 0, **fields: Any) -> Payment:
    """A payment reserved so many minutes after NOW."""
    wanted: dict[str, Any] = {
        "amount_minor": 12000,
        "currency": "EUR",
        "method": VISA,
        "trigger": "manual",
        "actor": ANNA,
        "request_fingerprint": "f" * 64,
        "status": "succeeded",
        "allocations": (Allocation(invoice_id="inv_1", number="2026-0001", amount_minor=12000),),
        "reserved_at": NOW + timedelta(minutes=minutes),
    }
    return Payment(account_id=account_id, payment_id=payment_id, **wanted | fields)


def an_entry(sequence: int, account_id: str = "acc_one", **facts: Any) -> ActivityEntry:
    return ActivityEntry(
        account_id=account_id,
        sequence=sequence,
        at=NOW,
        action="payment.succeeded",
        actor="user-1",
        facts=facts,
        previous_hash="0" * 64,
        hash="1" * 64,
    )


def a_card(payment_method_id: str, account_id: str = "acc_one", **fields: Any) -> Card:
    wanted: dict[str, Any] = {
        "gateway": "sandbox",
        "gateway_reference": "tok_visa",
        "fingerprint": "visa4242",
        "request_fingerprint": "f" * 64,
        "added_at": NOW,
        "brand": "visa",
        "last4": "4242",
        "expires_month": 12,
        "expires_year": 2030,
    }
    return Card(account_id=account_id, payment_method_id=payment_method_id, **wanted | fields)


def an_invoice_request(invoice_id: str, account_id: str = "acc_one") -> InvoiceRequest:
    return InvoiceRequest(
        account_id=account_id, invoice_id=invoice_id, made_invoice_id="inv_1", request_fingerprint="f" * 64
    )
