"""Subscriptions: what issues an invoice each period."""

from datetime import date
from typing import ClassVar, Literal

from chalicelib.core.clock import Instant
from chalicelib.ledger.models import Record

Interval = Literal["monthly", "annual"]


class Subscription(Record):
    """A subscription.

        table subscriptions: PK account_id, SK subscription_id

    `next_renewal_on` begins the next period and is its invoice's day of issue; `anchor_day` is the day of the month
    it was agreed on, which short months cannot hold but later ones return to. `amount_minor` is the price of a period
    of `interval`, `other_amount_minor` that of the other interval. `next_interval` takes over at the next renewal, with
    its price.
    """

    table: ClassVar[str] = "subscriptions"
    sort_field: ClassVar[str | None] = "subscription_id"

    subscription_id: str
    plan: str
    amount_minor: int
    other_amount_minor: int
    currency: str
    interval: Interval
    next_interval: Interval
    anchor_day: int
    next_renewal_on: date
    payment_terms_days: int
    status: Literal["active", "canceled"] = "active"
    cancel_at_period_end: bool = False
    request_fingerprint: str
    created_at: Instant

    @property
    def goes_on(self) -> bool:
        """Whether another period follows the present one."""
        return self.status == "active" and not self.cancel_at_period_end

    @property
    def next_amount_minor(self) -> int:
        """What the next period costs."""
        return self.amount_minor if self.next_interval == self.interval else self.other_amount_minor
