"""What must have happened by the end of a calm round, worked out from invoices, payments, the log and the stage's
settings alone: none of Paydesk's rules is asked, so none can excuse itself. Pure.

It says less than the rules do: where they may wait for one of several reasons, it lets them wait for any of them, and
never longer than the longest.
"""

import calendar
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from chalicelib.activity.models import PAYDESK, ActivityEntry
from chalicelib.invoices.models import Invoice
from chalicelib.payments.models import Payment
from chalicelib.settings import Settings
from chalicelib.subscriptions.models import Subscription
from tests.proof.books import Books

_DAY = timedelta(days=1)
_MONTHS = {"monthly": 1, "annual": 12}
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_LASTS = ("fix_method", "needs_customer", "never_again")
"""Declines after which only the customer can make autopay go on."""


def forgotten(books: Books, subscriptions: Sequence[Subscription], settings: Settings) -> Iterator[str]:
    """What should have been done by now and was not. Right after all schedules ran, with nothing going wrong."""
    case = _Case(books, settings)
    yield from _uncharged(case)
    yield from _unchased(case)
    yield from _parked_early(case)
    yield from _billed_otherwise(case, subscriptions)


@dataclass(frozen=True)
class _Case:
    books: Books
    settings: Settings

    def day(self, moment: datetime) -> date:
        return moment.astimezone(ZoneInfo(self.books.account.time_zone)).date()

    @property
    def today(self) -> date:
        return self.day(self.books.now)

    @property
    def charged_up_to(self) -> date:
        """The latest day whose hour has come."""
        local = self.books.now.astimezone(ZoneInfo(self.books.account.time_zone))
        return self.today if local.hour >= self.settings.collection.autopay_hour else self.today - _DAY

    @property
    def retry_days(self) -> tuple[int, ...]:
        kind = self.books.account.default_method.kind if self.books.account.default_method else "check"
        by_kind: Mapping[str, tuple[int, ...]] = {
            "card": self.settings.collection.retry_days_card,
            "bank_debit": self.settings.collection.retry_days_bank_debit,
            "paypal": self.settings.collection.retry_days_paypal,
        }
        return by_kind.get(kind, ())

    def entries(self, *actions: str) -> list[ActivityEntry]:
        return [entry for entry in self.books.entries if entry.action in actions]

    def unpaid(self) -> list[Invoice]:
        """What nobody pays at present: unpaid, and no pending payment brings all of it."""
        on_the_way: Counter[str] = Counter()
        for payment in self.books.account.pending.values():
            on_the_way.update({part.invoice_id: part.amount_minor for part in payment.allocations})
        return [i for i in self.books.invoices if i.status == "unpaid" and i.remaining_minor > on_the_way[i.invoice_id]]

    def attempts(self) -> list[Payment]:
        """Autopay's, with the default's card and without success, oldest first, since it took money from it last. That
        an older attempt brings money at last says nothing of what was met with since."""
        default = self.books.account.default_method
        card = default.fingerprint if default else None
        ours = [p for p in self.books.payments if p.trigger == "autopay" and p.method.fingerprint == card]
        since = max((p.reserved_at for p in ours if p.status == "succeeded"), default=_LONG_AGO)
        ended = [p for p in ours if p.status != "succeeded" and p.settled_at and p.settled_at >= since]
        return sorted(ended, key=lambda payment: payment.reserved_at)

    def attempts_since_it_is_on(self) -> list[Payment]:
        """With the default as it is: switching autopay off and on earns an attempt, and so does anything new about the
        default, whatever was met with before."""
        default = self.books.account.default_method
        on_at = max((e.at for e in self.entries("payment_settings.changed") if self._switches_on(e)), default=_LONG_AGO)
        same = [attempt for attempt in self.attempts() if attempt.method == default]
        return [attempt for attempt in same if attempt.settled_at and attempt.settled_at >= on_at]

    def _switches_on(self, entry: ActivityEntry) -> bool:
        return bool(entry.facts["autopay_enabled"]) and not self._on(entry)

    def is_on(self) -> bool:
        return self._on(None)

    def _on(self, before: ActivityEntry | None) -> bool:
        """Whether autopay was on before this entry, or is now."""
        switches = [
            bool(entry.facts["autopay_enabled"])
            for entry in self.entries("payment_settings.changed", "payment_method.removed")
            if "autopay_enabled" in entry.facts and (before is None or entry.sequence < before.sequence)
        ]
        return bool(switches) and switches[-1]

    def tried(self, invoice: Invoice) -> list[Payment]:
        """The attempts that were for the invoice, also those that had no place left for all that was due."""
        return [
            attempt
            for attempt in self.attempts()
            if any(part.invoice_id == invoice.invoice_id for part in attempt.allocations)
            or (attempt.left_out_invoices and invoice.due_on <= self.day(attempt.reserved_at))
        ]

    def a_retry_may_be_planned(self) -> bool:
        """Whether the latest attempt is so short ago that the next may not be due yet."""
        attempts = self.attempts_since_it_is_on()
        if not attempts:
            return False
        days = (0, *self.retry_days)
        longest = max([later - earlier for earlier, later in pairwise(days)], default=1)
        latest = max(self.day(attempt.settled_at or attempt.reserved_at) for attempt in attempts)
        return latest + longest * _DAY > self.charged_up_to

    def was_declined_too_often_that_day(self) -> bool:
        """So often on the day whose hour came last that what the customer changed since is tried on the next."""
        ours = [p for p in self.books.payments if p.trigger == "autopay" and p.decline and p.settled_at]
        declined = Counter(self.day(payment.settled_at) for payment in ours if payment.settled_at)
        most = self.settings.collection.declines_per_day
        return any(count >= most for day, count in declined.items() if day >= self.charged_up_to)

    def is_tried_no_more(self, invoice: Invoice) -> bool:
        """Whether it was declined so often that no retry is left, whatever the declines were."""
        most = 1 + len(self.retry_days) + self.settings.collection.technical_retries
        default = self.books.account.default_method
        declined = [a for a in self.tried(invoice) if a.status == "declined" and a.method == default]
        return len(declined) >= most

    def may_be_given_up(self, invoice: Invoice) -> bool:
        """Whether it was declined once and for each retry day, or tried on the last of them: days that passed unused
        are over."""
        tried, since = self.tried(invoice), self.attempts_since_it_is_on()
        # Several may be of one moment, which tells no order.
        if not any(attempt in since for attempt in tried if attempt.reserved_at == tried[-1].reserved_at):
            return False
        if sum(attempt.status == "declined" for attempt in tried) > len(self.retry_days):
            return True
        first, last = self.day(tried[0].reserved_at), self.day(tried[-1].settled_at or tried[-1].reserved_at)
        return last >= first + (self.retry_days or (0,))[-1] * _DAY


