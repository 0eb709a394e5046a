"""Every error of the tree has its place among the HTTP statuses."""

from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.core import errors
from chalicelib.http.problems import STATUS, answer_to, document
from tests.messages.test_sentences import raised

NOW = datetime(2026, 11, 23, 15, 36, 15, tzinfo=UTC)
BY_KIND = {
    errors.Malformed: {400},
    errors.Unauthorized: {401},
    errors.Forbidden: {403},
    errors.NotFound: {404},
    errors.Conflict: {409},
    errors.TooLarge: {413},
    errors.Invalid: {422},
    errors.TooSoon: {429},
    errors.PaymentDeclined: {402},
    errors.PaymentCanceled: {502},
    errors.Unavailable: {503},
    errors.Broken: {500},
}


@pytest.mark.parametrize(("kind", "statuses"), BY_KIND.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_a_kind_of_error_has_one_status(kind: type[errors.PaydeskError], statuses: set[int]) -> None:
    codes = {refusal.code for refusal in raised() if refusal.kind is kind and refusal.code in STATUS}

    assert {STATUS[code] for code in codes} <= statuses
    assert STATUS[kind.default_code] in statuses or kind in (errors.Conflict, errors.TooSoon)


@pytest.mark.parametrize(
    ("wait", "seconds"),
    [
        (timedelta(hours=1), "3600"),
        (timedelta(milliseconds=1), "1"),
        (timedelta(seconds=59, milliseconds=1), "60"),
        (timedelta(0), "1"),
        (timedelta(days=-1), "1"),
    ],
)
def test_who_waits_as_long_as_told_is_not_too_early(wait: timedelta, seconds: str) -> None:
    answer = answer_to(errors.TooSoon("cooling_down", retry_at=NOW + wait), "en", NOW, "request-1")

    assert answer.headers["Retry-After"] == seconds


def test_a_decline_told_again_after_its_hour_sends_nobody_waiting() -> None:
    declined = errors.PaymentDeclined(payment_id="pay_1", decline_class="retry_later", retry_at=NOW)
    assert answer_to(declined, "en", NOW - timedelta(seconds=9), "request-1").headers["Retry-After"] == "9"
    assert "Retry-After" not in answer_to(declined, "en", NOW, "request-1").headers


def test_facts_become_members_in_plain_json() -> None:
    told = document("cooling_down", "en", {"retry_at": NOW, "scope": "account", "seen": (frozenset({1}), {"at": NOW})})

    assert told.model_dump(mode="json") == {
        "type": "about:blank",
        "title": "It is too early to try again",
        "status": 429,
        "detail": (
            "The last payment was declined. Nothing was charged now; try again at 2026-11-23 15:36:15 UTC or later."
        ),
        "code": "cooling_down",
        "retry_at": "2026-11-23T15:36:15.000Z",
        "scope": "account",
        "seen": [[1], {"at": "2026-11-23T15:36:15.000Z"}],
    }


@pytest.mark.parametrize("error", [errors.PaymentCanceled(payment_id="pay_1"), errors.Unavailable()])
def test_what_is_not_the_callers_fault_carries_the_request_id(error: errors.PaydeskError) -> None:
    body = answer_to(error, "en", NOW, "request-1").body

    assert body is not None
    assert body.model_dump()["request_id"] == "request-1"


def test_why_a_token_was_refused_is_not_told() -> None:
    body = answer_to(errors.Unauthorized(reason="InvalidSignatureError"), "en", NOW, "request-1").body

    assert body is not None
    assert "InvalidSignatureError" not in body.model_dump_json()
