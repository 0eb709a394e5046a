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
    in a cycle.
    """

    hour: int
    retry_days: Mapping[MethodKind, tuple[int, ...]]
    technical_retry: timedelta
    technical_retries_max: int


def due_at(account: Account, policy: AutopayPolicy) -> datetime | None:
    """The instant from which the account is to be charged; None while there is nothing to do. Never earlier than work
    is possible, and for ever in the past while it is undone: nothing due is too old to be found.
    """
    method = account.default_method
    if not account.autopay.enabled or method is None or method.kind == "check":
        return None
    if method.fingerprint in account.autopay.refused_fingerprints:
        return None
    wanted = _wanted(account, method)
    if not wanted:
        return None
    held = _plan_holds(account.autopay, method)
    first_due = min(due_on for _, due_on in wanted)
    at = account.autopay.next_attempt_at if held else None
    moments = [at or local_time(first_due, policy.hour, account.time_zone), *account.cooldowns.values()]
    if method.usable_from is not None:
        moments.append(method.usable_from)
    return max(moments)


def invoices_due(account: Account, now: datetime, policy: AutopayPolicy) -> tuple[str, ...]:
    """What an attempt made now pays, oldest due first: all that is due and uncovered, today's included. Empty: no
    attempt.
    """
    at = due_at(account, policy)
    method = account.default_method
    if at is None or at > now or method is None:
        return ()
    today = today_of(account, now)
    return tuple(invoice_id for invoice_id, due_on in _wanted(account, method) if due_on <= today)


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
    if payment.trigger == "autopay" and payment.status not in PENDING:
        account = _with_autopay(account, _set(account.autopay, sequence=account.autopay.sequence + 1))
    return account


def _wanted(account: Account, method: MethodSnapshot) -> list[tuple[str, date]]:
    """Uncovered invoices that autopay has not given up, oldest due first.

    After the retries ended, an invoice that falls due later starts a new cycle, and takes what was given up along. Any
    other stop lasts until the customer changes something.
    """
    covered = covered_by_invoice(account)
    open_ones = [
        (invoice_id, invoice.due_on)
        for invoice_id, invoice in oldest_due_first(account)
        if invoice.remaining_minor > covered.get(invoice_id, 0)
    ]
    autopay = account.autopay
    if autopay.stopped_reason is None or not _plan_holds(autopay, method):
        return open_ones
    if autopay.stopped_reason != "retries_exhausted" or autopay.stopped_on is None:
        return []
    return [(i, due_on) for i, due_on in open_ones if due_on > autopay.stopped_on]


def _plan_holds(autopay: Autopay, method: MethodSnapshot) -> bool:
    """Whether the plan or stop of the last decline still counts. A new default, or new facts about the old one, earn
    one attempt at once.
    """
    return autopay.failed_method == method


def _declined(
    account: Account, payment: Payment, decline_class: DeclineClass, now: datetime, policy: AutopayPolicy
) -> Account:
    autopay, method, today = account.autopay, payment.method, today_of(account, now)
    started = autopay.cycle_started_on or today
    autopay = _set(autopay, attempt=autopay.attempt + 1, cycle_started_on=started, failed_method=method)
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
