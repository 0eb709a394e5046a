"""What happens to every request, in this order, before its view sees it.

    401  no caller, or the token has expired meanwhile
    404  an account that is not the caller's, before any role is looked at: its existence is nobody's business
    403  a role is missing
    413  the body is too large
    400  no usable Idempotency-Key, no usable JSON
    422  a card number, or anything else that the schemas refuse

Then the view runs, and whatever it raises becomes a problem document: Chalice shows middleware a finished 500, never
the exception, so it is caught here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

from aws_lambda_powertools import Logger
from chalice.app import Request, Response

from chalicelib import wiring
from chalicelib.auth.context import from_context
from chalicelib.auth.roles import Caller, Role
from chalicelib.core.clock import SystemClock
from chalicelib.core.errors import Broken, Forbidden, NotFound, PaydeskError
from chalicelib.http import metrics, problems, requests
from chalicelib.http.answers import Answer, respond
from chalicelib.http.endpoints import Call, Endpoint
from chalicelib.messages import catalog
from chalicelib.wiring import Desk

log = Logger(service="paydesk", child=False)


@dataclass
class Visit:
    """What the access log says of a request. Only what was checked gets in: no body, no token, no foreign text."""

    endpoint: Endpoint
    request_id: str
    account_id: str | None = None
    subject: str | None = None
    code: str | None = None


def serve(endpoint: Endpoint, request: Request, path: Mapping[str, str]) -> Response:
    """The response to a request. Raises nothing."""
    started = perf_counter()
    visit = Visit(endpoint, request_id_of(request))
    locale = catalog.negotiate(request.headers.get("accept-language"))
    desk: Desk | None = None
    try:
        desk = wiring.current()
        answer = _answer(desk, visit, request, path, locale)
    except Exception as error:  # noqa: BLE001  # the outermost frame of ours: nothing may pass as Chalice's own 500
        answer = _answer_to(error, visit, locale, desk)
    response = respond(answer, visit.request_id, desk.settings if desk else None, request.headers.get("origin"))
    _record(visit, answer.status, perf_counter() - started)
    return response


def request_id_of(request: Request) -> str:
    """Lambda's id of this run, which all of its log lines carry; API Gateway's where there is none."""
    run = getattr(request.lambda_context, "aws_request_id", None)
    return str(run or request.context.get("requestId", "unknown"))


def _answer(desk: Desk, visit: Visit, request: Request, path: Mapping[str, str], locale: str) -> Answer:
    endpoint, limits = visit.endpoint, desk.settings.limits
    caller = _admit(desk, visit, request, path) if endpoint.role is not None else None
    requests.check_path(path)
    text = requests.read_text(request, limits)
    key = requests.read_key(request, limits) if endpoint.keyed else None
    body = requests.read_body(text, endpoint.body, locale)
    query = requests.read_query(request, endpoint.query, limits, locale)
    arguments: dict[str, Any] = dict(path)
    if endpoint.body is not None:
        arguments["body"] = body
    if endpoint.query is not None:
        arguments["query"] = query
    return endpoint.view(Call(desk=desk, locale=locale, key=key, signed_in=caller), **arguments)


def _admit(desk: Desk, visit: Visit, request: Request, path: Mapping[str, str]) -> Caller:
    """The caller, who may use this endpoint for the account in the path. Raises Unauthorized, NotFound, Forbidden."""
    # The token's own clock: moving Paydesk's (a laptop's demo does) must not let tokens expire or live longer.
    caller = from_context(request.context.get("authorizer"), datetime.now(UTC))
    visit.subject = caller.subject
    account_id = path.get("account_id")
    if account_id is not None and not caller.reaches(account_id):
        raise NotFound
    requests.check_path(path)
    visit.account_id = account_id
    role = visit.endpoint.role
    if role is not None and not caller.has(role, account_id):
        if account_id is not None and account_id not in caller.account_ids:
            desk.accounts.get(
                account_id
            )  # an operator reaches every account there is, and no other: NotFound comes first
        if role is Role.ADMIN and caller.has(Role.OPERATOR):
            raise Forbidden(missing_role=role.value, reason="for_the_customer")
        raise Forbidden(missing_role=role.value)
    return caller


def _answer_to(error: Exception, visit: Visit, locale: str, desk: Desk | None) -> Answer:
    told = error if isinstance(error, PaydeskError) else Broken("internal_error")
    now = (desk.clock if desk else SystemClock()).now()
    answer = problems.answer_to(told, locale, now, visit.request_id)
    if answer.status == 500:
        log.error(
            "request_failed",
            exc_info=error,
            request_id=visit.request_id,
            route=visit.endpoint.path,
            account_id=visit.account_id,
        )
    visit.code = told.code
    return answer


def _record(visit: Visit, status: int, seconds: float) -> None:
    log.info(
        "request",
        method=visit.endpoint.method,
        route=visit.endpoint.path,
        status=status,
        account_id=visit.account_id,
        subject=visit.subject,
        code=visit.code,
        duration_ms=round(seconds * 1000, 1),
        request_id=visit.request_id,
    )
    metrics.count_request(status)
