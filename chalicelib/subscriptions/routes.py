"""Subscriptions over HTTP."""

from chalicelib.auth.roles import Role
from chalicelib.core.ids import fingerprint
from chalicelib.http.answers import REPLAYED, Answer
from chalicelib.http.endpoints import Call
from chalicelib.http.routing import Routes
from chalicelib.http.schemas import PageQuery
from chalicelib.subscriptions.schemas import (
    CreateSubscriptionBody,
    SubscriptionList,
    SubscriptionView,
    UpdateSubscriptionBody,
)
from chalicelib.subscriptions.service import SubscribeRequest

routes = Routes("subscriptions")

_SUBSCRIPTIONS = "/v1/accounts/{account_id}/subscriptions"
_SUBSCRIPTION = _SUBSCRIPTIONS + "/{subscription_id}"


@routes.get(_SUBSCRIPTIONS, role=Role.VIEWER, query=PageQuery, answers={200: SubscriptionList})
def list_subscriptions(call: Call, account_id: str, query: PageQuery) -> Answer:
    """List the subscriptions of an account."""
    page = call.desk.subscriptions.list(account_id, limit=query.limit, cursor=query.cursor)
    return Answer(
        200, SubscriptionList(items=tuple(map(SubscriptionView.of, page.items)), next_cursor=page.next_cursor)
    )


@routes.post(
    _SUBSCRIPTIONS,
    role=Role.OPERATOR,
    body=CreateSubscriptionBody,
    keyed=True,
    answers={201: SubscriptionView},
    problems=("wrong_currency", "limit_reached", "starts_in_the_past", "invoice_total", "key_reused"),
)
def create_subscription(call: Call, account_id: str, body: CreateSubscriptionBody) -> Answer:
    """Create a subscription, which issues an invoice each period."""
    subscription, replayed = call.desk.subscriptions.create(
        SubscribeRequest(
            account_id=account_id,
            key=call.required_key,
            request_fingerprint=fingerprint(body.model_dump(mode="json", exclude_none=True)),
            actor=call.actor,
            plan=body.plan,
            amount_minor=body.amount_minor,
            other_amount_minor=body.other_amount_minor,
            currency=body.currency,
            interval=body.interval,
            payment_terms_days=body.payment_terms_days,
            starts_on=body.starts_on,
        )
    )
    headers = {"Location": f"/v1/accounts/{account_id}/subscriptions/{subscription.subscription_id}"}
    return Answer(201, SubscriptionView.of(subscription), headers | (REPLAYED if replayed else {}))


@routes.get(_SUBSCRIPTION, role=Role.VIEWER, answers={200: SubscriptionView})
def get_subscription(call: Call, account_id: str, subscription_id: str) -> Answer:
    """See one subscription."""
    return Answer(200, SubscriptionView.of(call.desk.subscriptions.get(account_id, subscription_id)))


@routes.patch(
    _SUBSCRIPTION,
    role=Role.ADMIN,
    body=UpdateSubscriptionBody,
    answers={200: SubscriptionView},
    problems=("subscription_canceled",),
)
def update_subscription(call: Call, account_id: str, subscription_id: str, body: UpdateSubscriptionBody) -> Answer:
    """Change the interval, and with it the price, from the next renewal on; cancel, or undo a cancellation."""
    subscription = call.desk.subscriptions.change(
        account_id, subscription_id, call.actor, interval=body.interval, cancel=body.cancel_at_period_end
    )
    return Answer(200, SubscriptionView.of(subscription))


@routes.delete(_SUBSCRIPTION, role=Role.ADMIN, answers={200: SubscriptionView}, problems=("subscription_canceled",))
def cancel_subscription(call: Call, account_id: str, subscription_id: str) -> Answer:
    """Cancel at the end of the present period. PATCH with cancel_at_period_end false undoes it."""
    subscription = call.desk.subscriptions.change(account_id, subscription_id, call.actor, interval=None, cancel=True)
    return Answer(200, SubscriptionView.of(subscription))
