"""Pure decisions about subscriptions: when a period begins, which invoices are to be issued, what is next."""

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from chalicelib.core.ids import derived_id
from chalicelib.invoices.models import INVOICE_PREFIX, Line
from chalicelib.invoices.rules import InvoiceDraft
from chalicelib.subscriptions.models import Interval, Subscription

_MONTHS: dict[Interval, int] = {"monthly": 1, "annual": 12}


def period_after(day: date, interval: Interval, anchor_day: int) -> date:
    """The first day of the next period: 31 January -> 28 or 29 February -> 31 March."""
    months = day.year * 12 + day.month - 1 + _MONTHS[interval]
    year, month = divmod(months, 12)
    return date(year, month + 1, min(anchor_day, calendar.monthrange(year, month + 1)[1]))


def price_of_the_other_interval(amount_minor: int, interval: Interval) -> int:
    """The same price a month, unless another was agreed: twelve times as much for a year, a twelfth rounded up for a
    month."""
    return 12 * amount_minor if interval == "monthly" else -(-amount_minor // 12)


@dataclass(frozen=True)
class Renewal:
    """One period of one subscription: its invoice, and the subscription afterwards. No invoice: it ended here."""

    invoice: InvoiceDraft | None
    subscription: Subscription


def renewals_due(subscriptions: Sequence[Subscription], today: date, most: int) -> list[Renewal]:
    """Every period that has begun by `today` and has no invoice yet, oldest first, at most `most`.

    A period's invoice is named by account, subscription and period, so issuing it twice meets itself.
    """
    standing = {subscription.subscription_id: subscription for subscription in subscriptions}
    renewals: list[Renewal] = []
    while len(renewals) < most:
        due = [s for s in standing.values() if s.status == "active" and s.next_renewal_on <= today]
        if not due:
            break
        first = min(due, key=lambda s: (s.next_renewal_on, s.subscription_id))
        renewal = _renew(first, today)
        standing[first.subscription_id] = renewal.subscription
        renewals.append(renewal)
    return renewals


def next_renewal_on(subscriptions: Sequence[Subscription]) -> date | None:
    """The earliest renewal of those that still run."""
    return min((s.next_renewal_on for s in subscriptions if s.status == "active"), default=None)


def _renew(subscription: Subscription, today: date) -> Renewal:
    begins = subscription.next_renewal_on
    if subscription.cancel_at_period_end:
        return Renewal(None, subscription.model_copy(update={"status": "canceled"}))
    interval, amount_minor = subscription.next_interval, subscription.next_amount_minor
    due_on = begins + timedelta(days=subscription.payment_terms_days)
    ends = period_after(begins, interval, subscription.anchor_day)
    suffix = derived_id("inv", subscription.account_id, "renewal", subscription.subscription_id, begins.isoformat())
    draft = InvoiceDraft(
        invoice_id=f"{INVOICE_PREFIX}{begins:%Y%m%d}_{suffix.removeprefix(INVOICE_PREFIX)}",
        lines=[
            Line(
                description=f"{subscription.plan}, {begins.isoformat()} - {(ends - timedelta(days=1)).isoformat()}",
                quantity=1,
                unit_amount_minor=amount_minor,
                amount_minor=amount_minor,
            )
        ],
        issued_on=begins,
        due_on=due_on,
        # Issued late, because our runs were late: nobody is chased for days on which there was no invoice.
        grace_from=max(due_on, today),
    )
    changes: dict[str, object] = {"interval": interval, "next_renewal_on": ends}
    if interval != subscription.interval:
        changes |= {"amount_minor": amount_minor, "other_amount_minor": subscription.amount_minor}
    return Renewal(draft, subscription.model_copy(update=changes))
