"""Issuing the invoices of all periods that have begun, all of an account in one commit."""

import logging
from collections.abc import Sequence

from chalicelib.accounts.models import BY_RENEWALS, Account
from chalicelib.accounts.rules import today_of
from chalicelib.activity.models import PAYDESK
from chalicelib.activity.rules import logged
from chalicelib.core.clock import Clock
from chalicelib.invoices.rules import issue
from chalicelib.ledger.models import Change, FieldSet, Index, Key, Record
from chalicelib.ledger.port import Attempts, LedgerPort, until_committed
from chalicelib.subscriptions.models import Subscription
from chalicelib.subscriptions.rules import next_renewal_on, renewals_due
from chalicelib.sweeps.models import SweepName, Tally

log = logging.getLogger("paydesk.subscriptions")

RENEWALS_PER_COMMIT = 30
"""Each writes an invoice, an activity entry and its subscription; a transaction takes 100 items."""


class Renewals:
    """`open_invoices_alarm`: with more of them open on an account, somebody is told: no limit keeps a period from being
    billed. So all subscriptions are read that an account counts, also those beyond a limit that was lowered."""

    def __init__(self, ledger: LedgerPort, clock: Clock, open_invoices_alarm: int) -> None:
        self._ledger = ledger
        self._clock = clock
        self._open_invoices_alarm = open_invoices_alarm

    def renew(self, account_id: str) -> Tally:
        """Issues what is due, as much as one commit holds, and says what that was. Raises Stale when the account
        changed meanwhile."""
        account = self._ledger.get(Key(Account, account_id))
        if account is None:
            return Tally()
        # After the account, never before: an older subscription would bill a period twice.
        subscriptions = self._ledger.records(
            Subscription, account_id, limit=account.subscription_count, where=("status", "active")
        )
        now = self._clock.now()
        renewals = renewals_due(subscriptions, today_of(account, now), RENEWALS_PER_COMMIT)
        puts: list[Record] = []
        standing = {subscription.subscription_id: subscription for subscription in subscriptions}
        issued, ended = Tally(), 0
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
                ended += 1
        next_on = next_renewal_on(list(standing.values()))
        if not renewals and next_on == account.next_renewal_on:
            return Tally()
        if len(account.open_invoices) > self._open_invoices_alarm:
            log.error("too_many_open_invoices", extra={"account_id": account_id, "open": len(account.open_invoices)})
            issued += Tally({"too_many_open_invoices": 1})
        issued += Tally({"ended": ended})
        count = account.subscription_count - ended
        account = account.model_copy(update={"next_renewal_on": next_on, "subscription_count": count})
        # May race: a change of interval, a cancellation, another message. The version decides; the loser reads again,
        # and a period that was billed meanwhile has moved on.
        self._ledger.commit(Change(account, puts=tuple(puts), sets=tuple(_renewed(subscriptions, standing))))
        return issued


class RenewalsSweep:
    """Sweep: issues the invoices of all periods that have begun."""

    name: SweepName = "renewals"
    index: Index = BY_RENEWALS

    def __init__(self, renewals: Renewals, attempts: Attempts) -> None:
        self._renewals = renewals
        self._attempts = attempts

    def handle(self, account_id: str) -> Tally:
        return until_committed(self._attempts, lambda: self._renewals.renew(account_id))


def _renewed(before: Sequence[Subscription], after: dict[str, Subscription]) -> list[FieldSet]:
    """The subscriptions that changed, each set once however many of its periods began."""
    changed = [after[old.subscription_id] for old in before if after[old.subscription_id] != old]
    names = ("interval", "next_renewal_on", "status", "amount_minor", "other_amount_minor")
    return [FieldSet(new.key(), {name: new.item()[name] for name in names}) for new in changed]
