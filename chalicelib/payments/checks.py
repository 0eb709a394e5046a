"""Checking an account's pending payments: what became of them, and what the checks did."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from chalicelib.accounts.models import Account
from chalicelib.activity.models import PAYDESK
from chalicelib.core.clock import Clock
from chalicelib.core.counts import added
from chalicelib.core.errors import Unavailable
from chalicelib.ledger.models import Key
from chalicelib.ledger.port import LedgerPort
from chalicelib.payments.booking import Booking
from chalicelib.payments.models import Payment
from chalicelib.payments.settling import Closing

log = logging.getLogger("paydesk.payments")


@dataclass(frozen=True)
class CheckCounts:
    """What checks did: payments asked about, those that ended, those parked now, those with something broken that a
    person must look at, those the store was too busy for, postponed to the next run. In minor units: money that
    turned out to be charged, by currency, and money that stays in limbo, by `status:age:currency`.
    """

    checked: int = 0
    ended: int = 0
    parked: int = 0
    failed: int = 0
    postponed: int = 0
    charged: Mapping[str, int] = field(default_factory=dict)
    limbo: Mapping[str, int] = field(default_factory=dict)

    def __add__(self, other: "CheckCounts") -> "CheckCounts":
        return CheckCounts(
            self.checked + other.checked,
            self.ended + other.ended,
            self.parked + other.parked,
            self.failed + other.failed,
            self.postponed + other.postponed,
            added(self.charged, other.charged),
            added(self.limbo, other.limbo),
        )


Age = Literal["hour", "day", "week", "longer"]


def age_of(waited: timedelta) -> Age:
    """How long money has been in limbo: less than an hour, a day, a week, or longer."""
    if waited < timedelta(hours=1):
        return "hour"
    if waited < timedelta(days=1):
        return "day"
    return "week" if waited < timedelta(weeks=1) else "longer"


class Checks:
    """`at_most`: how long the checks of one account may take together before the rest is left to the next run."""

    def __init__(
        self,
        ledger: LedgerPort,
        booking: Booking,
        clock: Clock,
        stopwatch: Callable[[], float],
        at_most: timedelta,
    ) -> None:
        self._ledger = ledger
        self._booking = booking
        self._clock = clock
        self._stopwatch = stopwatch
        self._at_most = at_most

    def check_due(self, account_id: str) -> CheckCounts:
        """Checks the pending payments of the account whose check is due, the longest due first. When a gateway that
        does not answer takes too long, the others stay due for the next run.
        """
        account = self._ledger.get(Key(Account, account_id))
        now = self._clock.now()
        pending = account.pending.values() if account else ()
        due = [payment for payment in pending if payment.next_check_at and payment.next_check_at <= now]
        total, began = CheckCounts(), self._stopwatch()
        for payment in sorted(due, key=lambda payment: (payment.next_check_at, payment.payment_id)):
            if self._stopwatch() - began > self._at_most.total_seconds():
                break
            total += self._checked(payment)
        return total

    def _checked(self, due: Payment) -> CheckCounts:
        """One check, which stops no other of the account whatever is wrong with it."""
        named = {"account_id": due.account_id, "payment_id": due.payment_id}
        try:
            payment = self._booking.close(due.account_id, due.payment_id, Closing(PAYDESK))
        except Unavailable:
            log.warning("payment_busy", extra=named)
            return CheckCounts(postponed=1)
        except Exception:  # whatever is wrong with one payment, the money of all others is booked
            log.exception("payment_failed", extra=named)
            return CheckCounts(failed=1)
        if payment.settled_at is not None:
            charged = {payment.currency: payment.amount_minor} if payment.status == "succeeded" else {}
            return CheckCounts(checked=1, ended=1, charged=charged)
        parked = payment.status == "parked" != due.status
        if parked:
            log.error("payment_parked", extra=named)
        age = age_of(self._clock.now() - payment.reserved_at)
        limbo = {f"{payment.status}:{age}:{payment.currency}": payment.amount_minor}
        return CheckCounts(checked=1, parked=int(parked), limbo=limbo)