def _uncharged(case: _Case) -> Iterator[str]:
    """What is due, autopay is on, and nothing that counts as a reason keeps it from being charged."""
    if not case.is_on() or _may_not_be_charged(case):
        return
    for invoice in case.unpaid():
        if invoice.due_on > case.charged_up_to or case.a_retry_may_be_planned() or case.may_be_given_up(invoice):
            continue
        yield f"{invoice.invoice_id} was due on {invoice.due_on}, autopay is on, and nothing excuses it"


def _may_not_be_charged(case: _Case) -> bool:
    """Whether anything keeps autopay from charging this account at all for now."""
    account, now = case.books.account, case.books.now
    default = account.default_method
    if default is None or default.kind == "check" or (default.usable_from and default.usable_from > now):
        return True
    if default.last_usable_on and default.last_usable_on < case.today:
        return True
    if len(account.pending) >= case.settings.limits.pending or case.was_declined_too_often_that_day():
        return True
    if any(p.trigger == "autopay" and p.status in ("in_flight", "requires_action") for p in account.pending.values()):
        return True
    cooldown = timedelta(seconds=case.settings.cooldown_seconds)
    declined = [payment for payment in case.books.payments if payment.decline and payment.settled_at]
    if any(p.trigger == "manual" and p.settled_at and p.settled_at + cooldown > now for p in declined):
        return True
    same = [payment for payment in declined if payment.method.fingerprint == default.fingerprint]
    if any(payment.decline and payment.decline.decline_class == "never_again" for payment in same):
        return True
    return any(_waits_for_the_customer(attempt) for attempt in case.attempts_since_it_is_on())


def _waits_for_the_customer(attempt: Payment) -> bool:
    """Declined for what only they mend, or given up by them when they were to authenticate it: the gateway had
    answered."""
    if attempt.decline is not None:
        return attempt.decline.decline_class in _LASTS
    return attempt.status == "canceled" and attempt.gateway_reference is not None


