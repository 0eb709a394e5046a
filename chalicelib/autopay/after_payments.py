"""Pure decisions of autopay: what the end of a payment means for the next automatic attempt."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

from chalicelib.accounts.models import Account, Autopay, OpenInvoice, StoppedReason
from chalicelib.accounts.rules import autopay_anew, plan_holds, today_of, uncovered
from chalicelib.autopay.rules import AutopayPolicy, attempt_id, only_the_customer_lifts
from chalicelib.core.clock import local_time
from chalicelib.payment_methods.models import MethodSnapshot
from chalicelib.payment_methods.rules import why_not_usable
from chalicelib.payments.models import DeclineClass, Payment


def after_payment(account: Account, payment: Payment, now: datetime, policy: AutopayPolicy) -> Account:
    """The account after a payment reached an end, or began to wait for its bank, its payer or a person."""
    by_autopay = payment.trigger == "autopay"
    current = by_autopay and payment.payment_id == attempt_id(account)
    match payment.status:
        case "succeeded":
            account = _recovered(account, payment, now)
        case "declined" if by_autopay and payment.decline is not None:
            account = _declined(account, payment, payment.decline.decline_class, now, policy)
            account = _with_autopay(account, _one_decline_more(account.autopay, today_of(account, now)))
        case "declined" if payment.decline is not None and payment.decline.decline_class == "never_again":
            account = _refused_for_good(account, payment.method)
        case "requires_action" if by_autopay and payment.method == account.default_method:
            account = _begun(account, payment.method)
            account = _with_autopay(account, _stopped(account.autopay, "needs_customer", payment.method))
        case "canceled" if current:
            account = _not_made(account, payment, now, policy)
    if current and payment.status != "in_flight":
        account = _with_autopay(account, _set(account.autopay, sequence=account.autopay.sequence + 1))
    return account


def stopped_before_trying(account: Account, now: datetime) -> Account | None:
    """The account with autopay stopped, when its default cannot be charged any more and asking would be in vain: an
    expired card. None when it can.
    """
    method = account.default_method
    if method is None or why_not_usable(method, now, today_of(account, now)) != "expired":
        return None
    return _with_autopay(account, _stopped(account.autopay, "fix_method", method))


def _declined(
    account: Account, payment: Payment, decline_class: DeclineClass, now: datetime, policy: AutopayPolicy
) -> Account:
    method, autopay = payment.method, account.autopay
    if account.default_method != method:
        # An older payment's end, a parked one's say: it tells nothing about the method that is default now.
        return _refused_for_good(account, method) if decline_class == "never_again" else account
    beside = plan_holds(autopay, method) and _others_are_tried(account, payment)
    account = _begun(account, method)
    if decline_class in _STOPS:
        return _with_autopay(_marked(account, payment, counts=True), _stopped(autopay, _STOPS[decline_class], method))
    if plan_holds(autopay, method) and only_the_customer_lifts(autopay):
        return account
    technical = autopay.technical if any(i.tried_on for i in account.open_invoices.values()) else 0
    soon = decline_class == "technical" and technical < policy.technical_retries_max
    account = _marked(account, payment, counts=not soon)
    autopay = _set(autopay, technical=technical + soon, postponed=0, failed_method=method, stopped_reason=None)
    if soon:
        at = now + policy.technical_retry
        if beside and autopay.next_attempt_at is not None:
            # A late answer about an older attempt: what was declined beside it keeps its day.
            at = max(at, autopay.next_attempt_at)
        return _with_autopay(account, _set(autopay, next_attempt_at=at))
    return _retried(account, autopay, payment, now, policy)


def _one_decline_more(autopay: Autopay, today: date) -> Autopay:
    before = autopay.declines_that_day if autopay.declined_on == today else 0
    return _set(autopay, declined_on=today, declines_that_day=before + 1)


_STOPS: Mapping[DeclineClass, StoppedReason] = {
    "fix_method": "fix_method",
    "needs_customer": "needs_customer",
    "never_again": "never_again",
}


def _begun(account: Account, method: MethodSnapshot) -> Account:
    """The account when its plan becomes this method's. Was it another's before, or was autopay switched on since, what
    was given up calls for an attempt again. Another card has as many as the one before it, and so has one whose facts
    were mended after they were wrong.
    """
    autopay, before = account.autopay, account.autopay.failed_method
    if plan_holds(autopay, method):
        return account
    fresh: dict[str, object] = {"given_up": False}
    is_another = before is not None and before.fingerprint != method.fingerprint
    if is_another or autopay.stopped_reason == "fix_method":
        fresh |= {"tried_on": None, "declines": 0}
    open_invoices = {i: _set_invoice(invoice, **fresh) for i, invoice in account.open_invoices.items()}
    return account.model_copy(update={"open_invoices": open_invoices})


def _retried(account: Account, autopay: Autopay, payment: Payment, now: datetime, policy: AutopayPolicy) -> Account:
    """With the retry planned, and given up what has none left: each invoice is tried once and on its retry days, no
    more, whatever else was tried beside it.
    """
    retry_days = policy.retry_days.get(payment.method.kind, ())
    tried = {i: invoice for i, invoice in _tried(account, payment).items() if not invoice.given_up}
    again = {i: invoice for i, invoice in tried.items() if invoice.declines <= len(retry_days)}
    day = _retry_day(account, again, payment, now, retry_days)
    lost = {i: _set_invoice(invoice, given_up=True) for i, invoice in tried.items() if not day or i not in again}
    account = account.model_copy(update={"open_invoices": account.open_invoices | lost})
    if day is not None:
        at = local_time(day, policy.hour, account.time_zone)
        return _with_autopay(account, _set(autopay, next_attempt_at=at))
    if _others_are_tried(account, payment):
        # What another attempt was for has its retries still, and may be uncovered any moment: not on this day.
        tomorrow = local_time(today_of(account, now) + timedelta(days=1), policy.hour, account.time_zone)
        at = max(autopay.next_attempt_at or tomorrow, tomorrow)
        return _with_autopay(account, _set(autopay, next_attempt_at=at))
    if not any(invoice.given_up for invoice in account.open_invoices.values()):
        # What it was for was voided or paid meanwhile: nothing has run out.
        return _with_autopay(account, _set(autopay, next_attempt_at=None))
    return _with_autopay(account, _stopped(autopay, "retries_exhausted", payment.method))


def _retry_day(
    account: Account,
    again: Mapping[str, OpenInvoice],
    payment: Payment,
    now: datetime,
    retry_days: Sequence[int],
) -> date | None:
    """The next retry day of what was tried last of these; None: there is none left. Days that passed unused are over,
    unless they passed while the bank thought about the attempt: then the retry comes the day after its answer.
    """
    today, tried_on = today_of(account, now), today_of(account, payment.reserved_at)
    first = max((invoice.tried_on for invoice in again.values() if invoice.tried_on), default=None)
    if first is None:
        return None
    days = [first + timedelta(days=after) for after in retry_days]
    if tried_on < today:
        unused = days[min(invoice.declines for invoice in again.values()) - 1 :]
        return max(unused[0], today + timedelta(days=1))
    return next((day for day in days if day > today), None)


def _tried(account: Account, payment: Payment) -> dict[str, OpenInvoice]:
    """What the attempt was for and is open still. With more due than one payment holds, all that was due with it and no
    other payment is for.
    """
    paid = {part.invoice_id for part in payment.allocations}
    left_out = {i for i, _, _ in uncovered(account)} if payment.left_out_invoices else set()
    tried_on = today_of(account, payment.reserved_at)
    return {
        invoice_id: invoice
        for invoice_id, invoice in account.open_invoices.items()
        if invoice_id in paid or (invoice_id in left_out and invoice.due_on <= tried_on)
    }


def _others_are_tried(account: Account, payment: Payment) -> bool:
    """Whether retries are planned for what this attempt was not for."""
    tried = _tried(account, payment)
    return any(i.tried_on and not i.given_up and name not in tried for name, i in account.open_invoices.items())


def _marked(account: Account, payment: Payment, *, counts: bool) -> Account:
    """With the decline noted at what it was for."""
    on = today_of(account, payment.reserved_at)
    marks = {
        invoice_id: _set_invoice(invoice, tried_on=invoice.tried_on or on, declines=invoice.declines + counts)
        for invoice_id, invoice in _tried(account, payment).items()
    }
    return account.model_copy(update={"open_invoices": account.open_invoices | marks})


def _refused_for_good(account: Account, method: MethodSnapshot) -> Account:
    """Whoever tried: a card scheme allows no further attempt with this method."""
    default, autopay = account.default_method, account.autopay
    if autopay.enabled and default is not None and default.fingerprint == method.fingerprint:
        return _with_autopay(account, _stopped(autopay, "never_again", default))
    return _with_autopay(account, _set(autopay, refused_fingerprints=_with_refused(autopay, method)))


def _not_made(account: Account, payment: Payment, now: datetime, policy: AutopayPolicy) -> Account:
    """The attempt took nothing and nobody said no: it counts as no decline, and comes again after a while, at last once
    a day. Without the wait every run of an outage would try every account. A stop that came meanwhile stays.
    """
    method, autopay = payment.method, account.autopay
    if account.default_method != method or (plan_holds(autopay, method) and only_the_customer_lifts(autopay)):
        return account
    account = _begun(account, method)
    postponed, at = autopay.postponed + 1, now + policy.technical_retry
    if postponed > policy.technical_retries_max:
        at = local_time(today_of(account, now) + timedelta(days=1), policy.hour, account.time_zone)
    again = _set(autopay, next_attempt_at=at, failed_method=method, stopped_reason=None, postponed=postponed)
    return _with_autopay(account, again)


def _recovered(account: Account, payment: Payment, now: datetime) -> Account:
    """Money came. With nothing due left, all is forgotten, whoever paid. A stop that only the customer can lift stays
    when the money came another way: that card is still the wrong one.
    """
    today = today_of(account, now)
    failed = account.autopay.failed_method
    if payment.trigger == "autopay" and failed is not None and failed.fingerprint == payment.method.fingerprint:
        account = _working_again(account, failed)
    if any(invoice.due_on <= today for invoice in account.open_invoices.values()):
        return account
    before, autopay = account.autopay, autopay_anew(account.autopay)
    if (
        before.stopped_reason in ("fix_method", "needs_customer")
        and failed is not None
        and failed.fingerprint != payment.method.fingerprint
    ):
        autopay = _set(autopay, stopped_reason=before.stopped_reason, failed_method=failed)
    return _with_autopay(account, autopay)


def _working_again(account: Account, method: MethodSnapshot) -> Account:
    """After the method that was declined has paid, and nobody had to ask for it: what waited for its holder goes on,
    and what was given up earns one more attempt, but no bank debit, which may be presented three times in all (Nacha,
    SEPA).
    """
    autopay = account.autopay
    reason = None if autopay.stopped_reason == "needs_customer" else autopay.stopped_reason
    if method.kind != "bank_debit":
        open_invoices = {i: _set_invoice(invoice, given_up=False) for i, invoice in account.open_invoices.items()}
        account = account.model_copy(update={"open_invoices": open_invoices})
    return _with_autopay(account, _set(autopay, stopped_reason=reason))


def _stopped(autopay: Autopay, reason: StoppedReason, method: MethodSnapshot) -> Autopay:
    return _set(
        autopay,
        stopped_reason=reason,
        failed_method=method,
        next_attempt_at=None,
        technical=0,
        postponed=0,
        refused_fingerprints=_with_refused(autopay, method)
        if reason == "never_again"
        else autopay.refused_fingerprints,
    )


def _with_refused(autopay: Autopay, method: MethodSnapshot) -> tuple[str, ...]:
    refused = autopay.refused_fingerprints
    return refused if method.fingerprint in refused else (*refused, method.fingerprint)[-_REFUSED_MAX:]


_REFUSED_MAX = 100
"""As many as an account may hold methods at most: more are of cards that are gone."""


def _set(autopay: Autopay, **values: object) -> Autopay:
    return autopay.model_copy(update=values)


def _set_invoice(invoice: OpenInvoice, **values: object) -> OpenInvoice:
    return invoice.model_copy(update=values)


def _with_autopay(account: Account, autopay: Autopay) -> Account:
    return account.model_copy(update={"autopay": autopay})
