"""Pure decisions of autopay: when an account is due, what an attempt pays, what its end means for the next."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from chalicelib.accounts.models import Account, Autopay, StoppedReason
from chalicelib.accounts.rules import autopay_anew, covered_by_invoice, oldest_due_first, today_of
from chalicelib.core.clock import local_time
from chalicelib.payment_methods.models import MethodKind, MethodSnapshot
from chalicelib.payment_methods.rules import why_not_usable
from chalicelib.payments.models import DeclineClass, Payment
from chalicelib.payments.moves import PENDING


@dataclass(frozen=True)
class AutopayPolicy:
    """The stage's choices. `hour`: of the account's local day, when what falls due that day is charged. `retry_days`:
    after a decline that may pass, the days after the cycle's first attempt on which it is tried again, by kind of
    method. `technical_retry`: the wait after a decline that is nobody's fault, at most `technical_retries_max` times
    in a cycle, and after an attempt that provably took nothing, until the gateway can be reached.
    """

    hour: int
    retry_days: Mapping[MethodKind, tuple[int, ...]]
    technical_retry: timedelta
    technical_retries_max: int


def due_at(account: Account, policy: AutopayPolicy) -> datetime | None:
    """The instant from which the account is to be charged; None while there is nothing to do. Never earlier than work
    is possible, and for ever in the past while it is undone: nothing due is too old to be found.

    One attempt at a time: while one is under way there is no next, and the commit that ends it says when that is.
    """
    if any(payment.trigger == "autopay" for payment in account.pending.values()):
        return None
    return next_attempt_at(account, policy)


def next_attempt_at(account: Account, policy: AutopayPolicy) -> datetime | None:
    """When the next attempt is made once none is under way any more; None: not before something changes."""
    method = account.default_method
    if not account.autopay.enabled or method is None or method.kind == "check":
        return None
    if method.fingerprint in account.autopay.refused_fingerprints:
        return None
    first_due = _first_due(account, method)
    if first_due is None:
        return None
    moments = [local_time(first_due, policy.hour, account.time_zone)]
    if _plan_holds(account.autopay, method) and account.autopay.next_attempt_at is not None:
        moments.append(account.autopay.next_attempt_at)
    moments += [until for key, until in account.cooldowns.items() if key in ("account", method.fingerprint)]
    if method.usable_from is not None:
        moments.append(method.usable_from)
    return max(moments)


def invoices_due(account: Account, now: datetime, policy: AutopayPolicy) -> tuple[str, ...]:
    """What an attempt made now pays, oldest due first: all that is due and uncovered, today's included. Empty: no
    attempt.
    """
    at = due_at(account, policy)
    if at is None or at > now:
        return ()
    today = today_of(account, now)
    return tuple(invoice_id for invoice_id, due_on in _uncovered(account) if due_on <= today)


def stopped_before_trying(account: Account, now: datetime) -> Account | None:
    """The account with autopay stopped, when its default cannot be charged any more and asking would be in vain: an
    expired card. None when it can.
    """
    method = account.default_method
    if method is None or why_not_usable(method, now, today_of(account, now)) != "expired":
        return None
    return _with_autopay(account, _stopped(account.autopay, "fix_method", method, today_of(account, now)))


def after_payment(account: Account, payment: Payment, now: datetime, policy: AutopayPolicy) -> Account:
    """The account after a payment reached an end (or began to wait for its bank or its payer)."""
    if payment.status == "succeeded":
        account = _recovered(account, now)
    elif payment.status == "declined" and payment.trigger == "autopay" and payment.decline is not None:
        account = _declined(account, payment, payment.decline.decline_class, now, policy)
    elif payment.status == "canceled" and payment.trigger == "autopay":
        account = _not_made(account, payment, now, policy)
    if payment.trigger == "autopay" and payment.status not in PENDING:
        account = _with_autopay(account, _set(account.autopay, sequence=account.autopay.sequence + 1))
    return account


def _uncovered(account: Account) -> list[tuple[str, date]]:
    """Invoices that no pending payment covers to the end, with their due dates, oldest due first."""
    covered = covered_by_invoice(account)
    return [
        (invoice_id, invoice.due_on)
        for invoice_id, invoice in oldest_due_first(account)
        if invoice.remaining_minor > covered.get(invoice_id, 0)
    ]


def _first_due(account: Account, method: MethodSnapshot) -> date | None:
    """The day from which an attempt is called for; None: none is.

    After the retries ended, an invoice that falls due later starts a new cycle, and takes what was given up along. Any
    other stop lasts until the customer changes something.
    """
    autopay = account.autopay
    days = [due_on for _, due_on in _uncovered(account)]
    if autopay.stopped_reason is not None and _plan_holds(autopay, method):
        given_up = autopay.stopped_on if autopay.stopped_reason == "retries_exhausted" else None
        days = [due_on for due_on in days if given_up is not None and due_on > given_up]
    return min(days, default=None)


def _plan_holds(autopay: Autopay, method: MethodSnapshot) -> bool:
    """Whether the plan or stop of the last decline still counts. A new default, or new facts about the old one, earn
    one attempt at once.
    """
    return autopay.failed_method == method


def _declined(
    account: Account, payment: Payment, decline_class: DeclineClass, now: datetime, policy: AutopayPolicy
) -> Account:
    autopay, method, today = account.autopay, payment.method, today_of(account, now)
    autopay = _in_its_cycle(account, payment, today)
    autopay = _set(autopay, attempt=autopay.attempt + 1, failed_method=method, stopped_reason=None, stopped_on=None)
    started = autopay.cycle_started_on or today
    planned: Autopay
    match decline_class:
        case "technical" if autopay.attempt <= policy.technical_retries_max:
            planned = _set(autopay, next_attempt_at=now + policy.technical_retry)
        case "retry_later" | "technical":
            later = [started + timedelta(days=days) for days in policy.retry_days.get(method.kind, ())]
            coming = [day for day in later if day > today]
            if coming:
                planned = _set(autopay, next_attempt_at=local_time(coming[0], policy.hour, account.time_zone))
            else:
                planned = _stopped(autopay, "retries_exhausted", method, today)
        case "fix_method" | "needs_customer" | "never_again":
            planned = _stopped(autopay, decline_class, method, today)
    return _with_autopay(account, planned)


def _not_made(account: Account, payment: Payment, now: datetime, policy: AutopayPolicy) -> Account:
    """The attempt took nothing and nobody said no: it counts for nothing, and comes again after a while. Without the
    wait every run of an outage would try every account.
    """
    again = _set(
        account.autopay,
        next_attempt_at=now + policy.technical_retry,
        failed_method=payment.method,
        stopped_reason=None,
        stopped_on=None,
    )
    return _with_autopay(account, again)


def _in_its_cycle(account: Account, payment: Payment, today: date) -> Autopay:
    """Autopay in the cycle this attempt belongs to: a new one when all it was for fell due after the present one began,
    which was about something voided or paid since.
    """
    autopay = account.autopay
    invoices = [account.open_invoices.get(part.invoice_id) for part in payment.allocations]
    oldest = min((invoice.due_on for invoice in invoices if invoice is not None), default=None)
    if autopay.cycle_started_on is None:
        return _set(autopay, attempt=0, cycle_started_on=today)
    if oldest is not None and oldest > autopay.cycle_started_on:
        return _set(autopay, attempt=0, cycle_started_on=oldest)
    return autopay


def _recovered(account: Account, now: datetime) -> Account:
    """Money came. With nothing due left, the cycle is over, whoever paid."""
    today = today_of(account, now)
    if any(invoice.due_on <= today for invoice in account.open_invoices.values()):
        return account
    return _with_autopay(account, autopay_anew(account.autopay))


def _stopped(autopay: Autopay, reason: StoppedReason, method: MethodSnapshot, today: date) -> Autopay:
    refused = autopay.refused_fingerprints
    if reason == "never_again" and method.fingerprint not in refused:
        refused = (*refused, method.fingerprint)[-20:]
    return _set(
        autopay,
        stopped_reason=reason,
        stopped_on=today,
        failed_method=method,
        next_attempt_at=None,
        attempt=0,
        cycle_started_on=None,
        refused_fingerprints=refused,
    )


def _set(autopay: Autopay, **values: object) -> Autopay:
    return autopay.model_copy(update=values)


def _with_autopay(account: Account, autopay: Autopay) -> Account:
    return account.model_copy(update={"autopay": autopay})
