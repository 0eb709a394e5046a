"""Deciding how an account's payment methods and payment settings change. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from chalicelib.accounts.models import Account
from chalicelib.accounts.rules import autopay_switched, today_of
from chalicelib.activity.models import Actor
from chalicelib.activity.rules import logged
from chalicelib.core.errors import Conflict, Invalid, TooSoon
from chalicelib.ledger.models import Change, FieldSet
from chalicelib.payment_methods.models import Card, MethodSnapshot, PaymentMethodRecord
from chalicelib.payment_methods.rules import snapshot, why_not_usable

ATTEMPTS_WINDOW = timedelta(days=1)
OnDefault = Literal["refuse", "disable_autopay", "promote"]


@dataclass(frozen=True)
class MethodPolicy:
    """The stage's choices about payment methods."""

    card_brands: frozenset[str]
    methods_max: int
    attempts_per_day_max: int


def refuse_over_limit(account: Account, now: datetime, policy: MethodPolicy) -> None:
    """Raises Invalid("limit_reached") for one method too many, TooSoon("too_many_attempts") for one attempt too many in
    a day."""
    if account.method_count >= policy.methods_max:
        raise Invalid("limit_reached", what="payment_methods", limit=policy.methods_max)
    recent = _recent_attempts(account, now)
    if len(recent) >= policy.attempts_per_day_max:
        raise TooSoon("too_many_attempts", retry_at=recent[0] + ATTEMPTS_WINDOW)


def with_attempt(account: Account, now: datetime) -> Account:
    """The account with one more attempt to add a method counted. A refused one counts too, so that nobody tries out
    stolen cards here."""
    return account.model_copy(update={"method_attempts": (*_recent_attempts(account, now), now)})


def keep(account: Account, card: Card, actor: Actor, *, make_default: bool) -> Change[Account]:
    """The change that adds a card. The first one, or one where no default is left, becomes the default unasked.

    Raises Invalid("method_not_usable") for a new default that autopay, being on, could not charge.
    """
    becomes_default = make_default or account.default_method is None
    values: dict[str, Any] = {"method_count": account.method_count + 1}
    if becomes_default:
        values["default_method"] = snapshot(card)
        if account.autopay.enabled:
            _refuse_unusable(account, snapshot(card), card.added_at)
    account, entry = logged(
        with_attempt(account, card.added_at).model_copy(update=values),
        "payment_method.added",
        actor,
        card.added_at,
        personal={"payment_method": snapshot(card).label},
        payment_method_id=card.payment_method_id,
        kind=card.kind,
        became_default=becomes_default,
    )
    return Change(account, puts=(card, entry))


def update(
    account: Account, method: PaymentMethodRecord, values: Mapping[str, Any], actor: Actor, now: datetime
) -> Change[Account]:
    """The change that gives a method these values, and the account's copy of it when it is the default."""
    updated = method.model_copy(update=values)
    if is_default(account, method.payment_method_id):
        account = account.model_copy(update={"default_method": snapshot(updated)})
    account, entry = logged(
        account,
        "payment_method.updated",
        actor,
        now,
        payment_method_id=method.payment_method_id,
        fields=sorted(values),
    )
    item = updated.item()
    return Change(account, puts=(entry,), sets=(FieldSet(method.key(), {name: item.get(name) for name in values}),))


def choose(
    account: Account, default: MethodSnapshot | None, actor: Actor, now: datetime, *, autopay_enabled: bool
) -> Change[Account] | None:
    """The change that sets the default and the autopay switch; None when both stand so already.

    Raises Invalid("no_payment_method") for autopay without a default, Invalid("method_not_usable") for autopay with one
    that cannot be charged.
    """
    autopay = autopay_switched(account.autopay, default, enabled=autopay_enabled)
    if default is None and autopay_enabled:
        raise Invalid("no_payment_method", reason="autopay")
    if default == account.default_method and autopay == account.autopay:
        return None
    if autopay_enabled and default is not None:
        _refuse_unusable(account, default, now)
    account, entry = logged(
        account.model_copy(update={"default_method": default, "autopay": autopay}),
        "payment_settings.changed",
        actor,
        now,
        default_payment_method_id=default.payment_method_id if default else None,
        autopay_enabled=autopay_enabled,
    )
    return Change(account, puts=(entry,))


def remove(
    account: Account,
    method: PaymentMethodRecord,
    actor: Actor,
    now: datetime,
    *,
    on_default: OnDefault,
    successor: PaymentMethodRecord | None,
) -> Change[Account]:
    """The change that removes a method. Raises Conflict("method_in_use" | "default_method"),
    Invalid("method_not_usable") for a successor that is not there or that autopay could not charge.
    """
    in_use = [p.payment_id for p in account.pending.values() if p.method.payment_method_id == method.payment_method_id]
    if in_use:
        raise Conflict("method_in_use", payment_ids=in_use)
    facts: dict[str, Any] = {"payment_method_id": method.payment_method_id}
    values: dict[str, Any] = {"method_count": account.method_count - 1}
    if is_default(account, method.payment_method_id):
        if on_default == "refuse":
            raise Conflict("default_method", choices=["disable_autopay", "promote"])
        if on_default == "disable_autopay":
            values |= {"default_method": None, "autopay": account.autopay.model_copy(update={"enabled": False})}
            facts["autopay_enabled"] = False
        else:
            values["default_method"] = _promoted(account, successor, now)
            facts["default_payment_method_id"] = values["default_method"].payment_method_id
    account, entry = logged(account.model_copy(update=values), "payment_method.removed", actor, now, **facts)
    return Change(account, puts=(entry,), sets=(FieldSet(method.key(), {"status": "removed"}),))


def is_default(account: Account, payment_method_id: str) -> bool:
    return account.default_method is not None and account.default_method.payment_method_id == payment_method_id


def _promoted(account: Account, successor: PaymentMethodRecord | None, now: datetime) -> MethodSnapshot:
    if successor is None or successor.status == "removed":
        raise Invalid("method_not_usable", reason="not_found")
    default = snapshot(successor)
    if account.autopay.enabled:
        _refuse_unusable(account, default, now)
    return default


def _refuse_unusable(account: Account, default: MethodSnapshot, now: datetime) -> None:
    """Raises Invalid("method_not_usable") for a default that autopay could not charge."""
    reason: str | None = why_not_usable(default, now, today_of(account, now))
    if default.fingerprint in account.autopay.refused_fingerprints:
        reason = "refused_for_good"
    if reason:
        raise Invalid("method_not_usable", payment_method_id=default.payment_method_id, reason=reason)


def _recent_attempts(account: Account, now: datetime) -> tuple[datetime, ...]:
    return tuple(at for at in account.method_attempts if at > now - ATTEMPTS_WINDOW)
