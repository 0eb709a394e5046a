"""Payments over HTTP."""

from chalicelib.auth.roles import Role
from chalicelib.core.errors import PaymentCanceled, PaymentDeclined
from chalicelib.core.ids import fingerprint
from chalicelib.http.answers import REPLAYED, Answer
from chalicelib.http.endpoints import Call
from chalicelib.http.routing import Routes
from chalicelib.payments.models import Payment
from chalicelib.payments.moves import PENDING
from chalicelib.payments.schemas import (
    NEXT_BEST_ACTION,
    PayBody,
    PaymentList,
    PaymentsQuery,
    PaymentView,
    PendingPaymentsQuery,
    ResolveBody,
)
from chalicelib.payments.service import PayRequest, PayResult

routes = Routes("payments")

_PAYMENTS = "/v1/accounts/{account_id}/payments"
_PAYMENT = _PAYMENTS + "/{payment_id}"


@routes.post(
    _PAYMENTS,
    role=Role.ADMIN,
    body=PayBody,
    keyed=True,
    answers={201: PaymentView, 202: PaymentView},
    problems=(
        "payment_declined",
        "payment_canceled",
        "nothing_to_pay",
        "balance_changed",
        "key_reused",
        "no_payment_method",
        "method_not_usable",
        "amount_too_high",
        "wrong_currency",
        "invoice_not_payable",
        "too_many_invoices",
        "limit_reached",
        "cooling_down",
    ),
)
def pay(call: Call, account_id: str, body: PayBody) -> Answer:
    """Pay the current balance, a part of it, or the invoices named.

    201: the money is taken. 202: it is on its way, or the customer has to act first (`next_action`). The same
    Idempotency-Key always answers this one payment, as it stands by then; a decline is final for its key.
    """
    result = call.desk.payments.pay(
        PayRequest(
            account_id=account_id,
            key=call.required_key,
            request_fingerprint=fingerprint(body.model_dump(mode="json", exclude_none=True)),
            actor=call.actor,
            payment_method_id=body.payment_method_id,
            amount_minor=body.amount_minor,
            currency=body.currency,
            invoice_ids=body.invoice_ids,
            expected_payable_minor=body.expected_payable_minor,
        )
    )
    return _stands(call, result.payment, replayed=result.replayed)


@routes.get(_PAYMENTS, role=Role.VIEWER, query=PaymentsQuery, answers={200: PaymentList})
def list_payments(call: Call, account_id: str, query: PaymentsQuery) -> Answer:
    """List payments, newest first, pending and ended ones together."""
    page = call.desk.payments.list(account_id, limit=query.limit, cursor=query.cursor)
    views = tuple(_view(call, payment) for payment in page.items)
    return Answer(200, PaymentList(items=views, next_cursor=page.next_cursor))


@routes.get(_PAYMENT, role=Role.VIEWER, answers={200: PaymentView})
def get_payment(call: Call, account_id: str, payment_id: str) -> Answer:
    """See one payment."""
    return Answer(200, _view(call, call.desk.payments.get(account_id, payment_id)))


@routes.get("/v1/pending-payments", role=Role.OPERATOR, query=PendingPaymentsQuery, answers={200: PaymentList})
def list_pending_payments(call: Call, query: PendingPaymentsQuery) -> Answer:
    """List pending payments of all accounts, such as those that are parked, in no particular order.

    A page may hold fewer than asked for, or none: only a `next_cursor` of null ends the list.
    """
    page = call.desk.pending_payments.page(
        lambda payment: query.status in (None, payment.status), limit=query.limit, cursor=query.cursor
    )
    views = tuple(_view(call, payment) for payment in page.items)
    return Answer(200, PaymentList(items=views, next_cursor=page.next_cursor))


@routes.post(
    _PAYMENT + "/cancel",
    role=Role.ADMIN,
    keyed=True,
    answers={200: PaymentView},
    problems=("payment_not_cancelable", "gateway_unavailable"),
)
def cancel_payment(call: Call, account_id: str, payment_id: str) -> Answer:
    """Give up a payment that waits for you to authenticate it.

    Should the money have been taken already, the answer shows the payment as succeeded.
    """
    return _done(call, call.desk.payments.cancel(account_id, payment_id, call.actor))


@routes.post(
    _PAYMENT + "/resolve",
    role=Role.OPERATOR,
    body=ResolveBody,
    keyed=True,
    answers={200: PaymentView},
    problems=("payment_not_resolvable", "reference_missing"),
)
def resolve_payment(call: Call, account_id: str, payment_id: str, body: ResolveBody) -> Answer:
    """Say what became of a parked payment, which no check could find out.

    Unless it succeeded, it is closed at the gateway first. Should that say the money was taken after all, the answer
    shows the payment as succeeded. Should it say nothing, `declined` is believed and `canceled` refused (reason
    `not_closed`): it is asked every day, and what it says then ends the payment by itself. The same resolution sent
    again changes nothing; another one is refused and told what was said before (reason `already_resolved`).
    """
    resolved = call.desk.payments.resolve(account_id, payment_id, body.outcome, body.gateway_reference, call.actor)
    return _done(call, resolved)


def _view(call: Call, payment: Payment) -> PaymentView:
    return PaymentView.of(payment, call.locale, call.desk.settings.cooldown_scope)


def _done(call: Call, result: PayResult) -> Answer:
    return Answer(200, _view(call, result.payment), REPLAYED if result.replayed else {})


def _stands(call: Call, payment: Payment, *, replayed: bool) -> Answer:
    """The answer to the request that made the payment, as it stands now. Raises PaymentFailed for one without money."""
    if payment.status == "declined" and payment.decline is not None:
        raise PaymentDeclined(
            payment_id=payment.payment_id,
            decline_code=payment.decline.code,
            decline_class=payment.decline.decline_class,
            retry_at=payment.retry_at,
            next_best_action=NEXT_BEST_ACTION[payment.decline.decline_class],
            scope=call.desk.settings.cooldown_scope,
            replayed=replayed,
        )
    if payment.status == "canceled":
        raise PaymentCanceled(payment_id=payment.payment_id, replayed=replayed)
    location = f"/v1/accounts/{payment.account_id}/payments/{payment.payment_id}"
    headers = {"Location": location} | (REPLAYED if replayed else {})
    return Answer(202 if payment.status in PENDING else 201, _view(call, payment), headers)
