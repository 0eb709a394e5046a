"""Deciding whether a payment may be taken, and what it is for. Pure."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from chalicelib.accounts.models import Account
from chalicelib.accounts.rules import balance, today_of, uncovered
from chalicelib.activity.models import Actor
from chalicelib.core.errors import Conflict, Invalid, TooSoon
from chalicelib.ledger.models import Record
from chalicelib.payment_methods.models import MethodSnapshot
from chalicelib.payment_methods.rules import why_not_usable
from chalicelib.payments.models import Allocation, Payment, Trigger

AfterPayment = Callable[[Account, Payment, datetime], tuple[Account, Sequence[Record]]]
"""What else the end of a payment means for its account, in the same commit. Rooms above say so; payments knows none."""


def _nothing_follows(account: Account, _payment: Payment, _now: datetime) -> tuple[Account, Sequence[Record]]:
    return account, ()


@dataclass(frozen=True)
class PaymentPolicy:
    """The stage's choices about taking payments. `checks`: how long after its reservation a pending payment is asked
    about.
    """

    cooldown: timedelta
    cooldown_scope: Literal["account", "payment_method"]
    charge_within: timedelta
    action_expires: timedelta
    checks: tuple[timedelta, ...]
    invoices_max: int
    pending_max: int
    after: AfterPayment = _nothing_follows


@dataclass(frozen=True)
class PayOrder:
    """What somebody wants paid. No amount: all that is payable of the invoices named, or of all."""

    payment_id: str
    request_fingerprint: str
    method: MethodSnapshot
    trigger: Trigger
    actor: Actor
    amount_minor: int | None = None
    currency: str | None = None
    invoice_ids: tuple[str, ...] | None = None
    expected_payable_minor: int | None = None


def reserve(account: Account, order: PayOrder, now: datetime, policy: PaymentPolicy) -> Payment:
    """The payment that may be charged, in_flight, covering what it is for. Raises a Refused that says what stands in
    the way.
    """
    if order.currency not in (None, account.currency):
        raise Invalid("wrong_currency", currency=account.currency)
    unusable = why_not_usable(order.method, now, today_of(account, now))
    if unusable:
        raise Invalid("method_not_usable", payment_method_id=order.method.payment_method_id, reason=unusable)
    _refuse_while_cooling_down(account, order, now, policy)
    allocations, left_out = allocate(account, order, now, policy.invoices_max)
    if len(account.pending) >= policy.pending_max:
        raise Invalid("limit_reached", what="pending_payments", limit=policy.pending_max)
    return Payment(
        account_id=account.account_id,
        payment_id=order.payment_id,
        amount_minor=sum(part.amount_minor for part in allocations),
        currency=account.currency,
        method=order.method,
        trigger=order.trigger,
        actor=order.actor,
        request_fingerprint=order.request_fingerprint,
        status="in_flight",
        allocations=tuple(allocations),
        left_out_invoices=left_out,
        reserved_at=now,
        next_check_at=now + policy.checks[0],
    )


def allocate(account: Account, order: PayOrder, now: datetime, invoices_max: int) -> tuple[list[Allocation], int]:
    """What the order pays, oldest due first, and how many invoices it leaves out because one payment holds
    `invoices_max`.

    Only what no pending payment covers. Raises Conflict("nothing_to_pay" | "balance_changed"),
    Invalid("invoice_not_payable" | "amount_too_high" | "too_many_invoices").
    """
    wanted = _uncovered(account, order.invoice_ids)
    payable_minor = sum(part.amount_minor for part in wanted)
    if payable_minor == 0:
        raise Conflict("nothing_to_pay", **_what_is_in_the_way(account, now))
    if order.expected_payable_minor not in (None, payable_minor):
        raise Conflict("balance_changed", payable_minor=payable_minor, currency=account.currency)
    if order.amount_minor is None:
        return wanted[:invoices_max], max(0, len(wanted) - invoices_max)
    if order.amount_minor > payable_minor:
        raise Invalid("amount_too_high", payable_minor=payable_minor, currency=account.currency)
    parts = _up_to(order.amount_minor, wanted)
    if len(parts) > invoices_max:
        raise Invalid("too_many_invoices", limit=invoices_max)
    return parts, 0


def in_the_way(account: Account, order: PayOrder) -> list[str]:
    """Payments that wait for the customer (requires_action) and cover what this order needs, by id.

    Whoever starts a new payment has given up on that authentication: as many as it takes are canceled at the gateway
    first, the oldest before the others.
    """
    waiting = [payment for payment in account.pending.values() if payment.status == "requires_action"]
    if not waiting:
        return []
    freed = without_pending(account, [payment.payment_id for payment in waiting])
    payable_minor = sum(part.amount_minor for part in _uncovered(account, order.invoice_ids))
    needed = order.amount_minor or order.expected_payable_minor
    if needed is None:
        needed = sum(part.amount_minor for part in _uncovered(freed, order.invoice_ids))
    wanted = set(order.invoice_ids or account.open_invoices)
    blocking: list[str] = []
    for payment in sorted(waiting, key=Payment.time_key):
        covers = sum(part.amount_minor for part in payment.allocations if part.invoice_id in wanted)
        if covers and needed > payable_minor:
            blocking.append(payment.payment_id)
            payable_minor += covers
    return blocking


def without_pending(account: Account, payment_ids: Collection[str]) -> Account:
    """The account as if these payments covered nothing."""
    return account.model_copy(update={"pending": {i: p for i, p in account.pending.items() if i not in payment_ids}})


def cooldown_key(scope: str, method: MethodSnapshot) -> str:
    """Under which name a decline with this method is remembered. By fingerprint: adding the same card again changes
    nothing.
    """
    return "account" if scope == "account" else method.fingerprint


def _refuse_while_cooling_down(account: Account, order: PayOrder, now: datetime, policy: PaymentPolicy) -> None:
    """Only manual payments wait: scheduled attempts have a schedule of their own."""
    if order.trigger != "manual":
        return
    until = account.cooldowns.get(cooldown_key(policy.cooldown_scope, order.method))
    if until is not None and now < until:
        raise TooSoon("cooling_down", retry_at=until, scope=policy.cooldown_scope)


def _uncovered(account: Account, invoice_ids: Sequence[str] | None) -> list[Allocation]:
    """What may be paid now, oldest due first, of the named invoices or of all."""
    for invoice_id in invoice_ids or ():
        if invoice_id not in account.open_invoices:
            raise Invalid("invoice_not_payable", invoice_id=invoice_id)
    return [
        Allocation(invoice_id=invoice_id, number=invoice.number, amount_minor=amount_minor)
        for invoice_id, invoice, amount_minor in uncovered(account)
        if invoice_ids is None or invoice_id in invoice_ids
    ]


def _up_to(amount_minor: int, parts: Sequence[Allocation]) -> list[Allocation]:
    """The first parts that make up the amount, the last one cut to fit."""
    taken: list[Allocation] = []
    for part in parts:
        if amount_minor == 0:
            break
        share = min(amount_minor, part.amount_minor)
        taken.append(part.model_copy(update={"amount_minor": share}))
        amount_minor -= share
    return taken


def _what_is_in_the_way(account: Account, now: datetime) -> dict[str, object]:
    owed = balance(account, today_of(account, now))
    parked = any(payment.status == "parked" for payment in account.pending.values())
    return {
        "open_minor": owed.open_minor,
        "covered_minor": owed.covered_minor,
        "currency": account.currency,
        "reason": ("parked" if parked else "all_covered") if owed.open_minor else "nothing_open",
        "pending": [
            {
                "payment_id": payment.payment_id,
                "status": payment.status,
                "covers_minor": sum(part.amount_minor for part in payment.allocations),
            }
            for payment in account.pending.values()
        ],
    }
