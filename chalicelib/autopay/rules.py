"""Pure decisions of autopay: when an account is due, what an attempt pays, what its end means for the next."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from chalicelib.accounts.models import Account, Autopay, StoppedReason
from chalicelib.accounts.rules import autopay_anew, covered_by_invoice, oldest_due_first, today_of
from chalicelib.core.clock import local_time
from chalicelib.payment_methods.models import MethodKind, MethodSnapshot
from chalicelib.payment_methods.rules import why_not_usable
from chalicelib.payments.models import DeclineClass, Payment, payment_id_of


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

    One attempt at a time: while the outcome of one is unknown there is no next, and the commit that tells it says when
    that is. What a bank works on for days, or a person looks into, holds up nothing but the invoices it covers.
    """
    unknown = ("in_flight", "requires_action")
    if any(payment.trigger == "autopay" and payment.status in unknown for payment in account.pending.values()):
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
    if plan_holds(account.autopay, method) and account.autopay.next_attempt_at is not None:
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
    return _with_autopay(account, _stopped(account.autopay, "fix_method", method))


def after_payment(account: Account, payment: Payment, now: datetime, policy: AutopayPolicy) -> Account:
    """The account after a payment reached an end, or began to wait for its bank, its payer or a person."""
    by_autopay = payment.trigger == "autopay"
    current = by_autopay and payment.payment_id == attempt_id(account)
    match payment.status:
        case "succeeded":
            account = _recovered(account, payment, now)
        case "declined" if by_autopay and payment.decline is not None:
            account = _declined(account, payment, payment.decline.decline_class, now, policy)
        case "declined" if payment.decline is not None and payment.decline.decline_class == "never_again":
            account = _refused_for_good(account, payment.method)
        case "requires_action" if by_autopay:
            account = _with_autopay(account, _stopped(account.autopay, "needs_customer", payment.method))
        case "canceled" if current:
            account = _not_made(account, payment, now, policy)
    if current and payment.status != "in_flight":
        account = _with_autopay(account, _set(account.autopay, sequence=account.autopay.sequence + 1))
    return account


