"""Real records with sensible contents; a test names only what it is about."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from chalicelib.accounts.models import Account, Autopay, OpenInvoice, Services
from chalicelib.activity.models import Actor
from chalicelib.autopay.rules import AutopayPolicy
from chalicelib.invoices.models import Invoice, Line
from chalicelib.overdue.rules import OverduePolicy
from chalicelib.payment_methods.models import Card, MethodSnapshot
from chalicelib.payment_methods.rules import snapshot
from chalicelib.payments.models import Allocation, Payment
from chalicelib.payments.reserving import PaymentPolicy, PayOrder
from chalicelib.subscriptions.models import Subscription

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
"""A Monday, 10 in the morning in Berlin."""

TODAY = date(2026, 3, 2)

ANNA = Actor(subject="user-anna", name="anna@example.com")
BEN = Actor(subject="user-ben", name="ben@example.com")
OPERATIONS = Actor(subject="user-operations", name="operations@example.com")

POLICY = PaymentPolicy(
    cooldown=timedelta(hours=1),
    cooldown_scope="account",
    charge_within=timedelta(seconds=60),
    action_expires=timedelta(hours=1),
    checks=(
        timedelta(minutes=5),
        timedelta(hours=1),
        *(timedelta(days=days) for days in range(1, 6)),
    ),
    invoices_max=90,
    pending_max=20,
)
"""What a stage decides unless it says otherwise."""

AUTOPAY = AutopayPolicy(
    hour=6,
    retry_days={"card": (1, 3, 5, 7), "bank_debit": (3, 6), "paypal": (1, 3, 5, 7)},
    technical_retry=timedelta(hours=1),
    technical_retries_max=3,
    declines_per_day=5,
    pending_max=20,
)
OVERDUE = OverduePolicy(notice_days=(1, 7), grace_days=14, put_off_days=7)


def a_card(payment_method_id: str = "pm_VISA", **fields: Any) -> Card:
    wanted: dict[str, Any] = {
        "account_id": "acc_ACME",
        "gateway": "sandbox",
        "gateway_reference": f"tok_visa:acc_ACME:{payment_method_id}",
        "fingerprint": "sandbox_visa_4242",
        "request_fingerprint": "added",
        "added_at": NOW,
        "brand": "visa",
        "last4": "4242",
        "expires_month": 12,
        "expires_year": 2039,
    }
    return Card(payment_method_id=payment_method_id, **wanted | fields)


def a_method(payment_method_id: str = "pm_VISA", **fields: Any) -> MethodSnapshot:
    """A card as payments and accounts copy it."""
    return snapshot(a_card(payment_method_id)).model_copy(update=fields)


def owed(amount_minor: int = 10_000, *, due_in_days: int = 14, number: str = "ACME-00001") -> OpenInvoice:
    """An unpaid invoice as its account holds it. Due in the past means overdue."""
    due_on = TODAY + timedelta(days=due_in_days)
    return OpenInvoice(number=number, due_on=due_on, remaining_minor=amount_minor, grace_from=due_on)


def tried(invoice: OpenInvoice, declines: int = 1) -> OpenInvoice:
    """The invoice after automatic attempts that were declined, the first on its due date."""
    return invoice.model_copy(update={"tried_on": invoice.due_on, "declines": declines})


def given_up(invoice: OpenInvoice) -> OpenInvoice:
    """The invoice after autopay's retries ended with it."""
    return tried(invoice, 5).model_copy(update={"given_up": True})


def an_account(
    owes: Mapping[str, OpenInvoice | int] | None = None, *, pending: Iterable[Payment] = (), **fields: Any
) -> Account:
    """An account that owes these invoices; a mere number is an amount due in two weeks."""
    open_invoices = {
        invoice_id: owed(invoice) if isinstance(invoice, int) else invoice
        for invoice_id, invoice in (owes or {}).items()
    }
    wanted: dict[str, Any] = {
        "account_id": "acc_ACME",
        "name": "Acme",
        "currency": "EUR",
        "locale": "en",
        "time_zone": "Europe/Berlin",
        "open_invoices": open_invoices,
        "pending": {payment.payment_id: payment for payment in pending},
        "services": Services(since=NOW),
        "request_fingerprint": "opened",
        "created_at": NOW,
    }
    return Account(**wanted | fields)


