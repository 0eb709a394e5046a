"""Subscriptions: created by an operator, changed and canceled by the customer, renewed by a sweep."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from chalicelib.accounts.models import BY_RENEWALS, Account
from chalicelib.accounts.rules import today_of
from chalicelib.activity.models import PAYDESK, Actor
from chalicelib.activity.rules import logged
from chalicelib.core.clock import Clock
from chalicelib.core.errors import Invalid, NotFound
from chalicelib.core.ids import derived_id
from chalicelib.core.paging import Page, cut_page, read_cursor
from chalicelib.invoices.rules import issue
from chalicelib.ledger.models import Change, FieldSet, Index, Key, Record
from chalicelib.ledger.port import Attempts, LedgerPort, until_committed
from chalicelib.subscriptions.models import Interval, Subscription
from chalicelib.subscriptions.rules import next_renewal_on, renewals_due
from chalicelib.sweeps.models import SweepName, Tally

SUBSCRIPTIONS_MAX = 50
"""Of one account: a renewal reads them all."""
RENEWALS_PER_COMMIT = 30
"""Each writes an invoice, an activity entry and its subscription; a transaction takes 100 items."""


@dataclass(frozen=True)
class SubscribeRequest:
    """A subscription an operator wants created. `starts_on` begins the first period; None: today for this customer."""

    account_id: str
    key: str
    request_fingerprint: str
    actor: Actor
    plan: str
    amount_minor: int
    interval: Interval
    payment_terms_days: int
    starts_on: date | None = None
    currency: str | None = None


class Subscriptions:
    def __init__(self, ledger: LedgerPort, clock: Clock, attempts: Attempts) -> None:
        self._ledger = ledger
        self._clock = clock
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
            if request.currency not in (None, account.currency):
                raise Invalid("wrong_currency", currency=account.currency)
            if account.subscription_count >= SUBSCRIPTIONS_MAX:
                raise Invalid("limit_reached", what="subscriptions", limit=SUBSCRIPTIONS_MAX)
            now = self._clock.now()
            starts_on = request.starts_on or today_of(account, now)
            if starts_on < today_of(account, now):
                raise Invalid("starts_in_the_past", starts_on=starts_on.isoformat())
            subscription = Subscription(
                account_id=account.account_id,
                subscription_id=subscription_id,
                plan=request.plan,
                amount_minor=request.amount_minor,
                currency=account.currency,
                interval=request.interval,
                next_interval=request.interval,
                anchor_day=starts_on.day,
                next_renewal_on=starts_on,
                payment_terms_days=request.payment_terms_days,
                request_fingerprint=request.request_fingerprint,
                created_at=now,
            )
            account, entry = logged(
                account.model_copy(
                    update={
                        "subscription_count": account.subscription_count + 1,
                        "next_renewal_on": min(account.next_renewal_on or starts_on, starts_on),
                    }
                ),
                "subscription.created",
                request.actor,
                now,
                subscription_id=subscription_id,
                plan=request.plan,
                amount_minor=request.amount_minor,
                currency=account.currency,
                interval=request.interval,
                starts_on=starts_on.isoformat(),
            )
            # May race: the same request sent twice, a renewal. The version decides; the loser finds it created.
            self._ledger.commit(Change(account, puts=(subscription, entry)))
            return subscription, False

        return until_committed(self._attempts, created)

    def change(
        self, account_id: str, subscription_id: str, actor: Actor, *, interval: Interval | None, cancel: bool | None
    ) -> Subscription:
        """Sets the interval from the next renewal on, or whether it ends with the present period (False undoes it).
        Doing it again changes nothing. Raises Invalid("subscription_canceled") for one that has ended."""

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
            account, entry = logged(
                account,
                "subscription.changed",
                actor,
                self._clock.now(),
                subscription_id=subscription_id,
                next_interval=values.get("next_interval"),
                cancel_at_period_end=values.get("cancel_at_period_end"),
            )
            # May race: the renewal itself. The version decides; the loser reads the subscription as renewed.
            self._ledger.commit(Change(account, puts=(entry,), sets=(FieldSet(subscription.key(), values),)))
            return subscription.model_copy(update=values)

        return until_committed(self._attempts, changed)

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


class RenewalsSweep:
    """Sweep: issues the invoices of all periods that have begun, all of an account in one commit."""

    name: SweepName = "renewals"
    index: Index = BY_RENEWALS

    def __init__(self, ledger: LedgerPort, clock: Clock, attempts: Attempts, open_invoices_alarm: int) -> None:
        self._ledger = ledger
        self._clock = clock
        self._attempts = attempts
        self._open_invoices_alarm = open_invoices_alarm

    def handle(self, account_id: str) -> Tally:
        return until_committed(self._attempts, lambda: self._renew(account_id))

    def _renew(self, account_id: str) -> Tally:
        account = self._ledger.get(Key(Account, account_id))
        if account is None:
            return Tally()
        # After the account, never before: an older subscription would bill a period twice.
        subscriptions = self._ledger.records(Subscription, account_id, limit=SUBSCRIPTIONS_MAX)
        now = self._clock.now()
        renewals = renewals_due(subscriptions, today_of(account, now), RENEWALS_PER_COMMIT)
        puts: list[Record] = []
        standing = {subscription.subscription_id: subscription for subscription in subscriptions}
        issued = Tally()
        for renewal in renewals:
            standing[renewal.subscription.subscription_id] = renewal.subscription
            if renewal.invoice is not None:
                invoice, change = issue(account, renewal.invoice, PAYDESK, now, None)
                account = change.account
                puts += change.puts
                issued += Tally({"issued": 1}, {f"issued:{invoice.currency}": invoice.total_minor})
            else:
                account, entry = logged(
                    account,
                    "subscription.ended",
                    PAYDESK,
                    now,
                    subscription_id=renewal.subscription.subscription_id,
                )
                puts.append(entry)
                issued += Tally({"ended": 1})
        next_on = next_renewal_on(list(standing.values()))
        if not renewals and next_on == account.next_renewal_on:
            return Tally()
        if len(account.open_invoices) > self._open_invoices_alarm:
            issued += Tally({"too_many_open_invoices": 1})
        account = account.model_copy(update={"next_renewal_on": next_on})
        # May race: a change of interval, a cancellation, another message. The version decides; the loser reads again,
        # and a period that was billed meanwhile has moved on.
        self._ledger.commit(Change(account, puts=tuple(puts), sets=tuple(_renewed(subscriptions, standing))))
        return issued


def _renewed(before: Sequence[Subscription], after: dict[str, Subscription]) -> list[FieldSet]:
    """The subscriptions that changed, each set once however many of its periods began."""
    changed = [after[old.subscription_id] for old in before if after[old.subscription_id] != old]
    names = ("interval", "next_renewal_on", "status")
    return [FieldSet(new.key(), {name: new.item()[name] for name in names}) for new in changed]
