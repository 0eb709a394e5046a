"""Deciding what a gateway's answer means for the books. Pure.

Settling never refuses money that was taken: what no longer fits an invoice becomes credit.
Always: captured = allocated + credited.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, assert_never

from chalicelib.accounts.models import Account
from chalicelib.accounts.rules import with_services_back
from chalicelib.activity.models import PAYDESK, ActivityEntry, Actor
from chalicelib.activity.rules import logged
from chalicelib.gateways.port import (
    ActionRequired,
    Approved,
    Closed,
    Declined,
    NotSent,
    Outcome,
    Processing,
    Unknown,
)
from chalicelib.invoices.models import Invoice
from chalicelib.ledger.models import Change, FieldSet, Key, Record
from chalicelib.payments.models import Allocation, Decline, Payment, PaymentStatus, Resolution
from chalicelib.payments.moves import MOVES, PENDING, check_move
from chalicelib.payments.reserving import PaymentPolicy, cooldown_key, without_pending

Answer = Outcome | NotSent | Closed | Unknown
PROCESSING_CHECK_EVERY = timedelta(days=1)


@dataclass(frozen=True)
class Closing:
    """Who gave a payment up or resolved it, and the payment that was asked for in its place, if one was."""

    actor: Actor
    replaced_by_payment_id: str | None = None


@dataclass(frozen=True)
class Settlement:
    """The payment as it stands after an answer, and the change that makes it so; no change when nothing is to be
    written.
    """

    payment: Payment
    change: Change[Account] | None = None
    late: bool = False


def settle(
    account: Account,
    payment: Payment,
    answer: Answer,
    now: datetime,
    policy: PaymentPolicy,
    *,
    closing: Closing | None = None,
) -> Settlement:
    """What `answer` to a charge or a close does to the payment, read together with its account.

    Any answer may meet any status, because answers come late and out of order: money is always booked, and what can
    only be old news changes nothing. `closing` is given with what a close or an operator says; the log names the actor
    where their word is what ended the payment.
    `late` marks money that arrived for a payment already ended without it: somebody should know.
    """
    pending = payment.status in PENDING
    match answer:
        case Approved():
            if payment.status in ("succeeded", "returned"):
                return Settlement(payment)
            return _succeeded(account, payment, answer, now, _resolved_by(payment, "succeeded", closing))
        case _ if not pending:
            return Settlement(payment)
        case Declined():
            return _declined(account, payment, answer, now, policy, _resolved_by(payment, "declined", closing))
        case NotSent() if payment.status != "in_flight":
            return Settlement(payment)  # it speaks of one call only, and another one got through
        case NotSent() | Closed():
            return _canceled(account, payment, now, closing)
        case Processing():
            return _waiting(account, payment, "processing", now + PROCESSING_CHECK_EVERY, answer.reference, None)
        case ActionRequired():
            expires = payment.next_check_at if payment.status == "requires_action" else now + policy.action_expires
            return _waiting(account, payment, "requires_action", expires, answer.reference, answer)
        case Unknown():
            return Settlement(payment)
        case _:
            assert_never(answer)


def checked_in_vain(account: Account, payment: Payment, now: datetime, policy: PaymentPolicy) -> Settlement:
    """A check that got no answer: the next one is planned, or after the last the payment is parked for a person.

    The gaps of the schedule count from now, so that an outage of ours does not use the checks up. A check that is not
    due counts for nothing: two runs at once must not use the schedule up either.
    """
    if payment.next_check_at is None or now < payment.next_check_at:
        return Settlement(payment)
    if payment.status == "parked":
        return _asked_again_tomorrow(account, payment, now)
    done = payment.checks + 1
    if done < len(policy.checks):
        next_check = now + (policy.checks[done] - policy.checks[done - 1])
        later = payment.model_copy(update={"checks": done, "next_check_at": next_check})
        return Settlement(later, Change(_with_pending(account, later)))
    if payment.status in ("requires_action", "processing"):
        # The customer's or the bank's turn, not the gateway's silence alone: nothing to park, ask again tomorrow.
        return _asked_again_tomorrow(account, payment, now)
    check_move(payment.payment_id, payment.status, "parked")
    parked = payment.model_copy(
        update={"checks": done, "status": "parked", "next_check_at": now + PROCESSING_CHECK_EVERY}
    )
    account, entry = logged(_with_pending(account, parked), "payment.parked", PAYDESK, now, **_facts(parked))
    return Settlement(parked, Change(account, puts=(entry,)))


def _asked_again_tomorrow(account: Account, payment: Payment, now: datetime) -> Settlement:
    later = payment.model_copy(update={"checks": payment.checks + 1, "next_check_at": now + PROCESSING_CHECK_EVERY})
    return Settlement(later, Change(_with_pending(account, later)))


def _resolved_by(payment: Payment, outcome: Resolution, closing: Closing | None) -> Actor | None:
    """The operator whose word this outcome is. Where the gateway knew better, it is nobody's."""
    return closing.actor if closing and payment.resolution == outcome else None


