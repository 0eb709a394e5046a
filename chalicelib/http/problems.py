"""Errors of the tree become problem documents (RFC 9457): status, sentence, facts."""

from collections.abc import Mapping
from datetime import datetime
from math import ceil
from typing import Any

from chalicelib.core.clock import format_instant
from chalicelib.core.errors import PaydeskError
from chalicelib.http.answers import REPLAYED, Answer
from chalicelib.http.schemas import Problem
from chalicelib.messages import catalog

CONTENT_TYPE = "application/problem+json"

STATUS: Mapping[str, int] = {
    code: status
    for status, codes in {
        400: "malformed_request malformed_json empty_body key_missing key_too_long key_unreadable bad_cursor",
        401: "unauthorized",
        402: "payment_declined",
        403: "missing_role search_needs_operator",
        404: "not_found no_such_route no_such_run",
        405: "method_not_allowed",
        409: "nothing_to_pay balance_changed method_in_use default_method payment_not_cancelable invoice_not_voidable "
        "payment_not_resolvable",
        413: "body_too_large",
        422: "invalid_request card_number_refused key_reused amount_too_high wrong_currency no_payment_method "
        "method_not_usable brand_not_supported kind_not_supported token_refused too_many_invoices invoice_not_payable "
        "limit_reached one_search_at_a_time expiry_not_applicable invoice_dates invoice_total "
        "starts_in_the_past subscription_canceled reference_missing",
        429: "cooling_down too_many_attempts",
        500: "internal_error unreadable_record",
        502: "payment_canceled",
        503: "unavailable gateway_unavailable",
    }.items()
    for code in codes.split()
}
"""The HTTP status of every code."""


def answer_to(error: PaydeskError, locale: str, now: datetime, request_id: str) -> Answer:
    """The problem document of an error. A code without a status is a defect of ours and shows as internal_error.

    `retry_at` and `retry_after_seconds` also become Retry-After, `replayed` only a header. What is our own fault
    carries the request id, by which support finds the log.
    """
    code = error.code if error.code in STATUS else "internal_error"
    # What a defect is about is for the log: it may name tables and keys.
    facts = {} if STATUS[code] == 500 else dict(error.facts)
    headers = {"Content-Language": locale}
    if facts.pop("replayed", False):
        headers |= REPLAYED
    if code == "unauthorized":
        headers["WWW-Authenticate"] = "Bearer"
        facts = {}
    wait_seconds = _wait_seconds(facts, now)
    # A decline told again when its hour is over stays one, however long one waits: it takes a new key.
    over = code == "payment_declined" and facts.get("retry_at") is not None and facts["retry_at"] <= now
    if wait_seconds is not None and not over:
        headers["Retry-After"] = str(wait_seconds)
    if STATUS[code] >= 500:
        facts["request_id"] = request_id
    return Answer(STATUS[code], document(code, locale, facts), headers, content_type=CONTENT_TYPE)


def document(code: str, locale: str, facts: Mapping[str, Any]) -> Problem:
    """The document itself. Whatever answers in Paydesk's place, a gateway say, takes its words from here."""
    title, detail = catalog.sentence(code, locale, facts)
    members = {name: _plain(value) for name, value in facts.items() if value is not None}
    return Problem(type="about:blank", title=title, status=STATUS[code], detail=detail, code=code, **members)


def _wait_seconds(facts: Mapping[str, Any], now: datetime) -> int | None:
    """How long to wait, rounded up, at least a second: a client that comes a moment early is refused again."""
    retry_at: datetime | None = facts.get("retry_at")
    if retry_at is not None:
        return max(1, ceil((retry_at - now).total_seconds()))
    seconds: float | None = facts.get("retry_after_seconds")
    return None if seconds is None else max(1, ceil(seconds))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return format_instant(value)
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(inner) for inner in value]
    return value
