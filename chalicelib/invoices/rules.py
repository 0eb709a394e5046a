"""Pure decisions about invoices: issuing one, voiding one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from chalicelib.accounts.models import Account, OpenInvoice
from chalicelib.accounts.rules import with_services_back
from chalicelib.activity.models import PAYDESK, Actor
from chalicelib.activity.rules import logged
from chalicelib.core.errors import Conflict, Invalid
from chalicelib.core.money import MINOR_MAX
from chalicelib.invoices.models import Invoice, Line
from chalicelib.ledger.models import Change, FieldSet, Record

CREDIT = "credit"
"""Stands where a payment's id stands in an invoice's payments: paid from the account's credit."""


@dataclass(frozen=True)
class InvoiceDraft:
    """What an invoice will say. `invoice_id` is named by what causes it: a request, or a subscription's period."""

    invoice_id: str
    lines: Sequence[Line]
    issued_on: date
    due_on: date
    grace_from: date | None = None


def issue(
    account: Account, draft: InvoiceDraft, actor: Actor, now: datetime, open_invoices_max: int | None
) -> tuple[Invoice, Change[Account]]:
    """The invoice and the change that issues it. The account's credit is used first: it may make the invoice paid at
    once.

    Raises Invalid("limit_reached" | "invoice_total"). `open_invoices_max` None: no limit.
    """
    total = sum(line.amount_minor for line in draft.lines)
    if not 0 < total <= MINOR_MAX:
        raise Invalid("invoice_total", total_minor=total, max_minor=MINOR_MAX, currency=account.currency)
    if open_invoices_max is not None and len(account.open_invoices) >= open_invoices_max:
        raise Invalid("limit_reached", what="open_invoices", limit=open_invoices_max)
    from_credit = min(account.credit_minor, total)
    remaining = total - from_credit
    invoice = Invoice(
        account_id=account.account_id,
        invoice_id=draft.invoice_id,
        number=f"{account.account_id[4:16]}-{account.invoice_count + 1:05d}",
        currency=account.currency,
        lines=tuple(draft.lines),
        total_minor=total,
        remaining_minor=remaining,
        issued_on=draft.issued_on,
        due_on=draft.due_on,
        status="unpaid" if remaining else "paid",
        payments={CREDIT: from_credit} if from_credit else {},
        created_at=now,
    )
    open_invoices = dict(account.open_invoices)
    if remaining:
        open_invoices[invoice.invoice_id] = OpenInvoice(
            number=invoice.number,
            due_on=invoice.due_on,
            remaining_minor=remaining,
            grace_from=draft.grace_from or invoice.due_on,
        )
    account, entry = logged(
        account.model_copy(
            update={
                "open_invoices": open_invoices,
                "invoice_count": account.invoice_count + 1,
                "credit_minor": account.credit_minor - from_credit,
            }
        ),
        "invoice.issued",
        actor,
        now,
        invoice_id=invoice.invoice_id,
        number=invoice.number,
        total_minor=total,
        from_credit_minor=from_credit,
        currency=invoice.currency,
        due_on=invoice.due_on.isoformat(),
    )
    return invoice, Change(account, puts=(invoice, entry))


def void(account: Account, invoice: Invoice, actor: Actor, now: datetime) -> Change[Account]:
    """The change that voids an unpaid invoice. Credit it used goes back; services return if nothing is overdue any
    more.

    A pending payment for it goes on: what it brings becomes credit. Raises Conflict("invoice_not_voidable") once a
    payment has been booked on it.
    """
    if invoice.status != "unpaid":
        raise Conflict(
            "invoice_not_voidable", invoice_id=invoice.invoice_id, invoice_status=invoice.status, reason="not_unpaid"
        )
    if set(invoice.payments) - {CREDIT}:
        raise Conflict(
            "invoice_not_voidable", invoice_id=invoice.invoice_id, invoice_status="unpaid", reason="partly_paid"
        )
    credit = invoice.payments.get(CREDIT, 0)
    account = account.model_copy(
        update={
            "open_invoices": {i: o for i, o in account.open_invoices.items() if i != invoice.invoice_id},
            "credit_minor": account.credit_minor + credit,
        }
    )
    account, entry = logged(
        account,
        "invoice.voided",
        actor,
        now,
        invoice_id=invoice.invoice_id,
        number=invoice.number,
        total_minor=invoice.total_minor,
        credit_returned_minor=credit,
        currency=invoice.currency,
    )
    entries: list[Record] = [entry]
    account, back = with_services_back(account, now)
    if back:
        account, reactivated = logged(account, "services.reactivated", PAYDESK, now, invoice_id=invoice.invoice_id)
        entries.append(reactivated)
    voided = voided_invoice(invoice, now)
    item = voided.item()
    fields = FieldSet(invoice.key(), {f: item.get(f) for f in ("status", "remaining_minor", "payments", "voided_at")})
    return Change(account, puts=tuple(entries), sets=(fields,))


def voided_invoice(invoice: Invoice, now: datetime) -> Invoice:
    return invoice.model_copy(update={"status": "void", "remaining_minor": 0, "payments": {}, "voided_at": now})
