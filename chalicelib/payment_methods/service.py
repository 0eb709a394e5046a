"""Keeping payment methods: add, update, make default, remove. Each is one read and one commit."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from chalicelib.accounts.models import Account
from chalicelib.accounts.rules import today_of
from chalicelib.activity.models import Actor
from chalicelib.activity.rules import logged
from chalicelib.core.clock import Clock
from chalicelib.core.errors import Conflict, Invalid, NotFound, TooSoon, Unavailable
from chalicelib.core.ids import derived_id
from chalicelib.core.paging import Page, make_cursor, read_cursor
from chalicelib.gateways.port import AttachedCard, GatewayPort, TokenRefused, Unknown
from chalicelib.ledger.models import Change, FieldSet, Key
from chalicelib.ledger.port import LedgerPort, until_committed
from chalicelib.payment_methods.models import BillingDetails, Card, MethodSnapshot, PaymentMethodRecord
from chalicelib.payment_methods.rules import snapshot, why_not_usable

ATTEMPTS_WINDOW = timedelta(days=1)
OnDefault = Literal["refuse", "disable_autopay", "promote"]


@dataclass(frozen=True)
class MethodPolicy:
    """The stage's choices about payment methods."""

    card_brands: frozenset[str]
    methods_max: int
    attempts_per_day_max: int


@dataclass(frozen=True)
class AddCard:
    """A card to keep, behind a one-time token of the gateway. `make_default`: the first method becomes it anyway."""

    account_id: str
    key: str
    request_fingerprint: str
    actor: Actor
    gateway_token: str
    make_default: bool
    billing_details: BillingDetails

    @property
    def payment_method_id(self) -> str:
        return derived_id("pm", self.account_id, "payment_method", self.key)


@dataclass(frozen=True)
class MethodAndAccount:
    """A method beside the account it was read or written with, which says whether it is the default."""

    method: PaymentMethodRecord
    account: Account
    replayed: bool = False


