"""Subscriptions on the wire."""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from chalicelib.core.clock import Instant
from chalicelib.core.money import Currency, PositiveMinorUnits
from chalicelib.http.schemas import ONE_LINE, BillingDay, RequestBody, Wire, stated
from chalicelib.subscriptions.models import Interval, Subscription


class CreateSubscriptionBody(RequestBody):
    """A subscription to create. The first invoice is issued on `starts_on` (default: today) and due after the terms.

    `amount_minor` is the price of a period of `interval`; `other_amount_minor` that of the other interval, should the
    customer change to it. Left out, it costs the same a month: twelve times as much a year, or a twelfth, rounded up.
    """

    plan: Annotated[str, Field(min_length=1, max_length=200, pattern=ONE_LINE, examples=["Team, 10 seats"])]
    amount_minor: Annotated[PositiveMinorUnits, Field(examples=[4900])]
    other_amount_minor: Annotated[PositiveMinorUnits, Field(examples=[49000])] | None = None
    currency: Currency | None = None
    interval: Interval
    starts_on: BillingDay | None = None
    payment_terms_days: Annotated[int, Field(ge=0, le=120)] = 14


class UpdateSubscriptionBody(RequestBody):
    """What to change: the interval from the next renewal on; whether it ends with the present period
    (`cancel_at_period_end`: true does what DELETE does, false undoes it)."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [stated("interval"), stated("cancel_at_period_end")]})

    interval: Interval | None = None
    cancel_at_period_end: bool | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.interval is None and self.cancel_at_period_end is None:
            raise ValueError("state at least one thing to change")
        return self


class SubscriptionView(Wire):
    """A subscription. `next_interval` takes over at the next renewal, which costs `next_amount_minor`. One that has
    ended, or ends with the present period, has no next renewal: day and amount are null, and `ends_on` is the first day
    without it."""

    subscription_id: str
    account_id: str
    plan: str
    amount_minor: int
    other_amount_minor: int
    next_amount_minor: int | None
    currency: str
    interval: Interval
    next_interval: Interval
    next_renewal_on: date | None
    ends_on: date | None
    payment_terms_days: int
    status: Literal["active", "canceled"]
    cancel_at_period_end: bool
    created_at: Instant

    @classmethod
    def of(cls, subscription: Subscription) -> Self:
        fields = subscription.model_dump(include=set(cls.model_fields))
        goes_on, period_ends_on = subscription.goes_on, fields.pop("next_renewal_on")
        return cls(
            **fields,
            next_renewal_on=period_ends_on if goes_on else None,
            next_amount_minor=subscription.next_amount_minor if goes_on else None,
            ends_on=None if goes_on else period_ends_on,
        )


class SubscriptionList(Wire):
    items: tuple[SubscriptionView, ...]
    next_cursor: str | None
