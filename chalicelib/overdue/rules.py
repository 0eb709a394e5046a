"""Pure decisions about what is overdue: the next notice, suspension after grace. Never two stages at once."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from chalicelib.accounts.models import Account, OpenInvoice, Overdue
from chalicelib.accounts.rules import plan_holds, suspended, today_of, uncovered
from chalicelib.core.clock import days_after, local_midnight


@dataclass(frozen=True)
class OverduePolicy:
    """The stage's choices, in days after the due date: a notice on each of `notice_days`, suspension after
    `grace_days`, or after a retry that is planned for later, which puts it off by `put_off_days` at most, and not at
    all once it was postponed more than `postponed_max` times because the gateway could not be reached.
    """

    notice_days: tuple[int, ...]
    grace_days: int
    put_off_days: int
    postponed_max: int = 0


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
    payment), at least a day after the one before. Nobody is suspended for an invoice that a planned retry is to pay.
    None: nothing escalates, services are suspended, or exempt."""
    since = _oldest_grace(account)
    if since is None or account.overdue.exempt or account.services.status == "suspended":
        return None
    noticed_on = _noticed_on(account, since)
    notices = len(noticed_on)
    earliest = days_after(noticed_on[-1], 1) if noticed_on else since
    if notices < len(policy.notice_days):
        return Step("notice", max(earliest, days_after(since, policy.notice_days[notices])))
    retry_on = _retry_planned_on(account, policy)
    suspend_on = min(_day_of_suspension(invoice, retry_on, policy) for _, invoice, _ in uncovered(account))
    return Step("suspend", max(earliest, suspend_on))


def take(account: Account, step: Step, now: datetime) -> Account:
    """The account after the step."""
    if step.action == "suspend":
        return suspended(account, now)
    since = _oldest_grace(account)
    noticed_on = (*(_noticed_on(account, since) if since else ()), today_of(account, now))
    return account.model_copy(update={"overdue": account.overdue.model_copy(update={"noticed_on": noticed_on})})


def _retry_planned_on(account: Account, policy: OverduePolicy) -> date | None:
    """The day of the retry that autopay plans. Retry days count from a first attempt, which a new card may put well
    after the due date that grace counts from. Attempts that are never made hold up nothing."""
    autopay = account.autopay
    if autopay.postponed > policy.postponed_max or not plan_holds(autopay, account.default_method):
        return None
    planned = autopay.next_attempt_at if autopay.enabled else None
    return today_of(account, planned) if planned else None


def _day_of_suspension(invoice: OpenInvoice, retry_on: date | None, policy: OverduePolicy) -> date:
    """After its grace, or the day after its retry. What was given up has none: a younger invoice's retries put nothing
    off. Nor do those of one card after another put it off for ever.
    """
    after_grace = days_after(invoice.grace_from, policy.grace_days + 1)
    if retry_on is None or invoice.given_up:
        return after_grace
    return max(after_grace, min(days_after(retry_on, 1), days_after(after_grace, policy.put_off_days)))


def _noticed_on(account: Account, since: date) -> tuple[date, ...]:
    """When notices went out about what escalates now. Those before its grace began were about something paid since:
    counting them would skip a notice.
    """
    return tuple(day for day in account.overdue.noticed_on if day > since)


def _oldest_grace(account: Account) -> date | None:
    return min((invoice.grace_from for _, invoice, _ in uncovered(account)), default=None)


def exempted(overdue: Overdue, *, exempt: bool) -> Overdue:
    return overdue.model_copy(update={"exempt": exempt})
