"""Keeping payment methods: add, update, make default, remove. Each is one read and one commit."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.accounts.models import Account
from chalicelib.activity.models import Actor
from chalicelib.core.clock import Clock
from chalicelib.core.errors import Invalid, NotFound, Refused, Unavailable
from chalicelib.core.ids import derived_id
from chalicelib.core.paging import Page, cut_page, read_cursor
from chalicelib.gateways.port import AttachedCard, GatewayPort, TokenRefused, Unknown
from chalicelib.ledger.models import Change, Key
from chalicelib.ledger.port import Attempts, LedgerPort, until_committed
from chalicelib.payment_methods import keeping
from chalicelib.payment_methods.keeping import MethodPolicy, OnDefault
from chalicelib.payment_methods.models import BillingDetails, Card, PaymentMethodRecord
from chalicelib.payment_methods.rules import snapshot


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
        self, ledger: LedgerPort, gateway: GatewayPort, clock: Clock, policy: MethodPolicy, attempts: Attempts
    ) -> None:
        self._ledger = ledger
        self._gateway = gateway
        self._clock = clock
        self._policy = policy
        self._attempts = attempts

    def add_card(self, request: AddCard) -> MethodAndAccount:
        """Keeps the card, or answers the method this request added before, as it stands now.

        Raises Invalid("token_refused" | "brand_not_supported" | "method_not_usable" | "limit_reached" | "key_reused"),
        TooSoon("too_many_attempts"), Unavailable("gateway_unavailable"): the same request may then be sent again.
        """
        answer: AttachedCard | TokenRefused | None = None

        def added() -> MethodAndAccount:
            nonlocal answer
            account, method = self._read(request.account_id, request.payment_method_id)
            if method is not None:
                if method.request_fingerprint != request.request_fingerprint:
                    raise Invalid("key_reused", payment_method_id=method.payment_method_id)
                return MethodAndAccount(method, account, replayed=True)
            now = self._clock.now()
            try:
                keeping.refuse_over_limit(account, now, self._policy)
            except Refused:
                if isinstance(answer, AttachedCard):  # another request took the last place meanwhile
                    self._gateway.detach(answer.reference)
                raise
            answer = answer or self._attach(request)
            if isinstance(answer, TokenRefused) or answer.brand not in self._policy.card_brands:
                self._ledger.commit(Change(keeping.with_attempt(account, now)))
                raise self._refusal(answer)
            card = self._card(request, answer)
            # May race: another method being added, the default changing. The version decides who is first; the loser
            # decides again, without asking the gateway again.
            try:
                change = keeping.keep(account, card, request.actor, make_default=request.make_default)
            except Refused:
                self._ledger.commit(Change(keeping.with_attempt(account, now)))
                self._gateway.detach(answer.reference)
                raise
            return MethodAndAccount(card, self._ledger.commit(change))

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
        return account, cut_page(methods, limit, lambda method: method.payment_method_id)

    def update(
        self,
        account_id: str,
        payment_method_id: str,
        actor: Actor,
        *,
        billing_details: Mapping[str, str | None],
        expires: tuple[int, int] | None,
    ) -> MethodAndAccount:
        """Changes the billing details named or a card's expiry (year, month); doing it again changes nothing. Raises
        Invalid("expiry_not_applicable") for other kinds.
        """
        values: dict[str, Any] = {}
        if expires is not None:
            values = {"expires_year": expires[0], "expires_month": expires[1]}

        def updated() -> MethodAndAccount:
            found = self.get(account_id, payment_method_id)
            if expires is not None and not isinstance(found.method, Card):
                raise Invalid("expiry_not_applicable", payment_method_id=payment_method_id, kind=found.method.kind)
            if billing_details:
                details = found.method.billing_details.model_copy(update=dict(billing_details))
                values["billing_details"] = details
            method = found.method.model_copy(update=values)
            if method == found.method:
                return found
            # May race: removal, a change of default. The version decides.
            change = keeping.update(found.account, found.method, values, actor, self._clock.now())
            return MethodAndAccount(method, self._ledger.commit(change))

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
            if default_payment_method_id is not None and (method is None or method.status == "removed"):
                raise Invalid("method_not_usable", payment_method_id=default_payment_method_id, reason="not_found")
            default = snapshot(method) if method else None
            change = keeping.choose(account, default, actor, self._clock.now(), autopay_enabled=autopay_enabled)
            # May race: removal of the method. The version decides; the loser reads the method again.
            return self._ledger.commit(change) if change else account

        return until_committed(self._attempts, put)

    def remove(
        self, account_id: str, payment_method_id: str, actor: Actor, *, on_default: OnDefault, promote: str | None
    ) -> None:
        """Removes a method; one already removed stays so. The gateway is told to forget it each time: a process may
        have died before it did.

        Raises Conflict("method_in_use") while a payment is pending on it, and Conflict("default_method") for the
        default unless the caller chose: `disable_autopay` leaves no default, `promote` makes another method the
        default; Invalid("method_not_usable") when that one is not there, is the one removed, or autopay is on and could
        not charge it.
        """
        if promote == payment_method_id:
            raise Invalid("method_not_usable", payment_method_id=promote, reason="being_removed")

        def removed() -> PaymentMethodRecord:
            account, method, successor = self._read_with_successor(account_id, payment_method_id, promote)
            if method is None:
                raise NotFound("not_found")
            if method.status == "removed":
                return method
            now = self._clock.now()
            # May race: a payment being reserved with this method. The version decides: either that payment stands in
            # `pending` and the removal is refused, or the method is gone when the payment reads it.
            change = keeping.remove(account, method, actor, now, on_default=on_default, successor=successor)
            self._ledger.commit(change)
            return method

        method = until_committed(self._attempts, removed)
        if method.gateway == self._gateway.name:
            self._gateway.detach(method.gateway_reference)

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
        if promote is None:
            return (*self._read(account_id, payment_method_id), None)
        account, method, successor = self._ledger.read(
            Key(Account, account_id),
            Key(PaymentMethodRecord, account_id, payment_method_id),
            Key(PaymentMethodRecord, account_id, promote),
        )
        if account is None:
            raise NotFound("not_found")
        return account, method, successor

    def _attach(self, request: AddCard) -> AttachedCard | TokenRefused:
        answer = self._gateway.attach_card(request.account_id, request.payment_method_id, request.gateway_token)
        if isinstance(answer, Unknown):
            raise Unavailable("gateway_unavailable", retry_after_seconds=5)
        return answer

    def _refusal(self, answer: AttachedCard | TokenRefused) -> Invalid:
        if isinstance(answer, TokenRefused):
            return Invalid("token_refused", gateway_code=answer.code)
        self._gateway.detach(answer.reference)
        return Invalid("brand_not_supported", brand=answer.brand, supported_brands=sorted(self._policy.card_brands))

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
