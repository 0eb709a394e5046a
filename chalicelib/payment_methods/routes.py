"""Payment methods and payment settings over HTTP."""

from chalicelib.auth.roles import Role
from chalicelib.core.errors import Invalid
from chalicelib.core.ids import fingerprint
from chalicelib.http.answers import REPLAYED, Answer
from chalicelib.http.endpoints import Call
from chalicelib.http.routing import Routes
from chalicelib.http.schemas import PageQuery
from chalicelib.payment_methods.schemas import (
    AddMethodBody,
    PaymentMethodList,
    PaymentMethodView,
    RemoveMethodQuery,
    UpdateMethodBody,
)
from chalicelib.payment_methods.service import AddCard

routes = Routes("payment_methods")

_METHODS = "/v1/accounts/{account_id}/payment-methods"
_METHOD = _METHODS + "/{payment_method_id}"


@routes.get(_METHODS, role=Role.VIEWER, query=PageQuery, answers={200: PaymentMethodList})
def list_payment_methods(call: Call, account_id: str, query: PageQuery) -> Answer:
    """List the payment methods of an account."""
    account, page = call.desk.payment_methods.list(account_id, limit=query.limit, cursor=query.cursor)
    views = tuple(PaymentMethodView.of(method, account, call.desk.clock.now()) for method in page.items)
    return Answer(200, PaymentMethodList(items=views, next_cursor=page.next_cursor))


@routes.post(
    _METHODS,
    role=Role.ADMIN,
    body=AddMethodBody,
    keyed=True,
    answers={201: PaymentMethodView},
    problems=(
        "kind_not_supported",
        "token_refused",
        "brand_not_supported",
        "method_not_usable",
        "limit_reached",
        "too_many_attempts",
        "key_reused",
        "gateway_unavailable",
    ),
)
def add_payment_method(call: Call, account_id: str, body: AddMethodBody) -> Answer:
    """Add a payment method.

    The first one becomes the default. The gateway's own form turns the card into the token that is sent here.
    """
    if body.kind != "card":
        raise Invalid("kind_not_supported", kind=body.kind)
    added = call.desk.payment_methods.add_card(
        AddCard(
            account_id=account_id,
            key=call.required_key,
            request_fingerprint=fingerprint(body.model_dump(mode="json", exclude_none=True)),
            actor=call.actor,
            gateway_token=body.gateway_token,
            make_default=body.make_default,
            billing_details=body.billing_details.model(),
        )
    )
    location = f"/v1/accounts/{account_id}/payment-methods/{added.method.payment_method_id}"
    headers = {"Location": location} | (REPLAYED if added.replayed else {})
    return Answer(201, PaymentMethodView.of(added.method, added.account, call.desk.clock.now()), headers)


@routes.get(_METHOD, role=Role.VIEWER, answers={200: PaymentMethodView})
def get_payment_method(call: Call, account_id: str, payment_method_id: str) -> Answer:
    """See one payment method."""
    found = call.desk.payment_methods.get(account_id, payment_method_id)
    return Answer(200, PaymentMethodView.of(found.method, found.account, call.desk.clock.now()))


@routes.patch(
    _METHOD,
    role=Role.ADMIN,
    body=UpdateMethodBody,
    answers={200: PaymentMethodView},
    problems=("expiry_not_applicable",),
)
def update_payment_method(call: Call, account_id: str, payment_method_id: str, body: UpdateMethodBody) -> Answer:
    """Change billing details or a card's expiry."""
    updated = call.desk.payment_methods.update(
        account_id,
        payment_method_id,
        call.actor,
        billing_details=body.billing_details.model_dump(exclude_unset=True) if body.billing_details else {},
        expires=body.expires,
    )
    return Answer(200, PaymentMethodView.of(updated.method, updated.account, call.desk.clock.now()))


@routes.delete(
    _METHOD,
    role=Role.ADMIN,
    query=RemoveMethodQuery,
    answers={204: None},
    problems=("default_method", "method_in_use", "method_not_usable"),
)
def remove_payment_method(call: Call, account_id: str, payment_method_id: str, query: RemoveMethodQuery) -> Answer:
    """Remove a payment method.

    Removing the default takes a choice: `on_default=disable_autopay` leaves no default, `on_default=promote` makes
    another method the default.
    """
    call.desk.payment_methods.remove(
        account_id, payment_method_id, call.actor, on_default=query.on_default, promote=query.promote
    )
    return Answer(204)
