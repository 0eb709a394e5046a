"""Taking payments: read, reserve, charge, settle. Three store trips and one gateway call.

crash before reserve                     nothing happened
crash or silence after reserve           it stands in its account, in_flight; `check` closes it at the gateway
crash after charge                       the same; `check` settles from the gateway's answer
settle lost its acknowledgement          a replay or `check` finds it settled
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.accounts.models import Account
from chalicelib.activity.models import PAYDESK, Actor
from chalicelib.core.clock import Clock
from chalicelib.core.errors import Conflict, Invalid, NotFound, Unavailable
from chalicelib.core.paging import Page, cut_page, read_cursor
from chalicelib.gateways.port import Approved, Charge, Closed, Declined, GatewayPort, Unknown
from chalicelib.ledger.models import Change, Key, Stale
from chalicelib.ledger.port import Attempts, LedgerPort, until_committed
from chalicelib.payment_methods.models import MethodSnapshot, PaymentMethodRecord
from chalicelib.payment_methods.rules import snapshot
from chalicelib.payments.booking import Booking, not_resolvable, was_resolved
from chalicelib.payments.models import Payment, Resolution, Trigger, payment_id_of
from chalicelib.payments.reserving import PaymentPolicy, PayOrder, in_the_way, reserve, without_pending
from chalicelib.payments.settling import Answer, Closing

log = logging.getLogger("paydesk.payments")


@dataclass(frozen=True)
class PayRequest:
    """A wish to pay, as a route or a sweep states it. `key` is the client's Idempotency-Key, or the attempt's
    sequence.
    """

    account_id: str
    key: str
    request_fingerprint: str
    actor: Actor
    trigger: Trigger = "manual"
    payment_method_id: str | None = None
    amount_minor: int | None = None
    currency: str | None = None
    invoice_ids: tuple[str, ...] | None = None
    expected_payable_minor: int | None = None

    @property
    def payment_id(self) -> str:
        return payment_id_of(self.account_id, "pay" if self.trigger == "manual" else self.trigger, self.key)


Due = Callable[[Account, datetime], "PayRequest | Change[Account] | None"]
"""What a scheduled run finds due on an account: a payment to take, another change to commit instead, or nothing."""


@dataclass(frozen=True)
class PayResult:
    """The payment as it stands now. `replayed`: what this request asks for had been done before."""

    payment: Payment
    replayed: bool


class Payments:
    def __init__(
        self,
        ledger: LedgerPort,
        gateway: GatewayPort,
        clock: Clock,
        policy: PaymentPolicy,
        attempts: Attempts,
        booking: Booking,
    ) -> None:
        self._ledger = ledger
        self._gateway = gateway
        self._clock = clock
        self._policy = policy
        self._attempts = attempts
        self._booking = booking

    def pay(self, request: PayRequest) -> PayResult:
        """Takes the payment, or answers the one this request made before, as it stands now.

        Raises a Refused when nothing may be taken, Unavailable when nothing was: both leave nothing behind that could
        charge. Once the gateway may have been asked, the payment itself is the answer, whatever its status.
        """
        given_up: set[str] = set()

        def reserved() -> tuple[Account | None, Payment]:
            account, recorded, method = self._read_for(request)
            standing = recorded or account.pending.get(request.payment_id)
            if standing is not None:
                return None, _same_request(standing, request)
            order = self._order(account, request, method)
            now = self._clock.now()
            in_our_way = [payment_id for payment_id in in_the_way(account, order) if payment_id not in given_up]
            if in_our_way:
                # A request that is refused anyway must not give anything up: decide first as if they were gone.
                reserve(without_pending(account, in_our_way), order, now, self._policy)
                closing = Closing(request.actor, replaced_by_payment_id=request.payment_id)
                for payment_id in in_our_way:
                    given_up.add(payment_id)
                    self._booking.close(account.account_id, payment_id, closing)
                raise Stale(account.account_id)
            payment = reserve(account, order, now, self._policy)
            pending = account.pending | {payment.payment_id: payment}
            # May race: a second click, another payment, a voided invoice. The version decides who covers the invoices
            # first; the loser decides again and finds its own payment, or what the winner left to pay.
            return self._ledger.commit(Change(account.model_copy(update={"pending": pending}))), payment

        # One attempt more than elsewhere: giving up what is in the way, which happens once, takes one.
        account, payment = until_committed(replace(self._attempts, most=self._attempts.most + 1), reserved)
        if account is None:
            return PayResult(payment, replayed=True)
        return PayResult(self._charge_and_settle(account, payment), replayed=False)

    def pay_due(self, account_id: str, due: Due) -> Payment | None:
        """One attempt of a scheduled run. `due` decides, on the account as just read, what to pay; None: nothing was.

        The attempt's key is what the account itself counts, raised in the commit that ends it. So the account alone
        tells whether this attempt was made before: a second message finds it pending, or the count gone on.
        """

        def reserved() -> tuple[Account, Payment] | None:
            account = self._ledger.get(Key(Account, account_id))
            now = self._clock.now()
            decided = due(account, now) if account is not None else None
            if account is None or decided is None:
                return None
            if isinstance(decided, Change):
                self._ledger.commit(decided)
                return None
            if decided.payment_id in account.pending:
                return None
            payment = reserve(account, self._order(account, decided, None), now, self._policy)
            pending = account.pending | {payment.payment_id: payment}
            # May race: the same message delivered twice, a manual payment. The version decides who covers the invoices
            # first; the loser decides again and finds nothing left to pay.
            return self._ledger.commit(Change(account.model_copy(update={"pending": pending}))), payment

        held = until_committed(self._attempts, reserved)
        return self._charge_and_settle(*held) if held else None

    def cancel(self, account_id: str, payment_id: str, actor: Actor) -> PayResult:
        """Gives up a payment that waits for the customer. Answers it as it stands: canceled, or what the gateway says
        happened first. Raises Conflict("payment_not_cancelable") in any other state."""
        _, payment = self._booking.find(account_id, payment_id)
        if payment.status == "canceled":
            return PayResult(payment, replayed=True)
        if payment.status != "requires_action":
            raise Conflict("payment_not_cancelable", payment_id=payment_id, payment_status=payment.status)
        closed = self._booking.close(account_id, payment_id, Closing(actor))
        if closed.status == "requires_action":
            raise Unavailable("gateway_unavailable", retry_after_seconds=60)
        return PayResult(closed, replayed=False)

    def resolve(
        self, account_id: str, payment_id: str, resolution: Resolution, gateway_reference: str | None, operator: Actor
    ) -> PayResult:
        """Ends a parked payment with what an operator found out, and answers it as it stands; saying the same again
        changes nothing. Unless it succeeded, it is closed at the gateway first: whatever that says happened is booked
        instead.

        That the gateway shows nothing proves nothing, its lists lag: a charge or a decline has a reference, and without
        either only the gateway's own word ends the payment. Raises Invalid("reference_missing"), and
        Conflict("payment_not_resolvable") in any other state, and when it is to be canceled while the gateway does not
        say that nothing can be taken any more.
        """
        _, payment = self._booking.find(account_id, payment_id)
        if was_resolved(payment, resolution, gateway_reference):
            return PayResult(payment, replayed=True)
        if resolution != "canceled" and gateway_reference is None:
            raise Invalid("reference_missing", payment_id=payment_id)
        answer: Answer = Approved(gateway_reference) if resolution == "succeeded" else self._booking.fence(payment)
        if resolution == "canceled" and isinstance(answer, Unknown):
            raise not_resolvable(payment, "not_closed")
        if resolution == "declined" and isinstance(answer, (Unknown, Closed)):
            answer = Declined("declined_by_operator", "retry_later", gateway_reference)
        resolved = self._booking.resolve(account_id, payment_id, resolution, gateway_reference, answer, operator)
        return PayResult(resolved, replayed=False)

    def get(self, account_id: str, payment_id: str) -> Payment:
        _, payment = self._booking.find(account_id, payment_id)
        return payment

    def list(self, account_id: str, *, limit: int, cursor: str | None) -> Page[Payment]:
        """Newest first, pending and ended ones together. A payment keeps its place when it ends."""
        account = self._ledger.get(Key(Account, account_id))
        if account is None:
            raise NotFound("not_found")
        position = read_cursor(cursor, 1)
        after = position[0] if position else None
        ended = self._ledger.records(
            Payment, account_id, limit=limit + 1, after=after, newest_first=True, by="time_key"
        )
        pending = [p for p in account.pending.values() if after is None or p.time_key() < after]
        # Ended between the two reads: the record is the later truth.
        known = {p.payment_id for p in ended}
        merged = sorted([*ended, *(p for p in pending if p.payment_id not in known)], key=Payment.time_key)[::-1]
        return cut_page(merged, limit, Payment.time_key)

    def check(self, account_id: str, payment_id: str) -> Payment:
        """Asks the gateway what became of a pending payment, fences it, and books the answer. Safe at any time, any
        number of times.
        """
        return self._booking.close(account_id, payment_id, Closing(PAYDESK))

    def _read_for(self, request: PayRequest) -> tuple[Account, Payment | None, PaymentMethodRecord | None]:
        """The account, this request's payment and the method named, as of one moment."""
        account_key = Key(Account, request.account_id)
        payment_key = Key(Payment, request.account_id, request.payment_id)
        method: PaymentMethodRecord | None = None
        if request.payment_method_id is None:
            account, recorded = self._ledger.read(account_key, payment_key)
        else:
            method_key = Key(PaymentMethodRecord, request.account_id, request.payment_method_id)
            account, recorded, method = self._ledger.read(account_key, payment_key, method_key)
        if account is None:
            raise NotFound("not_found")
        return account, recorded, method

    def _order(self, account: Account, request: PayRequest, method: PaymentMethodRecord | None) -> PayOrder:
        return PayOrder(
            payment_id=request.payment_id,
            request_fingerprint=request.request_fingerprint,
            method=self._method(account, request, method),
            trigger=request.trigger,
            actor=request.actor,
            amount_minor=request.amount_minor,
            currency=request.currency,
            invoice_ids=request.invoice_ids,
            expected_payable_minor=request.expected_payable_minor,
        )

    def _method(self, account: Account, request: PayRequest, named: PaymentMethodRecord | None) -> MethodSnapshot:
        if request.payment_method_id is None:
            if account.default_method is None:
                raise Invalid("no_payment_method")
            method = account.default_method
        elif named is None or named.status == "removed":
            raise Invalid("method_not_usable", payment_method_id=request.payment_method_id, reason="not_found")
        else:
            method = snapshot(named)
        if method.gateway != self._gateway.name:
            raise Invalid("method_not_usable", payment_method_id=method.payment_method_id, reason="other_gateway")
        return method

    def _charge_and_settle(self, account: Account, payment: Payment) -> Payment:
        """The payment as it stands after the gateway was asked. Whatever breaks from there on, the payment is the
        answer: the money may be taken, and nobody must hear "failed". It stays pending, and the next check books it.
        """
        answer = self._charge(payment)
        try:
            return self._booking.settle(account, payment, answer)
        except Exception:  # see above
            named = {"account_id": payment.account_id, "payment_id": payment.payment_id}
            log.exception("payment_not_settled", extra=named)
            return payment

    def _charge(self, payment: Payment) -> Answer:
        """Sends the charge, unless the reservation has grown so old that a check may be closing it right now. Frozen
        between this look at the clock and the sending, the gateway's fence still holds."""
        if self._clock.now() - payment.reserved_at > self._policy.charge_within:
            return Unknown("reserved too long ago to be sent")
        return self._gateway.charge(
            Charge(
                payment_id=payment.payment_id,
                account_id=payment.account_id,
                amount_minor=payment.amount_minor,
                currency=payment.currency,
                method_reference=payment.method.gateway_reference,
                customer_present=payment.trigger == "manual",
            )
        )


def _same_request(standing: Payment, request: PayRequest) -> Payment:
    """The payment this key made. Raises Invalid("key_reused") when it was made by another body."""
    if standing.request_fingerprint != request.request_fingerprint:
        raise Invalid("key_reused", payment_id=standing.payment_id)
    return standing
