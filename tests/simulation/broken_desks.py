"""Paydesks whose services give wrong answers on purpose."""

from dataclasses import replace
from typing import Any

from chalicelib.core.errors import Conflict, Invalid, Refused, Unavailable
from chalicelib.payments.models import Payment
from chalicelib.payments.service import PayRequest, PayResult
from chalicelib.wiring import Desk


class InFrontOf:
    """A service that differs from the real one in one method."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


class AnswersEveryBody(InFrontOf):
    """Answers a key's payment, whatever else was asked for under the key."""

    def pay(self, request: PayRequest) -> PayResult:
        try:
            paid: PayResult = self._real.pay(request)
        except Invalid as refused:
            if refused.code != "key_reused":
                raise
            paid = PayResult(self._real.get(request.account_id, request.payment_id), replayed=True)
        return paid


class RefusesWhatItCharged(InFrontOf):
    """Says that nothing was charged."""

    def pay(self, request: PayRequest) -> PayResult:
        paid = self._real.pay(request)
        raise Unavailable(retry_after_seconds=1, payment_id=paid.payment.payment_id)


class TellsOfAnother(InFrontOf):
    """Shows whoever is refused the payment of somebody who was not."""

    last: Payment | None = None

    def pay(self, request: PayRequest) -> PayResult:
        try:
            paid: PayResult = self._real.pay(request)
        except Refused:
            if self.last is None:
                raise
            shown = {"payment_id": request.payment_id, "request_fingerprint": request.request_fingerprint}
            return PayResult(self.last.model_copy(update=shown), replayed=False)
        self.last = paid.payment
        return paid


class DeclinesWhatIsOpen(InFrontOf):
    """Says of a payment under way that it was declined."""

    def pay(self, request: PayRequest) -> PayResult:
        paid: PayResult = self._real.pay(request)
        pending = paid.payment.settled_at is None
        return PayResult(paid.payment.model_copy(update={"status": "declined"}), replayed=False) if pending else paid


class FindsNothingToPay(InFrontOf):
    def pay(self, request: PayRequest) -> PayResult:
        raise Conflict("nothing_to_pay", payment_id=request.payment_id)


class RemovesNothing(InFrontOf):
    """Says that a card is removed, and keeps it."""

    def remove(self, *_: object, **__: object) -> None: ...


def paying_with(service: type[InFrontOf]) -> Any:
    def around(desk: Desk) -> Desk:
        payments: Any = service(desk.payments)
        return replace(desk, payments=payments)

    return around


def removing_nothing(desk: Desk) -> Desk:
    methods: Any = RemovesNothing(desk.payment_methods)
    return replace(desk, payment_methods=methods)
