"""What API Gateway answers by itself: problem documents in Paydesk's own words.

One template for application/json is all API Gateway needs, whatever a client accepts; the header says what it is.
Any origin may read them: they hold nothing, and without that header a page of an allowed origin could not tell an
expired token from a broken network.
"""

import json
from typing import Any

import pytest

from chalicelib.http.problems import STATUS
from chalicelib.messages import catalog
from local.stage import Stage
from tests.infra.conftest import Package

ANSWERS = Stage().gateway_responses()
EVERY_RESPONSE_TYPE = {
    *("ACCESS_DENIED", "API_CONFIGURATION_ERROR", "AUTHORIZER_CONFIGURATION_ERROR", "AUTHORIZER_FAILURE"),
    *(
        "BAD_REQUEST_BODY",
        "BAD_REQUEST_PARAMETERS",
        "DEFAULT_4XX",
        "DEFAULT_5XX",
        "EXPIRED_TOKEN",
        "INTEGRATION_FAILURE",
    ),
    *("INTEGRATION_TIMEOUT", "INVALID_API_KEY", "INVALID_SIGNATURE", "MISSING_AUTHENTICATION_TOKEN", "QUOTA_EXCEEDED"),
    *("REQUEST_TOO_LARGE", "RESOURCE_NOT_FOUND", "THROTTLED", "UNAUTHORIZED", "UNSUPPORTED_MEDIA_TYPE", "WAF_FILTERED"),
}


def _document(response_type: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(ANSWERS[response_type]["responseTemplates"]["application/json"])
    return document


def _header(response_type: str, name: str) -> str:
    value: str = ANSWERS[response_type]["responseParameters"][f"gatewayresponse.header.{name}"]
    return value.removeprefix("'").removesuffix("'")


SHARED = [name for name in sorted(ANSWERS) if catalog.knows(_document(name)["code"])]


def test_they_are_merged_into_the_api(package: Package) -> None:
    assert package.properties("RestAPI")["DefinitionBody"]["x-amazon-apigateway-gateway-responses"] == ANSWERS


def test_there_is_one_for_everything_api_gateway_may_say() -> None:
    assert ANSWERS.keys() == EVERY_RESPONSE_TYPE


@pytest.mark.parametrize("response_type", sorted(ANSWERS))
def test_each_is_a_problem_document(response_type: str) -> None:
    document = _document(response_type)

    assert _header(response_type, "Content-Type") == "application/problem+json"
    assert document["type"] == "about:blank"
    assert document["status"] == ANSWERS[response_type]["statusCode"]
    assert document["title"]
    assert document["detail"]
    assert document["code"]
    assert (document.get("request_id") == "$context.requestId") == (document["status"] >= 500)


@pytest.mark.parametrize("response_type", SHARED)
def test_a_code_that_paydesk_uses_too_has_the_same_status_and_sentence(response_type: str) -> None:
    document = _document(response_type)
    facts = {name: value for name, value in document.items() if name not in ("title", "detail")}

    assert document["status"] == STATUS[document["code"]]
    assert (document["title"], document["detail"]) == catalog.sentence(document["code"], "en", facts)


@pytest.mark.parametrize(
    ("response_type", "status", "code"),
    [
        ("MISSING_AUTHENTICATION_TOKEN", 404, "no_such_route"),
        ("INVALID_SIGNATURE", 404, "no_such_route"),
        ("UNAUTHORIZED", 401, "unauthorized"),
        ("ACCESS_DENIED", 403, "forbidden"),
        ("REQUEST_TOO_LARGE", 413, "body_too_large"),
        ("THROTTLED", 429, "too_many_requests"),
        ("INTEGRATION_TIMEOUT", 504, "timeout"),
        ("INTEGRATION_FAILURE", 504, "timeout"),
    ],
)
def test_what_a_client_meets_has_a_status_and_a_code_to_act_on(response_type: str, status: int, code: str) -> None:
    """An unknown route with a bearer token is INVALID_SIGNATURE: API Gateway takes it for a bad AWS signature."""
    assert (_document(response_type)["status"], _document(response_type)["code"]) == (status, code)


def test_who_is_not_signed_in_is_told_how() -> None:
    assert _header("UNAUTHORIZED", "WWW-Authenticate") == "Bearer"


def test_who_asks_too_often_is_told_when_to_come_back() -> None:
    assert _header("THROTTLED", "Retry-After") == "1"
