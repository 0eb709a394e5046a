"""Pure decisions of autopay: when an account is due, and what an attempt pays."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from chalicelib.accounts.models import Account, Autopay, OpenInvoice
from chalicelib.accounts.rules import plan_holds, today_of, uncovered
from chalicelib.core.clock import local_time
from chalicelib.payment_methods.models import MethodKind, MethodSnapshot
from chalicelib.payments.models import payment_id_of


@dataclass(frozen=True)
class AutopayPolicy:
    """The stage's choices. `hour`: of the account's local day, when what falls due that day is charged. `retry_days`:
    after a decline that may pass, the days after an invoice's first attempt on which it is tried again, by kind of
    method. `technical_retry`: the wait after a decline that is nobody's fault, at most `technical_retries_max` times
    until the retries end, and after an attempt that provably took nothing, as often in a row: from then on it is made
    once a day. After `declines_per_day` declines on one day, what the customer changes earns an attempt on the next day
    only. With `pending_max` payments pending an account takes no further one.
    """

    hour: int
    retry_days: Mapping[MethodKind, tuple[int, ...]]
    technical_retry: timedelta
    technical_retries_max: int
    declines_per_day: int
    pending_max: int


def due_at(account: Account, policy: AutopayPolicy) -> datetime | None:
    """The instant from which the account is to be charged; None while there is nothing to do. Never earlier than work
    is possible, and for ever in the past while it is undone: nothing due is too old to be found.

    One attempt at a time: while the outcome of one is unknown there is no next, and the commit that tells it says when
    that is. What a bank works on for days, or a person looks into, holds up nothing but the invoices it covers, until
    they are so many that the account takes no further payment.
    """
    if len(account.pending) >= policy.pending_max:
        return None
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
    autopay = account.autopay
    if plan_holds(autopay, method) and autopay.next_attempt_at is not None:
        moments.append(autopay.next_attempt_at)
    elif autopay.declined_on is not None and autopay.declines_that_day >= policy.declines_per_day:
        moments.append(local_time(autopay.declined_on + timedelta(days=1), policy.hour, account.time_zone))
    moments += [until for key, until in account.cooldowns.items() if key in ("account", method.fingerprint)]
    if method.usable_from is not None:
        moments.append(method.usable_from)
    return max(moments)


def invoices_due(account: Account, now: datetime, policy: AutopayPolicy) -> tuple[str, ...]:
    """What an attempt made now pays, oldest due first: all that is due and uncovered, today's included. Empty: no
    attempt.
    """
    at = due_at(account, policy)
    return () if at is None or at > now else to_try(account, today_of(account, now))


def to_try(account: Account, day: date) -> tuple[str, ...]:
    """What an attempt on that day pays, oldest due first: all that is due and uncovered, but for what was given up with
    this method. A debt it cannot pay must not sink what it can, and is never presented more often than agreed.
    """
    return tuple(i for i, invoice in _called_for(account, account.default_method) if invoice.due_on <= day)


def attempt_id(account: Account) -> str:
    """The payment that the account's next attempt makes, or has made already."""
    return payment_id_of(account.account_id, "autopay", str(account.autopay.sequence))


def _first_due(account: Account, method: MethodSnapshot) -> date | None:
    """The day from which an attempt is called for; None: none is.

    An invoice that was given up calls for none. A stop that is not the retries' end lasts until the customer changes
    something.
    """
    if plan_holds(account.autopay, method) and only_the_customer_lifts(account.autopay):
        return None
    return min((invoice.due_on for _, invoice in _called_for(account, method)), default=None)


def _called_for(account: Account, method: MethodSnapshot | None) -> list[tuple[str, OpenInvoice]]:
    """What is uncovered and has attempts left with the method, oldest due first."""
    holds = plan_holds(account.autopay, method)
    return [(i, invoice) for i, invoice, _ in uncovered(account) if not (holds and invoice.given_up)]


def only_the_customer_lifts(autopay: Autopay) -> bool:
    """Whether autopay is stopped for a reason that neither time nor a later invoice takes away."""
    return autopay.stopped_reason not in (None, "retries_exhausted")
