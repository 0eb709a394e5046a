"""Autopay: the forecast, the sweep that charges what falls due, and what a payment's end means for it."""

from collections.abc import Sequence
from datetime import datetime

from chalicelib.accounts.models import BY_AUTOPAY, Account
from chalicelib.activity.models import PAYDESK, ActivityEntry
from chalicelib.activity.rules import logged
from chalicelib.autopay.after_payments import after_payment, stopped_before_trying
from chalicelib.autopay.forecast import Forecast, forecast
from chalicelib.autopay.rules import AutopayPolicy, due_at, invoices_due
from chalicelib.core.clock import Clock
from chalicelib.core.ids import fingerprint
from chalicelib.ledger.models import Change, Index
from chalicelib.payments.models import Payment, PaymentStatus
from chalicelib.payments.service import Payments, PayRequest
from chalicelib.sweeps.models import SweepName, Tally


class Autopay:
    """What autopay will do for an account."""

    def __init__(self, clock: Clock, policy: AutopayPolicy) -> None:
        self._clock = clock
        self._policy = policy

    def forecast(self, account: Account) -> Forecast:
        return forecast(account, self._clock.now(), self._policy)


_COUNTED: dict[PaymentStatus, str] = {
    "succeeded": "charged",
    "declined": "declined",
    "canceled": "not_sent",
    "processing": "processing",
}
"""What a run counts an attempt as, by the status it leaves the payment in; any other is unknown until a check."""


class AutopaySweep:
    """Sweep: charges an account once for all that is due."""

    name: SweepName = "autopay"
    index: Index = BY_AUTOPAY

    def __init__(self, payments: Payments, policy: AutopayPolicy) -> None:
        self._payments = payments
        self._policy = policy

    def handle(self, account_id: str) -> Tally:
        payment = self._payments.pay_due(account_id, self._decide)
        if payment is None:
            return Tally()
        counted = _COUNTED.get(payment.status, "unknown")
        return Tally({counted: 1}, {f"{counted}:{payment.currency}": payment.amount_minor})

    def _decide(self, account: Account, now: datetime) -> PayRequest | Change[Account] | None:
        invoice_ids = invoices_due(account, now, self._policy)
        if not invoice_ids:
            at = due_at(account, self._policy)
            # The index named it too early, because the stage's policy changed since: written again, it stands right.
            return None if at is None or at <= now else Change(account)
        stopped = stopped_before_trying(account, now)
        if stopped is not None:
            stopped, entry = logged(stopped, "autopay.stopped", PAYDESK, now, reason=stopped.autopay.stopped_reason)
            return Change(stopped, puts=(entry,))
        key = str(account.autopay.sequence)
        return PayRequest(
            account_id=account.account_id,
            key=key,
            request_fingerprint=fingerprint(["autopay", key]),
            actor=PAYDESK,
            trigger="autopay",
            invoice_ids=invoice_ids,
        )


class AfterPayments:
    """What the end of any payment means for autopay, and the entry that says so when it stopped."""

    def __init__(self, policy: AutopayPolicy) -> None:
        self._policy = policy

    def __call__(self, account: Account, payment: Payment, now: datetime) -> tuple[Account, Sequence[ActivityEntry]]:
        before, account = account, after_payment(account, payment, now, self._policy)
        reason = account.autopay.stopped_reason
        if reason is None or _stop(before) == _stop(account):
            return account, ()
        account, entry = logged(account, "autopay.stopped", PAYDESK, now, reason=reason, payment_id=payment.payment_id)
        return account, (entry,)


def _stop(account: Account) -> tuple[object, ...]:
    """What a stop is told by: its reason, the method, and the invoices it was about."""
    return account.autopay.stopped_reason, account.autopay.failed_method, account.open_invoices