def attempt_id(account: Account) -> str:
    """The payment that the account's next attempt makes, or has made already."""
    return payment_id_of(account.account_id, "autopay", str(account.autopay.sequence))


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

    After the retries ended, an invoice they were not about starts a new cycle when it is due, and takes what was given
    up along. Any other stop lasts until the customer changes something.
    """
    uncovered = _uncovered(account)
    if account.autopay.stopped_reason is not None and plan_holds(account.autopay, method):
        if account.autopay.stopped_reason != "retries_exhausted":
            return None
        uncovered = [(i, due_on) for i, due_on in uncovered if not account.open_invoices[i].given_up]
    return min((due_on for _, due_on in uncovered), default=None)


def plan_holds(autopay: Autopay, method: MethodSnapshot) -> bool:
    """Whether the plan or stop of the last decline still counts. A new default, or new facts about the old one, earn
    one attempt at once.
    """
    return autopay.failed_method == method


def _declined(
    account: Account, payment: Payment, decline_class: DeclineClass, now: datetime, policy: AutopayPolicy
) -> Account:
    method, autopay = payment.method, _in_its_cycle(account, payment)
    soon = decline_class == "technical" and autopay.technical < policy.technical_retries_max
    autopay = _set(
        autopay,
        attempt=autopay.attempt + (not soon),
        technical=autopay.technical + soon,
        failed_method=method,
        stopped_reason=None,
    )
    if soon:
        return _with_autopay(account, _set(autopay, next_attempt_at=now + policy.technical_retry))
    if decline_class in ("retry_later", "technical"):
        day = _retry_day(account, autopay, payment, now, policy)
        if day is not None:
            at = local_time(day, policy.hour, account.time_zone)
            return _with_autopay(account, _set(autopay, next_attempt_at=at))
        return _with_autopay(_given_up(account, payment), _stopped(autopay, "retries_exhausted", method))
    return _with_autopay(account, _stopped(autopay, _STOPS[decline_class], method))


_STOPS: Mapping[DeclineClass, StoppedReason] = {
    "fix_method": "fix_method",
    "needs_customer": "needs_customer",
    "never_again": "never_again",
}


def _retry_day(
    account: Account, autopay: Autopay, payment: Payment, now: datetime, policy: AutopayPolicy
) -> date | None:
    """The next of the retry days; None: there is none left. Days that passed unused are over, unless they passed while
    the bank thought about the attempt: then the retry comes the day after its answer.
    """
    today, tried_on = today_of(account, now), today_of(account, payment.reserved_at)
    started = autopay.cycle_started_on or tried_on
    days = [started + timedelta(days=after) for after in policy.retry_days.get(payment.method.kind, ())]
    if tried_on < today:
        unused = days[autopay.attempt - 1 :]
        return max(unused[0], today + timedelta(days=1)) if unused else None
    return next((day for day in days if day > today), None)


def _given_up(account: Account, payment: Payment) -> Account:
    """The account with what the attempt was for given up, and nothing else. With more due than one payment holds, that
    is all that was due with it.
    """
    tried = {part.invoice_id for part in payment.allocations}
    tried_on = today_of(account, payment.reserved_at)
    if payment.left_out_invoices:
        tried |= {invoice_id for invoice_id, invoice in account.open_invoices.items() if invoice.due_on <= tried_on}
    open_invoices = {
        invoice_id: invoice.model_copy(update={"given_up": True if invoice_id in tried else None})
        for invoice_id, invoice in account.open_invoices.items()
    }
    return account.model_copy(update={"open_invoices": open_invoices})


def _refused_for_good(account: Account, method: MethodSnapshot) -> Account:
    """Whoever tried: a card scheme allows no further attempt with this method."""
    default, autopay = account.default_method, account.autopay
    if autopay.enabled and default is not None and default.fingerprint == method.fingerprint:
        return _with_autopay(account, _stopped(autopay, "never_again", default))
    return _with_autopay(account, _set(autopay, refused_fingerprints=_with_refused(autopay, method)))


def _not_made(account: Account, payment: Payment, now: datetime, policy: AutopayPolicy) -> Account:
    """The attempt took nothing and nobody said no: it counts for nothing, and comes again after a while. Without the
    wait every run of an outage would try every account.
    """
    again = _set(
        account.autopay,
        next_attempt_at=now + policy.technical_retry,
        failed_method=payment.method,
        stopped_reason=None,
    )
    return _with_autopay(account, again)


def _in_its_cycle(account: Account, payment: Payment) -> Autopay:
    """Autopay in the cycle this attempt belongs to: a new one when all it was for fell due after the present one began,
    which was about something voided or paid since.
    """
    autopay, tried_on = account.autopay, today_of(account, payment.reserved_at)
    invoices = [account.open_invoices.get(part.invoice_id) for part in payment.allocations]
    oldest = min((invoice.due_on for invoice in invoices if invoice is not None), default=None)
    started = autopay.cycle_started_on
    if started is None or (oldest is not None and oldest > started):
        return _set(autopay, attempt=0, technical=0, cycle_started_on=tried_on)
    return autopay


def _recovered(account: Account, payment: Payment, now: datetime) -> Account:
    """Money came. With nothing due left, the cycle is over, whoever paid. A stop that only the customer can lift stays
    when the money came another way: that card is still the wrong one.
    """
    today = today_of(account, now)
    if any(invoice.due_on <= today for invoice in account.open_invoices.values()):
        return account
    before, autopay = account.autopay, autopay_anew(account.autopay)
    failed = before.failed_method
    if (
        before.stopped_reason in ("fix_method", "needs_customer")
        and failed is not None
        and failed.fingerprint != payment.method.fingerprint
    ):
        autopay = _set(autopay, stopped_reason=before.stopped_reason, failed_method=failed)
    return _with_autopay(account, autopay)


def _stopped(autopay: Autopay, reason: StoppedReason, method: MethodSnapshot) -> Autopay:
    return _set(
        autopay,
        stopped_reason=reason,
        failed_method=method,
        next_attempt_at=None,
        attempt=0,
        technical=0,
        cycle_started_on=None,
        refused_fingerprints=_with_refused(autopay, method)
        if reason == "never_again"
        else autopay.refused_fingerprints,
    )


def _with_refused(autopay: Autopay, method: MethodSnapshot) -> tuple[str, ...]:
    refused = autopay.refused_fingerprints
    return refused if method.fingerprint in refused else (*refused, method.fingerprint)[-_REFUSED_MAX:]


_REFUSED_MAX = 20
"""As many as an account holds methods; more would only be cards that are gone."""


def _set(autopay: Autopay, **values: object) -> Autopay:
    return autopay.model_copy(update=values)


def _with_autopay(account: Account, autopay: Autopay) -> Account:
    return account.model_copy(update={"autopay": autopay})
