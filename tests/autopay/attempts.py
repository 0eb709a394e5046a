"""Attempts of autopay and what came of them, as accounts know them afterwards."""

from datetime import UTC, datetime, timedelta

from chalicelib.accounts.models import Account
from chalicelib.accounts.rules import today_of
from chalicelib.autopay.after_payments import after_payment
from chalicelib.autopay.rules import attempt_id, due_at
from chalicelib.payments.models import Decline, DeclineClass, PaymentStatus, Trigger
from tests.support.builders import AUTOPAY, NOW, TODAY, a_payment, owed

SIX = datetime(2026, 3, 2, 5, tzinfo=UTC)
DAY = timedelta(days=1)
CLASSES: list[DeclineClass] = ["retry_later", "fix_method", "needs_customer", "never_again", "technical"]
DUE = {"inv_1": owed(due_in_days=0)}
LATER = Decline(code="no", decline_class="retry_later")


def attempt(
    account: Account,
    decline_class: DeclineClass,
    now: datetime,
    trigger: Trigger = "autopay",
    *,
    reserved_at: datetime | None = None,
) -> Account:
    """The account after an attempt with its default method was declined, at once unless it says when it was made."""
    method = account.default_method
    assert method
    due = {i: invoice.remaining_minor for i, invoice in account.open_invoices.items() if invoice.due_on <= now.date()}
    decline = Decline(code="no", decline_class=decline_class)
    payment = a_payment(
        attempt_id(account) if trigger == "autopay" else "pay_MANUAL",
        due,
        status="declined",
        method=method,
        trigger=trigger,
        decline=decline,
        reserved_at=reserved_at or now,
    )
    return after_payment(account, payment, now, AUTOPAY)


def ended(account: Account, status: PaymentStatus, trigger: Trigger = "autopay", now: datetime = NOW) -> Account:
    decline = Decline(code="no", decline_class="retry_later") if status == "declined" else None
    payment_id = attempt_id(account) if trigger == "autopay" else "pay_MANUAL"
    return after_payment(account, a_payment(payment_id, status=status, trigger=trigger, decline=decline), now, AUTOPAY)


def days_of_attempts(account: Account, decline_class: DeclineClass) -> tuple[list[int], Account]:
    """The days after the first on which it is tried, always in vain, until it is not tried any more."""
    days: list[int] = []
    while (at := due_at(account, AUTOPAY)) is not None:
        assert len(days) < 50, "it goes on for ever"
        days.append((today_of(account, at) - TODAY).days)
        account = attempt(account, decline_class, at)
    return days, account


def owing_more(account: Account, *, due_in_days: int, invoice_id: str = "inv_NEW") -> Account:
    more = {invoice_id: owed(due_in_days=due_in_days)}
    return account.model_copy(update={"open_invoices": account.open_invoices | more})
