"""Pure decisions about an account as a whole: what it owes, what is covered, when services come back."""

from dataclasses import dataclass
from datetime import date, datetime

from chalicelib.accounts.models import Account, Autopay, OpenInvoice, Services
from chalicelib.core.clock import local_date
from chalicelib.payment_methods.models import MethodSnapshot


@dataclass(frozen=True)
class Balance:
    """The account's money at one day, in minor units of its currency. payable = open - covered."""

    open_minor: int
    covered_minor: int
    payable_minor: int
    overdue_minor: int
    escalating_minor: int
    currency: str


def balance(account: Account, today: date) -> Balance:
    """`today` is the date in the account's time zone. Due today is not overdue. Overdue counts covered invoices too,
    because only money that arrived brings services back; escalating (what dunning acts on) does not."""
    covered = covered_by_invoice(account)
    invoices = account.open_invoices
    overdue = {invoice_id: invoice for invoice_id, invoice in invoices.items() if invoice.due_on < today}
    open_minor = sum(invoice.remaining_minor for invoice in invoices.values())
    covered_minor = sum(covered.values())
    return Balance(
        open_minor=open_minor,
        covered_minor=covered_minor,
        payable_minor=open_minor - covered_minor,
        overdue_minor=sum(invoice.remaining_minor for invoice in overdue.values()),
        escalating_minor=sum(invoice.remaining_minor - covered.get(i, 0) for i, invoice in overdue.items()),
        currency=account.currency,
    )


def covered_by_invoice(account: Account) -> dict[str, int]:
    """How much of each open invoice pending payments are for. This sum, and nothing else, says what is in somebody's
    hands.
    """
    covered: dict[str, int] = {}
    for payment in account.pending.values():
        for part in payment.allocations:
            invoice = account.open_invoices.get(part.invoice_id)
            if invoice is not None:
                already = covered.get(part.invoice_id, 0)
                covered[part.invoice_id] = min(invoice.remaining_minor, already + part.amount_minor)
    return covered


def uncovered(account: Account) -> list[tuple[str, OpenInvoice, int]]:
    """The open invoices that pending payments do not cover to the end, with what is left, oldest due first."""
    covered = covered_by_invoice(account)
    left = [(i, invoice, invoice.remaining_minor - covered.get(i, 0)) for i, invoice in oldest_due_first(account)]
    return [(invoice_id, invoice, minor) for invoice_id, invoice, minor in left if minor > 0]


def oldest_due_first(account: Account) -> list[tuple[str, OpenInvoice]]:
    """Of those due on one day the one issued first, as its number says."""
    return sorted(account.open_invoices.items(), key=lambda entry: (entry[1].due_on, entry[1].number, entry[0]))


def today_of(account: Account, now: datetime) -> date:
    """The calendar day it is for this customer."""
    return local_date(now, account.time_zone)


def with_services_back(account: Account, now: datetime) -> tuple[Account, bool]:
    """The account with its services active if they were suspended and nothing is overdue any more; whether that is so.

    Overdue counts, not total: an invoice that is not due yet keeps nobody suspended.
    """
    if account.services.status == "active" or balance(account, today_of(account, now)).overdue_minor > 0:
        return account, False
    return account.model_copy(update={"services": Services(status="active", since=now)}), True


def cooling_down_until(account: Account, now: datetime, fingerprint: str | None = None) -> datetime | None:
    """Until when no manual payment is taken from the account, or with the method of that fingerprint; None: one is."""
    ends = [until for key, until in account.cooldowns.items() if key in ("account", fingerprint) and now < until]
    return max(ends, default=None)


def autopay_switched(autopay: Autopay, default: MethodSnapshot | None, *, enabled: bool) -> Autopay:
    """Autopay switched on or off. Switching it on is a customer's word that it should be tried again, except with a
    method whose issuer said never again. What is known of another method says nothing against this one, and stays:
    that one was stopped is why this one begins anew."""
    if enabled and not autopay.enabled and plan_holds(autopay, default):
        autopay = autopay_anew(autopay)
    return autopay.model_copy(update={"enabled": enabled})


def plan_holds(autopay: Autopay, method: MethodSnapshot | None) -> bool:
    """Whether the plan or stop of the last decline still counts. A new default, or new facts about the old one, earn
    one attempt at once.
    """
    return method is not None and autopay.failed_method == method


def autopay_anew(autopay: Autopay) -> Autopay:
    """Autopay with its plan and its stop forgotten, but not what never may be tried again, nor how many declines the
    day had.
    """
    return Autopay(
        enabled=autopay.enabled,
        sequence=autopay.sequence,
        refused_fingerprints=autopay.refused_fingerprints,
        declined_on=autopay.declined_on,
        declines_that_day=autopay.declines_that_day,
    )


def suspended(account: Account, now: datetime) -> Account:
    return account.model_copy(update={"services": Services(status="suspended", since=now)})