class PaymentMethods:
    def __init__(
        self, ledger: LedgerPort, gateway: GatewayPort, clock: Clock, policy: MethodPolicy, commit_attempts: int
    ) -> None:
        self._ledger = ledger
        self._gateway = gateway
        self._clock = clock
        self._policy = policy
        self._attempts = commit_attempts

    def add_card(self, request: AddCard) -> MethodAndAccount:
        """Keeps the card, or answers the method this request added before, as it stands now.

        Raises Invalid("token_refused" | "brand_not_supported" | "limit_reached" | "key_reused"),
        TooSoon("too_many_attempts"), Unavailable("gateway_unavailable"): the same request may then be sent again.
        """
        attached: AttachedCard | None = None

        def added() -> MethodAndAccount:
            nonlocal attached
            account, method = self._read(request.account_id, request.payment_method_id)
            if method is not None:
                if method.request_fingerprint != request.request_fingerprint:
                    raise Invalid("key_reused", payment_method_id=method.payment_method_id)
                return MethodAndAccount(method, account, replayed=True)
            self._refuse_over_limit(account)
            attached = attached or self._attach(account, request)
            card = self._card(request, attached)
            # May race: another method being added, the default changing. The version decides who is first; the loser
            # decides again, without asking the gateway again.
            return MethodAndAccount(card, self._ledger.commit(self._adding(account, card, request)))

        return until_committed(self._attempts, added)

    def get(self, account_id: str, payment_method_id: str) -> MethodAndAccount:
        account, method = self._read(account_id, payment_method_id)
        if method is None or method.status == "removed":
            raise NotFound("not_found")
        return MethodAndAccount(method, account)

    def list(self, account_id: str, *, limit: int, cursor: str | None) -> tuple[Account, Page[PaymentMethodRecord]]:
        position = read_cursor(cursor, 1)
        account = self._ledger.get(Key(Account, account_id))
        if account is None:
            raise NotFound("not_found")
        methods = self._ledger.records(
            PaymentMethodRecord,
            account_id,
            limit=limit + 1,
            after=position[0] if position else None,
            where=("status", "active"),
        )
        more = len(methods) > limit
        return account, Page(methods[:limit], make_cursor(methods[limit - 1].payment_method_id) if more else None)

    def update(
        self,
        account_id: str,
        payment_method_id: str,
        actor: Actor,
        *,
        billing_details: BillingDetails | None,
        expires: tuple[int, int] | None,
    ) -> MethodAndAccount:
        """Changes billing details or a card's expiry (year, month); doing it again changes nothing. Raises
        Invalid("expiry_not_applicable") for other kinds.
        """

        def updated() -> MethodAndAccount:
            found = self.get(account_id, payment_method_id)
            values: dict[str, Any] = {}
            if billing_details is not None:
                values["billing_details"] = billing_details
            if expires is not None:
                if not isinstance(found.method, Card):
                    raise Invalid("expiry_not_applicable", payment_method_id=payment_method_id, kind=found.method.kind)
                values |= {"expires_year": expires[0], "expires_month": expires[1]}
            method = found.method.model_copy(update=values)
            if method == found.method:
                return found
            account = found.account
            if _is_default(account, payment_method_id):
                account = account.model_copy(update={"default_method": snapshot(method)})
            account, entry = logged(
                account,
                "payment_method.updated",
                actor,
                self._clock.now(),
                payment_method_id=payment_method_id,
                fields=sorted(values),
            )
            item = method.item()
            fields = FieldSet(method.key(), {name: item.get(name) for name in values})
            # May race: removal, a change of default. The version decides.
            return MethodAndAccount(method, self._ledger.commit(Change(account, puts=(entry,), sets=(fields,))))

        return until_committed(self._attempts, updated)

    def put_settings(
        self, account_id: str, default_payment_method_id: str | None, autopay_enabled: bool, actor: Actor
    ) -> Account:
        """Sets the default and the autopay switch in one commit; doing it again changes nothing.

        Raises Invalid("method_not_usable") for a method that is not there or cannot be charged, and
        Invalid("no_payment_method") for autopay without a default.
        """

        def put() -> Account:
            account, method = self._read(account_id, default_payment_method_id)
            default = None
            if default_payment_method_id is not None:
                if method is None or method.status == "removed":
                    raise Invalid("method_not_usable", payment_method_id=default_payment_method_id, reason="not_found")
                default = snapshot(method)
            elif autopay_enabled:
                raise Invalid("no_payment_method")
            autopay = account.autopay.model_copy(update={"enabled": autopay_enabled})
            if default == account.default_method and autopay == account.autopay:
                return account
            now = self._clock.now()
            if autopay_enabled and default is not None:
                _refuse_unusable(account, default, now)
            account, entry = logged(
                account.model_copy(update={"default_method": default, "autopay": autopay}),
                "payment_settings.changed",
                actor,
                now,
                default_payment_method_id=default_payment_method_id,
                autopay_enabled=autopay_enabled,
            )
            # May race: removal of the method. The version decides; the loser reads the method again.
            return self._ledger.commit(Change(account, puts=(entry,)))

        return until_committed(self._attempts, put)

    def settings(self, account_id: str) -> Account:
        account, _ = self._read(account_id, None)
        return account

    def remove(
        self, account_id: str, payment_method_id: str, actor: Actor, *, on_default: OnDefault, promote: str | None
    ) -> None:
        """Removes a method; one already removed stays so.

        Raises Conflict("method_in_use") while a payment is pending on it, and Conflict("default_method") for the
        default unless the caller chose: `disable_autopay` leaves no default, `promote` makes another method the
        default; Invalid("method_not_usable") when that one is not there, or autopay is on and could not charge it.
        """

        def removed() -> PaymentMethodRecord | None:
            account, method, successor = self._read_with_successor(account_id, payment_method_id, promote)
            if method is None:
                raise NotFound("not_found")
            if method.status == "removed":
                return None
            in_use = [p.payment_id for p in account.pending.values() if p.method.payment_method_id == payment_method_id]
            if in_use:
                raise Conflict("method_in_use", payment_ids=in_use)
            values: dict[str, Any] = {"method_count": account.method_count - 1}
            if _is_default(account, payment_method_id):
                values |= self._without_default(account, on_default, successor)
            account, entry = logged(
                account.model_copy(update=values),
                "payment_method.removed",
                actor,
                self._clock.now(),
                payment_method_id=payment_method_id,
                default_payment_method_id=values["default_method"].payment_method_id
                if values.get("default_method")
                else None,
                autopay_enabled=values["autopay"].enabled if "autopay" in values else None,
            )
            gone = FieldSet(method.key(), {"status": "removed"})
            # May race: a payment being reserved with this method. The version decides: either that payment stands in
            # `pending` and the removal is refused, or the method is gone when the payment reads it.
            self._ledger.commit(Change(account, puts=(entry,), sets=(gone,)))
            return method

        method = until_committed(self._attempts, removed)
        if method is not None and method.gateway == self._gateway.name:
            self._gateway.detach(method.gateway_reference)

    def _without_default(
        self, account: Account, on_default: OnDefault, successor: PaymentMethodRecord | None
    ) -> Mapping[str, Any]:
        if on_default == "disable_autopay":
            return {"default_method": None, "autopay": account.autopay.model_copy(update={"enabled": False})}
        if on_default == "promote":
            if successor is None or successor.status == "removed":
                raise Invalid("method_not_usable", reason="not_found")
            default = snapshot(successor)
            if account.autopay.enabled:
                _refuse_unusable(account, default, self._clock.now())
            return {"default_method": default}
        raise Conflict("default_method", choices=["disable_autopay", "promote"])

    def _read(self, account_id: str, payment_method_id: str | None) -> tuple[Account, PaymentMethodRecord | None]:
        account_key = Key(Account, account_id)
        method: PaymentMethodRecord | None = None
        if payment_method_id is None:
            account = self._ledger.get(account_key)
        else:
            account, method = self._ledger.read(account_key, Key(PaymentMethodRecord, account_id, payment_method_id))
        if account is None:
            raise NotFound("not_found")
        return account, method

    def _read_with_successor(
        self, account_id: str, payment_method_id: str, promote: str | None
    ) -> tuple[Account, PaymentMethodRecord | None, PaymentMethodRecord | None]:
        if promote is None or promote == payment_method_id:
            return (*self._read(account_id, payment_method_id), None)
        account, method, successor = self._ledger.read(
            Key(Account, account_id),
            Key(PaymentMethodRecord, account_id, payment_method_id),
            Key(PaymentMethodRecord, account_id, promote),
        )
        if account is None:
            raise NotFound("not_found")
        return account, method, successor

    def _refuse_over_limit(self, account: Account) -> None:
        if account.method_count >= self._policy.methods_max:
            raise Invalid("limit_reached", what="payment_methods", limit=self._policy.methods_max)
        recent = self._recent_attempts(account)
        if len(recent) >= self._policy.attempts_per_day_max:
            raise TooSoon("too_many_attempts", retry_at=recent[0] + ATTEMPTS_WINDOW)

    def _recent_attempts(self, account: Account) -> tuple[Any, ...]:
        since = self._clock.now() - ATTEMPTS_WINDOW
        return tuple(at for at in account.method_attempts if at > since)

    def _attach(self, account: Account, request: AddCard) -> AttachedCard:
        """The card at the gateway. A refused one is counted, so that nobody tries out stolen cards here."""
        answer = self._gateway.attach_card(account.account_id, request.payment_method_id, request.gateway_token)
        if isinstance(answer, Unknown):
            raise Unavailable("gateway_unavailable", retry_after_seconds=5)
        if isinstance(answer, AttachedCard) and answer.brand in self._policy.card_brands:
            return answer
        attempts = (*self._recent_attempts(account), self._clock.now())
        self._ledger.commit(Change(account.model_copy(update={"method_attempts": attempts})))
        if isinstance(answer, TokenRefused):
            raise Invalid("token_refused", gateway_code=answer.code)
        self._gateway.detach(answer.reference)
        raise Invalid("brand_not_supported", brand=answer.brand, supported_brands=sorted(self._policy.card_brands))

    def _card(self, request: AddCard, attached: AttachedCard) -> Card:
        return Card(
            account_id=request.account_id,
            payment_method_id=request.payment_method_id,
            gateway=self._gateway.name,
            gateway_reference=attached.reference,
            fingerprint=attached.fingerprint,
            billing_details=request.billing_details,
            request_fingerprint=request.request_fingerprint,
            added_at=self._clock.now(),
            brand=attached.brand,
            last4=attached.last4,
            expires_month=attached.expires_month,
            expires_year=attached.expires_year,
        )

    def _adding(self, account: Account, card: Card, request: AddCard) -> Change[Account]:
        becomes_default = request.make_default or account.default_method is None
        values: dict[str, Any] = {
            "method_count": account.method_count + 1,
            "method_attempts": (*self._recent_attempts(account), card.added_at),
        }
        if becomes_default:
            values["default_method"] = snapshot(card)
        account, entry = logged(
            account.model_copy(update=values),
            "payment_method.added",
            request.actor,
            card.added_at,
            personal={"payment_method": snapshot(card).label},
            payment_method_id=card.payment_method_id,
            kind=card.kind,
            became_default=becomes_default,
        )
        return Change(account, puts=(card, entry))


def _is_default(account: Account, payment_method_id: str) -> bool:
    return account.default_method is not None and account.default_method.payment_method_id == payment_method_id


def _refuse_unusable(account: Account, default: MethodSnapshot, now: datetime) -> None:
    """Raises Invalid("method_not_usable") for a default that autopay could not charge."""
    reason = why_not_usable(default, now, today_of(account, now))
    if reason:
        raise Invalid("method_not_usable", payment_method_id=default.payment_method_id, reason=reason)
