"""Subscriptions: created by an operator, changed and canceled by the customer."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from chalicelib.accounts.models import Account
from chalicelib.accounts.rules import today_of
from chalicelib.activity.models import Actor
from chalicelib.activity.rules import logged
from chalicelib.core.clock import Clock
from chalicelib.core.errors import Invalid, NotFound
from chalicelib.core.ids import derived_id
from chalicelib.core.money import MINOR_MAX
from chalicelib.core.paging import Page, cut_page, read_cursor
from chalicelib.ledger.models import Change, FieldSet, Key, Stale
from chalicelib.ledger.port import Attempts, LedgerPort, until_committed
from chalicelib.subscriptions.models import Interval, Subscription
from chalicelib.subscriptions.renewals import Renewals
from chalicelib.subscriptions.rules import price_of_the_other_interval


@dataclass(frozen=True)
class SubscribeRequest:
    """A subscription an operator wants created. `starts_on` begins the first period; None: today for this customer.
    `other_amount_minor` is the price of the other interval; None: the same a month.
    """

    account_id: str
    key: str
    request_fingerprint: str
    actor: Actor
    plan: str
    amount_minor: int
    interval: Interval
    payment_terms_days: int
    other_amount_minor: int | None = None
    starts_on: date | None = None
    currency: str | None = None


class Subscriptions:
    def __init__(
        self, ledger: LedgerPort, clock: Clock, renewals: Renewals, subscriptions_max: int, attempts: Attempts
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._renewals = renewals
        self._subscriptions_max = subscriptions_max
        self._attempts = attempts

    def create(self, request: SubscribeRequest) -> tuple[Subscription, bool]:
        """Creates it, or answers the one this request created before; the flag says which (True: before). The renewals
        sweep issues the first invoice on the day the first period begins."""
        subscription_id = derived_id("sub", request.account_id, "subscription", request.key)

        def created() -> tuple[Subscription, bool]:
            account, standing = self._read(request.account_id, subscription_id)
            if standing is not None:
                if standing.request_fingerprint != request.request_fingerprint:
                    raise Invalid("key_reused", subscription_id=subscription_id)
                return standing, True
            subscription, change = _sold(account, request, subscription_id, self._clock.now(), self._subscriptions_max)
            # May race: the same request sent twice, a renewal. The version decides; the loser finds it created.
            self._ledger.commit(change)
            return subscription, False

        return until_committed(self._attempts, created)

    def change(
        self, account_id: str, subscription_id: str, actor: Actor, *, interval: Interval | None, cancel: bool | None
    ) -> Subscription:
        """Sets the interval from the next renewal on, or whether it ends with the present period (False undoes it).
        Periods that have begun and have no invoice yet are billed first, as they were agreed. Doing it again changes
        nothing. Raises Invalid("subscription_canceled") for one that has ended."""

        def changed() -> Subscription:
            account, subscription = self._read(account_id, subscription_id)
            if subscription is None:
                raise NotFound("not_found")
            values: dict[str, Any] = {}
            if interval is not None and interval != subscription.next_interval:
                values["next_interval"] = interval
            if cancel is not None and cancel != subscription.cancel_at_period_end:
                values["cancel_at_period_end"] = cancel
            if not values:
                return subscription
            if subscription.status == "canceled":
                raise Invalid("subscription_canceled", subscription_id=subscription_id)
            now = self._clock.now()
            if subscription.next_renewal_on <= today_of(account, now):
                self._renewals.renew(account_id)
                raise Stale(account_id)
            after = subscription.model_copy(update=values)
            account, entry = logged(
                account,
                "subscription.changed",
                actor,
                now,
                subscription_id=subscription_id,
                next_interval=values.get("next_interval"),
                cancel_at_period_end=values.get("cancel_at_period_end"),
                next_amount_minor=after.next_amount_minor if after.goes_on else None,
                currency=after.currency if after.goes_on else None,
            )
            # May race: the renewal itself. The version decides; the loser reads the subscription as renewed.
            self._ledger.commit(Change(account, puts=(entry,), sets=(FieldSet(subscription.key(), values),)))
            return after

        # More attempts than elsewhere: billing what has begun takes some, when runs were missed for long.
        return until_committed(replace(self._attempts, most=self._attempts.most + 5), changed)

    def get(self, account_id: str, subscription_id: str) -> Subscription:
        _, subscription = self._read(account_id, subscription_id)
        if subscription is None:
            raise NotFound("not_found")
        return subscription

    def list(self, account_id: str, *, limit: int, cursor: str | None) -> Page[Subscription]:
        position = read_cursor(cursor, 1)
        if self._ledger.get(Key(Account, account_id)) is None:
            raise NotFound("not_found")
        found = self._ledger.records(Subscription, account_id, limit=limit + 1, after=position[0] if position else None)
        return cut_page(found, limit, lambda subscription: subscription.subscription_id)

    def _read(self, account_id: str, subscription_id: str) -> tuple[Account, Subscription | None]:
        account, subscription = self._ledger.read(
            Key(Account, account_id), Key(Subscription, account_id, subscription_id)
        )
        if account is None:
            raise NotFound("not_found")
        return account, subscription


def _sold(
    account: Account, request: SubscribeRequest, subscription_id: str, now: datetime, subscriptions_max: int
) -> tuple[Subscription, Change[Account]]:
    """The subscription and the change that creates it. Raises Invalid for what this account cannot be sold."""
    if request.currency not in (None, account.currency):
        raise Invalid("wrong_currency", currency=account.currency)
    if account.subscription_count >= subscriptions_max:
        raise Invalid("limit_reached", what="subscriptions", limit=subscriptions_max)
    starts_on = request.starts_on or today_of(account, now)
    if starts_on < today_of(account, now):
        raise Invalid("starts_in_the_past", starts_on=starts_on.isoformat())
    other = request.other_amount_minor or price_of_the_other_interval(request.amount_minor, request.interval)
    if other > MINOR_MAX:
        raise Invalid("invoice_total", total_minor=other, max_minor=MINOR_MAX, currency=account.currency)
    subscription = Subscription(
        account_id=account.account_id,
        subscription_id=subscription_id,
        plan=request.plan,
        amount_minor=request.amount_minor,
        other_amount_minor=other,
        currency=account.currency,
        interval=request.interval,
        next_interval=request.interval,
        anchor_day=starts_on.day,
        next_renewal_on=starts_on,
        payment_terms_days=request.payment_terms_days,
        request_fingerprint=request.request_fingerprint,
        created_at=now,
    )
    sold = {
        "subscription_count": account.subscription_count + 1,
        "next_renewal_on": min(account.next_renewal_on or starts_on, starts_on),
    }
    account, entry = logged(
        account.model_copy(update=sold),
        "subscription.created",
        request.actor,
        now,
        subscription_id=subscription_id,
        plan=request.plan,
        amount_minor=request.amount_minor,
        other_amount_minor=other,
        currency=account.currency,
        interval=request.interval,
        starts_on=starts_on.isoformat(),
    )
    return subscription, Change(account, puts=(subscription, entry))
