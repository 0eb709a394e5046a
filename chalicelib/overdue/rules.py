"""Pure decisions about what is overdue: the next notice, suspension after grace. Never two stages at once."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from chalicelib.accounts.models import Account, Overdue
from chalicelib.accounts.rules import covered_by_invoice, suspended, today_of
from chalicelib.core.clock import days_after, local_midnight


@dataclass(frozen=True)
class OverduePolicy:
    """The stage's choices, in days after the due date: a notice on each of `notice_days`, suspension after
    `grace_days`.
    """

    notice_days: tuple[int, ...]
    grace_days: int


@dataclass(frozen=True)
class Step:
    """What is to happen to an account next, from which day on."""

    action: Literal["notice", "suspend"]
    on: date


def due_at(account: Account, policy: OverduePolicy) -> datetime | None:
    """The instant from which the account's next step is to be taken; None while there is none."""
    step = next_step(account, policy)
    return local_midnight(step.on, account.time_zone) if step else None


def next_step(account: Account, policy: OverduePolicy) -> Step | None:
    """The next step and its day: counted from the oldest grace of what is escalating (open and covered by no pending
    payment), at least a day after the one before. Nobody is suspended before the next automatic attempt was made.
    None: nothing escalates, services are suspended, or exempt."""
    since = _oldest_grace(account)
    if since is None or account.overdue.exempt or account.services.status == "suspended":
        return None
    noticed_on = _noticed_on(account, since)
    notices = len(noticed_on)
    earliest = days_after(noticed_on[-1], 1) if noticed_on else since
    if notices < len(policy.notice_days):
        return Step("notice", max(earliest, days_after(since, policy.notice_days[notices])))
    attempt_on = _next_attempt_on(account)
    after_attempt = days_after(attempt_on, 1) if attempt_on else since
    return Step("suspend", max(earliest, days_after(since, policy.grace_days + 1), after_attempt))


def take(account: Account, step: Step, now: datetime) -> Account:
    """The account after the step."""
    if step.action == "suspend":
        return suspended(account, now)
    since = _oldest_grace(account)
    noticed_on = (*(_noticed_on(account, since) if since else ()), today_of(account, now))
    return account.model_copy(update={"overdue": account.overdue.model_copy(update={"noticed_on": noticed_on})})


def _next_attempt_on(account: Account) -> date | None:
    """The day of the retry that autopay plans. Retry days count from a first attempt, which a new card or a later
    invoice may put well after the due date that grace counts from."""
    autopay = account.autopay
    if not autopay.enabled or autopay.next_attempt_at is None or autopay.failed_method != account.default_method:
        return None
    return today_of(account, autopay.next_attempt_at)


def _noticed_on(account: Account, since: date) -> tuple[date, ...]:
    """When notices went out about what escalates now. Those before its grace began were about something paid since:
    counting them would skip a notice.
    """
    return tuple(day for day in account.overdue.noticed_on if day > since)


def _oldest_grace(account: Account) -> date | None:
    covered = covered_by_invoice(account)
    return min(
        (
            invoice.grace_from
            for invoice_id, invoice in account.open_invoices.items()
            if invoice.remaining_minor > covered.get(invoice_id, 0)
        ),
        default=None,
    )


def exempted(overdue: Overdue, *, exempt: bool) -> Overdue:
    return overdue.model_copy(update={"exempt": exempt})
