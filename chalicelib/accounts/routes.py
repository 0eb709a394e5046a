"""Accounts over HTTP."""

from chalicelib.accounts.schemas import (
    AccountList,
    AccountsQuery,
    AccountView,
    OpenAccountBody,
    RecipientsBody,
    RecipientsView,
)
from chalicelib.accounts.service import OpenRequest
from chalicelib.auth.roles import Role
from chalicelib.core.errors import Forbidden, Invalid
from chalicelib.core.ids import fingerprint
from chalicelib.http.answers import REPLAYED, Answer
from chalicelib.http.endpoints import Call
from chalicelib.http.routing import Routes

routes = Routes("accounts")


@routes.get(
    "/v1/accounts",
    role=Role.VIEWER,
    query=AccountsQuery,
    answers={200: AccountList},
    problems=("search_needs_operator", "one_search_at_a_time"),
)
def list_accounts(call: Call, query: AccountsQuery) -> Answer:
    """List accounts.

    A viewer sees the accounts of the token. An operator sees all, or finds one by the beginning of its name, by
    the id of a payment, or by the gateway's reference of one. While very many payments are pending, the answer may be
    empty and `next_cursor` lead on.
    """
    accounts = call.desk.accounts
    searched = [given for given in (query.name, query.payment_id, query.gateway_reference) if given is not None]
    if not call.caller.has(Role.OPERATOR):
        if searched:
            raise Forbidden("search_needs_operator", missing_role=Role.OPERATOR.value)
        page = accounts.own(sorted(call.caller.account_ids), limit=query.limit, cursor=query.cursor)
    elif len(searched) > 1:
        raise Invalid("one_search_at_a_time")
    elif query.name is not None:
        page = accounts.named(query.name, limit=query.limit, cursor=query.cursor)
    elif query.payment_id is not None:
        page = accounts.of_payment(query.payment_id, cursor=query.cursor)
    elif query.gateway_reference is not None:
        page = accounts.of_gateway_reference(query.gateway_reference, cursor=query.cursor)
    else:
        page = accounts.all(limit=query.limit, cursor=query.cursor)
    views = tuple(AccountView.of(account, call.desk.clock) for account in page.items)
    unreadable = tuple(page.unreadable)
    return Answer(200, AccountList(items=views, next_cursor=page.next_cursor, unreadable_account_ids=unreadable))


@routes.post(
    "/v1/accounts",
    role=Role.OPERATOR,
    body=OpenAccountBody,
    keyed=True,
    answers={201: AccountView},
    problems=("key_reused", "limit_reached"),
)
def open_account(call: Call, body: OpenAccountBody) -> Answer:
    """Open an account for a customer."""
    _refuse_too_many(call, body.invoice_recipients)
    account, replayed = call.desk.accounts.open(
        OpenRequest(
            key=call.required_key,
            request_fingerprint=fingerprint(body.model_dump(mode="json", exclude_none=True)),
            actor=call.actor,
            name=body.name,
            currency=body.currency,
            locale=body.locale,
            time_zone=body.time_zone,
            invoice_recipients=body.invoice_recipients,
        )
    )
    headers = {"Location": f"/v1/accounts/{account.account_id}"} | (REPLAYED if replayed else {})
    return Answer(201, AccountView.of(account, call.desk.clock), headers)


@routes.get("/v1/accounts/{account_id}", role=Role.VIEWER, answers={200: AccountView})
def get_account(call: Call, account_id: str) -> Answer:
    """See an account: balance, services, default method, autopay, cooldown."""
    return Answer(200, AccountView.of(call.desk.accounts.get(account_id), call.desk.clock))


@routes.get("/v1/accounts/{account_id}/invoice-recipients", role=Role.VIEWER, answers={200: RecipientsView})
def get_invoice_recipients(call: Call, account_id: str) -> Answer:
    """See who gets the invoices."""
    return Answer(200, RecipientsView(invoice_recipients=call.desk.accounts.get(account_id).invoice_recipients))


@routes.put(
    "/v1/accounts/{account_id}/invoice-recipients",
    role=Role.ADMIN,
    body=RecipientsBody,
    answers={200: RecipientsView},
    problems=("limit_reached",),
)
def put_invoice_recipients(call: Call, account_id: str, body: RecipientsBody) -> Answer:
    """Set who gets the invoices."""
    _refuse_too_many(call, body.invoice_recipients)
    account = call.desk.accounts.put_recipients(account_id, body.invoice_recipients, call.actor)
    return Answer(200, RecipientsView(invoice_recipients=account.invoice_recipients))


def _refuse_too_many(call: Call, recipients: tuple[str, ...]) -> None:
    limit = call.desk.settings.limits.recipients
    if len(recipients) > limit:
        raise Invalid("limit_reached", what="recipients", limit=limit)