def _succeeded(
    account: Account, payment: Payment, approved: Approved, now: datetime, actor: Actor | None
) -> Settlement:
    late = payment.status not in PENDING
    booked, account, invoice_sets = _booked(account, payment)
    paid = _moved(payment, "succeeded", now).model_copy(
        update={
            "allocations": booked,
            "credited_minor": payment.amount_minor - sum(part.amount_minor for part in booked),
            "gateway_reference": approved.reference,
            "decline": None,
            "retry_at": None,
        }
    )
    account = account.model_copy(update={"credit_minor": account.credit_minor + paid.credited_minor})
    account = without_pending(account, [paid.payment_id])
    action = "payment.succeeded_late" if late else "payment.succeeded"
    account, entry = _log(account, action, paid, now, actor=actor)
    entries: list[Record] = [entry]
    account, back = with_services_back(account, now)
    if back:
        account, reactivated = logged(account, "services.reactivated", PAYDESK, now, payment_id=paid.payment_id)
        entries.append(reactivated)
    if late:
        item = paid.item()
        fields = ("status", "allocations", "credited_minor", "gateway_reference", "settled_at", "decline", "retry_at")
        rebooked = FieldSet(paid.key(), {field: item.get(field) for field in fields})
        return Settlement(paid, Change(account, puts=tuple(entries), sets=(rebooked, *invoice_sets)), late=True)
    return Settlement(paid, Change(account, puts=(paid, *entries), sets=tuple(invoice_sets)))


def _booked(account: Account, payment: Payment) -> tuple[tuple[Allocation, ...], Account, list[FieldSet]]:
    """Books the payment on what is still open of the invoices it is for; an invoice voided or paid meanwhile takes
    nothing.
    """
    open_invoices = dict(account.open_invoices)
    booked: list[Allocation] = []
    sets: list[FieldSet] = []
    for part in payment.allocations:
        invoice = open_invoices.get(part.invoice_id)
        if invoice is None:
            continue
        share = min(part.amount_minor, invoice.remaining_minor)
        remaining = invoice.remaining_minor - share
        booked.append(part.model_copy(update={"amount_minor": share}))
        values: dict[str, Any] = {f"payments.{payment.payment_id}": share, "remaining_minor": remaining}
        if remaining == 0:
            del open_invoices[part.invoice_id]
            values["status"] = "paid"
        else:
            open_invoices[part.invoice_id] = invoice.model_copy(update={"remaining_minor": remaining})
        sets.append(FieldSet(Key(Invoice, account.account_id, part.invoice_id), values))
    return tuple(booked), account.model_copy(update={"open_invoices": open_invoices}), sets


def _declined(
    account: Account,
    payment: Payment,
    declined: Declined,
    now: datetime,
    policy: PaymentPolicy,
    actor: Actor | None,
) -> Settlement:
    retry_at = now + policy.cooldown if payment.trigger == "manual" else None
    refused = _moved(payment, "declined", now).model_copy(
        update={
            "decline": Decline(code=declined.code, decline_class=declined.decline_class),
            "gateway_reference": declined.reference,
            "retry_at": retry_at,
        }
    )
    if retry_at is not None:
        still_cooling = {key: until for key, until in account.cooldowns.items() if now < until}
        key = cooldown_key(policy.cooldown_scope, payment.method)
        account = account.model_copy(update={"cooldowns": still_cooling | {key: retry_at}})
    why = {"code": declined.code, "decline_class": declined.decline_class}
    return _ended(account, refused, "payment.declined", now, actor=actor, **why)


def _canceled(account: Account, payment: Payment, now: datetime, closing: Closing | None) -> Settlement:
    actor, replaced_by = (closing.actor, closing.replaced_by_payment_id) if closing else (None, None)
    canceled = _moved(payment, "canceled", now).model_copy(update={"replaced_by_payment_id": replaced_by})
    return _ended(account, canceled, "payment.canceled", now, actor=actor, replaced_by_payment_id=replaced_by)


def _ended(
    account: Account, payment: Payment, action: str, now: datetime, *, actor: Actor | None = None, **more: Any
) -> Settlement:
    account, entry = _log(without_pending(account, [payment.payment_id]), action, payment, now, actor=actor, **more)
    return Settlement(payment, Change(account, puts=(payment, entry)))


def _waiting(
    account: Account,
    payment: Payment,
    status: Literal["processing", "requires_action"],
    next_check: datetime | None,
    reference: str,
    action: ActionRequired | None,
) -> Settlement:
    if status not in MOVES[payment.status] | {payment.status}:
        return Settlement(payment)  # it has come further than this answer knows
    waiting = payment.model_copy(
        update={
            "status": status,
            "gateway_reference": reference,
            "checks": 0,
            "next_check_at": next_check,
            "next_action": action.next_action if action else None,
        }
    )
    return Settlement(waiting, Change(_with_pending(account, waiting)))


def _moved(payment: Payment, status: PaymentStatus, now: datetime) -> Payment:
    """The payment ended in `status`: it waits for nothing any more."""
    check_move(payment.payment_id, payment.status, status)
    return payment.model_copy(update={"status": status, "settled_at": now, "next_check_at": None, "next_action": None})


def _with_pending(account: Account, payment: Payment) -> Account:
    return account.model_copy(update={"pending": account.pending | {payment.payment_id: payment}})


def _log(
    account: Account, action: str, payment: Payment, now: datetime, *, actor: Actor | None = None, **more: Any
) -> tuple[Account, ActivityEntry]:
    personal = {"payment_method": payment.method.label}
    return logged(account, action, actor or payment.actor, now, personal=personal, **_facts(payment), **more)


def _facts(payment: Payment) -> Mapping[str, Any]:
    return {
        "payment_id": payment.payment_id,
        "amount_minor": payment.amount_minor,
        "currency": payment.currency,
        "credited_minor": payment.credited_minor,
        "trigger": payment.trigger,
        "payment_method_id": payment.method.payment_method_id,
        "invoices": {part.invoice_id: part.amount_minor for part in payment.allocations},
    }