def _unchased(case: _Case) -> Iterator[str]:
    """Who owes for long was told on the agreed days and is suspended after grace: one step a day, none forgotten."""
    exemptions = case.entries("suspension_exemption.changed")
    if exemptions and exemptions[-1].facts["exempt"]:
        return
    grace = {invoice.invoice_id: _grace_from(case, invoice) for invoice in case.unpaid()}
    if not grace or case.books.account.services.status == "suspended":
        return
    since, policy = min(grace.values()), case.settings.collection
    notices = [day for day in (case.day(entry.at) for entry in case.entries("overdue.notice")) if day > since]
    if case.today in notices:
        return
    if len(notices) < len(policy.notice_days):
        if case.today >= since + policy.notice_days[len(notices)] * _DAY:
            yield f"nobody was told of what is overdue since {since}, after {len(notices)} notices"
        return
    for invoice in case.unpaid():
        over = grace[invoice.invoice_id] + policy.grace_days * _DAY < case.today
        if over and not _suspension_waits(case, invoice):
            yield f"{invoice.invoice_id} is unpaid, its grace from {grace[invoice.invoice_id]} is over, services go on"


def _grace_from(case: _Case, invoice: Invoice) -> date:
    """The due date; of a period's invoice that came late, the day it came."""
    by_itself = any(
        entry.facts["invoice_id"] == invoice.invoice_id and entry.actor == PAYDESK.subject
        for entry in case.entries("invoice.issued")
    )
    return max(invoice.due_on, case.day(invoice.created_at)) if by_itself else invoice.due_on


def _suspension_waits(case: _Case, invoice: Invoice) -> bool:
    """For a retry that is to pay this invoice."""
    return case.is_on() and case.a_retry_may_be_planned() and not case.is_tried_no_more(invoice)


def _parked_early(case: _Case) -> Iterator[str]:
    """A payment is left to a person after all its checks, never before."""
    all_checks = timedelta(seconds=case.settings.check_schedule_seconds[-1])
    for entry in case.entries("payment.parked"):
        payment = case.books.payment(entry.facts["payment_id"])
        if payment is not None and entry.at < payment.reserved_at + all_checks:
            yield f"{payment.payment_id} was parked before its last check"


def _billed_otherwise(case: _Case, subscriptions: Sequence[Subscription]) -> Iterator[str]:
    """Each period that has begun has one invoice, of the agreed price, due on the agreed day. No other has any."""
    by_itself = {e.facts["invoice_id"] for e in case.entries("invoice.issued") if e.actor == PAYDESK.subject}
    billed = Counter(
        (invoice.issued_on, invoice.total_minor, invoice.due_on)
        for invoice in case.books.invoices
        if invoice.invoice_id in by_itself
    )
    agreed: Counter[tuple[date, int, date]] = Counter()
    for subscription in subscriptions:
        agreed.update(_periods(case, subscription))
    if billed != agreed:
        yield f"periods billed that were not agreed: {billed - agreed}; agreed and not billed: {agreed - billed}"


def _periods(case: _Case, subscription: Subscription) -> Iterator[tuple[date, int, date]]:
    """First day, price and due date of every period that has begun. A change counts from the day after it: a period
    that has begun is billed as it was agreed."""
    changes = [
        entry
        for entry in case.entries("subscription.created", "subscription.changed")
        if entry.facts["subscription_id"] == subscription.subscription_id
    ]
    sold = changes[0].facts
    prices = {sold["interval"]: sold["amount_minor"]}
    prices |= {other: sold["other_amount_minor"] for other in _MONTHS if other != sold["interval"]}
    starts_on, months = date.fromisoformat(sold["starts_on"]), 0
    while (begins := _months_after(starts_on, months)) <= case.today:
        interval, canceled = sold["interval"], False
        for entry in changes[1:]:
            if case.day(entry.at) < begins:
                interval = entry.facts.get("next_interval", interval)
                canceled = entry.facts.get("cancel_at_period_end", canceled)
        if canceled:
            return
        yield begins, prices[interval], begins + subscription.payment_terms_days * _DAY
        months += _MONTHS[interval]


def _months_after(day: date, months: int) -> date:
    """The same day of a later month, or its last."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
