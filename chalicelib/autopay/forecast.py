"""What autopay will charge when, with what, and what would make it fail. Pure."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from chalicelib.accounts.models import Account, StoppedReason
from chalicelib.accounts.rules import plan_holds, today_of, uncovered
from chalicelib.autopay.rules import AutopayPolicy, next_attempt_at, to_try
from chalicelib.core.clock import local_date, local_time
from chalicelib.payment_methods.models import MethodSnapshot

Health = Literal["ok", "at_risk", "will_fail"]
Problem = Literal[
    "method_expires_before",
    "method_not_yet_usable",
    "declined_before",
    "stopped",
    "refused_for_good",
    "expires_soon",
]

_FATAL: frozenset[Problem] = frozenset({"method_expires_before", "stopped", "refused_for_good"})
EXPIRES_SOON = timedelta(days=30)


@dataclass(frozen=True)
class PlannedCharge:
    """One charge that autopay will make as things stand. No `at`: it will not be made before the customer acts."""

    at: datetime | None
    amount_minor: int
    invoice_ids: tuple[str, ...]
    problems: tuple[Problem, ...]
    health: Health


@dataclass(frozen=True)
class Forecast:
    """All charges planned, soonest first, and the worst of their healths; without any, that of the method itself.
    Nothing is planned while autopay is off. `stopped_reason`: why the default is not charged before something changes.
    """

    enabled: bool
    method: MethodSnapshot | None
    charges: tuple[PlannedCharge, ...]
    health: Health
    stopped_reason: StoppedReason | None = None


def forecast(account: Account, now: datetime, policy: AutopayPolicy) -> Forecast:
    method = account.default_method
    if not account.autopay.enabled or method is None:
        return Forecast(account.autopay.enabled, method, (), "ok")
    charges = tuple(_charges(account, method, now, policy))
    today = today_of(account, now)
    healths = {charge.health for charge in charges} or {_health(_of_the_method(account, method, today))}
    worst: Health = "will_fail" if "will_fail" in healths else "at_risk" if "at_risk" in healths else "ok"
    stopped = account.autopay.stopped_reason if plan_holds(account.autopay, method) else None
    return Forecast(enabled=True, method=method, charges=charges, health=worst, stopped_reason=stopped)


def _charges(account: Account, method: MethodSnapshot, now: datetime, policy: AutopayPolicy) -> list[PlannedCharge]:
    """The next attempt takes all that is due by its day and not given up; what falls due later is charged on its day.
    What was given up is charged by none of them, unless one that goes well earns it another attempt.
    """
    first = next_attempt_at(account, policy)
    if first is not None:
        first = max(first, now)
    first_day = local_date(first, account.time_zone) if first else today_of(account, now)
    taken = to_try(account, first_day) if first else ()
    by_day: dict[date, list[tuple[str, int]]] = {}
    never: list[tuple[str, int]] = []
    for invoice_id, invoice, amount in uncovered(account):
        if first and invoice.due_on > first_day:
            by_day.setdefault(invoice.due_on, []).append((invoice_id, amount))
        elif invoice_id in taken:
            by_day.setdefault(first_day, []).append((invoice_id, amount))
        else:
            never.append((invoice_id, amount))
    charges = [
        _charge(account, method, first if day == first_day else _at(day, account, policy), day, parts)
        for day, parts in sorted(by_day.items())
    ]
    return [*charges, _charge(account, method, None, first_day, never)] if never else charges


def _at(day: date, account: Account, policy: AutopayPolicy) -> datetime:
    return local_time(day, policy.hour, account.time_zone)


def _charge(
    account: Account, method: MethodSnapshot, at: datetime | None, day: date, parts: list[tuple[str, int]]
) -> PlannedCharge:
    problems = _problems(account, method, at, day)
    if plan_holds(account.autopay, method) and any(account.open_invoices[i].tried_on for i, _ in parts):
        problems.append("declined_before")
    return PlannedCharge(
        at=at,
        amount_minor=sum(amount for _, amount in parts),
        invoice_ids=tuple(invoice_id for invoice_id, _ in parts),
        problems=tuple(problems),
        health=_health(problems),
    )


def _health(problems: list[Problem]) -> Health:
    if not problems:
        return "ok"
    return "will_fail" if _FATAL & set(problems) else "at_risk"


def _problems(account: Account, method: MethodSnapshot, at: datetime | None, day: date) -> list[Problem]:
    problems = _of_the_method(account, method, day)
    if at is None and "refused_for_good" not in problems:
        problems.append("stopped")
    if method.usable_from is not None and at is not None and at <= method.usable_from:
        problems.append("method_not_yet_usable")
    return problems


def _of_the_method(account: Account, method: MethodSnapshot, day: date) -> list[Problem]:
    """What is wrong with the method itself, whatever it is to pay."""
    problems: list[Problem] = []
    if method.fingerprint in account.autopay.refused_fingerprints:
        problems.append("refused_for_good")
    if method.last_usable_on is not None:
        if day > method.last_usable_on:
            problems.append("method_expires_before")
        elif day + EXPIRES_SOON > method.last_usable_on:
            problems.append("expires_soon")
    return problems