def suspended_account(owes: Mapping[str, OpenInvoice | int], **fields: Any) -> Account:
    return an_account(owes, services=Services(status="suspended", since=NOW - timedelta(days=3)), **fields)


def a_payment(
    payment_id: str = "pay_1", covers: Mapping[str, int] | None = None, *, status: str = "in_flight", **fields: Any
) -> Payment:
    """A payment that covers these amounts of invoices; by default 100.00 of inv_1."""
    parts = {"inv_1": 10_000} if covers is None else covers
    wanted: dict[str, Any] = {
        "account_id": "acc_ACME",
        "amount_minor": sum(parts.values()),
        "currency": "EUR",
        "method": a_method(),
        "trigger": "manual",
        "actor": ANNA,
        "request_fingerprint": "paid",
        "status": status,
        "allocations": tuple(
            Allocation(invoice_id=invoice_id, number="ACME-00001", amount_minor=amount)
            for invoice_id, amount in parts.items()
        ),
        "reserved_at": NOW,
        "next_check_at": NOW + POLICY.checks[0],
    }
    return Payment(payment_id=payment_id, **wanted | fields)


def an_order(payment_id: str = "pay_NEW", **fields: Any) -> PayOrder:
    """All that is payable, asked for by hand."""
    wanted: dict[str, Any] = {
        "request_fingerprint": "paid",
        "method": a_method(),
        "trigger": "manual",
        "actor": ANNA,
    }
    return PayOrder(payment_id=payment_id, **wanted | fields)


def a_line(amount_minor: int = 10_000) -> Line:
    return Line(description="Plan", quantity=1, unit_amount_minor=amount_minor, amount_minor=amount_minor)


def an_invoice(invoice_id: str = "inv_1", amount_minor: int = 10_000, **fields: Any) -> Invoice:
    """An unpaid invoice as it is stored."""
    wanted: dict[str, Any] = {
        "account_id": "acc_ACME",
        "number": "ACME-00001",
        "currency": "EUR",
        "lines": (a_line(amount_minor),),
        "total_minor": amount_minor,
        "remaining_minor": amount_minor,
        "issued_on": TODAY,
        "due_on": TODAY + timedelta(days=14),
        "status": "unpaid",
        "created_at": NOW,
    }
    return Invoice(invoice_id=invoice_id, **wanted | fields)


def paying_by_itself(
    owes: Mapping[str, OpenInvoice | int] | None = None,
    *,
    method: MethodSnapshot | None = None,
    autopay: Mapping[str, Any] | None = None,
    **fields: Any,
) -> Account:
    """An account with a default method and autopay switched on; `autopay` is what else is known of it."""
    switched_on = Autopay(**{"enabled": True, **(autopay or {})})
    return an_account(owes, default_method=method or a_method(), autopay=switched_on, **fields)


def a_subscription(subscription_id: str = "sub_1", **fields: Any) -> Subscription:
    """A monthly subscription of 49.00 whose next period begins today."""
    wanted: dict[str, Any] = {
        "account_id": "acc_ACME",
        "plan": "Team",
        "amount_minor": 4_900,
        "other_amount_minor": 49_000,
        "currency": "EUR",
        "interval": "monthly",
        "next_interval": fields.get("interval", "monthly"),
        "anchor_day": TODAY.day,
        "next_renewal_on": TODAY,
        "payment_terms_days": 14,
        "request_fingerprint": "subscribed",
        "created_at": NOW,
    }
    return Subscription(subscription_id=subscription_id, **wanted | fields)
