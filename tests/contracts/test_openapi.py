"""The OpenAPI document as it is served, and that holding answers to it finds what it should.

The journeys hold every answer to it (tests/support/contract.py); how it is made is tested in tests/http.
"""

import json
import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
from chalice.app import Chalice
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import BaseModel, ValidationError

from chalicelib.accounts.schemas import RecipientsBody
from chalicelib.payment_methods.schemas import UpdateMethodBody
from chalicelib.subscriptions.schemas import CreateSubscriptionBody, UpdateSubscriptionBody
from tests.support.client import ApiAnswer
from tests.support.contract import Contract
from tests.support.engines import Engine
from tests.support.stack import stack_on
from tests.support.tokens import Tokens

ACCOUNT = "/v1/accounts/acc_1"
OURS = {"cache-control": "no-store", "x-request-id": "1"}
"""Headers of every answer of the app's own."""


@pytest.fixture(scope="module")
def contract(moto: Engine, app: Chalice, tokens: Tokens) -> Contract:
    with stack_on(moto, app, tokens) as stack:
        answer = stack.client().get("/openapi.json")
        assert answer.headers["content-type"] == "application/json; charset=utf-8"
        return Contract(answer.body)


def operations(contract: Contract) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, path and what the document says of it."""
    for path, methods in contract.document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def test_the_document_is_valid_openapi_3_1(contract: Contract) -> None:
    assert contract.document["openapi"].startswith("3.1.")
    assert [error.message for error in OpenAPIV31SpecValidator(contract.document).iter_errors()] == []


def test_the_document_describes_the_routes_of_the_app_and_no_others(contract: Contract, app: Chalice) -> None:
    routed = {(method, path) for path, methods in app.routes.items() for method in methods if method != "OPTIONS"}

    assert {(method, path) for method, path, _ in operations(contract)} == routed


@pytest.mark.parametrize(
    ("schema", "body"),
    [
        *((UpdateMethodBody, body) for body in ({}, {"billing_details": None}, {"expires_month": 1})),
        *((UpdateMethodBody, {"billing_details": {}} | more) for more in ({}, {"expires_year": 2030})),
        (UpdateMethodBody, {"expires_month": 1, "expires_year": None}),
        (UpdateMethodBody, {"billing_details": None, "expires_month": 1, "expires_year": 2030}),
        (UpdateMethodBody, {"billing_details": {}, "expires_month": None, "expires_year": None}),
        *((UpdateSubscriptionBody, body) for body in ({}, {"interval": None}, {"interval": "annual"})),
        (UpdateSubscriptionBody, {"interval": None, "cancel_at_period_end": False}),
        *((RecipientsBody, {"invoice_recipients": [f"a{sign}@example.com"]}) for sign in ("", " ", "\x07", "\x85")),
        *(
            (CreateSubscriptionBody, {"plan": "Team", "amount_minor": 1, "interval": "monthly"} | more)
            for more in (
                *({"starts_on": f"{year}-01-01"} for year in ("1899", "1900", "2999", "3000")),
                *({"currency": code} for code in ("EUR", "eur", "", "XXX")),
            )
        ),
    ],
    ids=str,
)
def test_a_body_fits_the_document_if_and_only_if_the_app_takes_it(
    contract: Contract, schema: type[BaseModel], body: dict[str, Any]
) -> None:
    declared = {"$ref": f"#/components/schemas/{schema.__name__}"}
    fits = OAS31Validator({**declared, "components": contract.document["components"]}).is_valid(body)
    try:
        schema.model_validate_json(json.dumps(body))
    except ValidationError:
        assert not fits
    else:
        assert fits


def texts_taken(contract: Contract) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every text that a body may state, by its path in the document, and what the document says of it."""

    def walk(place: str, schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
        if "$ref" in schema:
            yield from walk(place, contract.document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]])
        for choice in schema.get("anyOf", []):
            yield from walk(place, choice)
        for name, field in schema.get("properties", {}).items():
            yield from walk(f"{place}.{name}", field)
        if "items" in schema:
            yield from walk(f"{place}[]", schema["items"])
        if schema.get("type") == "string":
            yield place, schema

    for _, _, operation in operations(contract):
        if "requestBody" in operation:
            (content,) = operation["requestBody"]["content"].values()
            yield from walk(operation["operationId"], content["schema"])


def test_every_text_a_body_takes_has_a_form_that_hides_nothing(contract: Contract) -> None:
    texts = dict(texts_taken(contract))
    free = {place: schema for place, schema in texts.items() if not schema.keys() & {"enum", "const", "format"}}

    # No pattern can list the time zones there are; the app looks each up.
    assert {place for place, schema in free.items() if "pattern" not in schema} == {"open_account.time_zone"}
    forms = {schema["pattern"] for schema in free.values() if "pattern" in schema}
    assert len(free) > 10
    for sign in "\0\n\u2028\u200b\u202e\ufeff\ufffd":
        for text in (f"a{sign}b", f"a{sign}b@example.com"):
            assert [form for form in forms if re.search(form, text)] == []


def test_every_example_of_a_problem_keeps_to_the_document(contract: Contract) -> None:
    shown = 0
    for method, path, operation in operations(contract):
        for status, response in operation["responses"].items():
            content = response.get("content", {}).get("application/problem+json", {})
            for code in content.get("examples", {}):
                problem = contract.document["components"]["examples"][code]["value"]
                assert problem["code"] == code
                headers = OURS | {"content-type": "application/problem+json", "retry-after": "1"}
                answer = ApiAnswer(int(status), headers, json.dumps(problem).encode())
                contract.check(method, path.replace("{", "").replace("}", ""), b"", answer)
                shown += 1

    assert shown > 100


def test_the_page_at_docs_tells_a_reader_every_route_and_every_refusal(
    moto: Engine, app: Chalice, tokens: Tokens, contract: Contract
) -> None:
    with stack_on(moto, app, tokens) as stack:
        page = stack.client().get("/docs")
    text = unescape(page.text)

    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.text.startswith("<!doctype html>")
    for _, path, operation in operations(contract):
        assert path in text
        assert operation["summary"] in text
        for response in operation["responses"].values():
            for code in response.get("content", {}).get("application/problem+json", {}).get("examples", {}):
                assert code in text


def problem(status: int = 404, code: str = "not_found", *, says: int | None = None, **members: Any) -> ApiAnswer:
    """A refusal; `says` is the status it names, where that is another one than it has."""
    body = {"type": "about:blank", "title": "None", "status": says or status, "detail": "None at all.", "code": code}
    body |= members
    headers = OURS | {"content-type": "application/problem+json"}
    return ApiAnswer(status, headers, json.dumps({k: v for k, v in body.items() if v is not None}).encode())


def recipients(body: Any, *, status: int = 200, **headers: str) -> ApiAnswer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return ApiAnswer(status, OURS | {"content-type": "application/json"} | named, json.dumps(body).encode())


RIGHT = {"invoice_recipients": ["ap@example.com"]}


def test_what_keeps_to_the_document_passes(contract: Contract) -> None:
    contract.check("GET", f"{ACCOUNT}/invoice-recipients", b"", recipients(RIGHT))
    contract.check("PUT", f"{ACCOUNT}/invoice-recipients", json.dumps(RIGHT).encode(), recipients(RIGHT))
    contract.check("GET", ACCOUNT, b"", problem())
    contract.check("GET", "/no/such/address", b"", problem(code="no_such_route"))


@pytest.mark.parametrize(
    "answer",
    [
        recipients({}),
        recipients(RIGHT | {"more": 1}),
        recipients({"invoice_recipients": [5]}),
        recipients({"invoice_recipients": None}),
        recipients(RIGHT, status=201),
        recipients(RIGHT, status=299),
        recipients(RIGHT, content_type="text/plain"),
        recipients(RIGHT, cache_control="public"),
        problem(404, "no_such_code"),
        problem(404, "not_found", says=403),
        problem(418, "not_found"),
        problem(404, "not_found", title=None),
        problem(404, "not_found", detail=""),
        problem(404, "not_found", detail="At most ? can be paid."),
        problem(404, "not_found", detail="At most {payable} can be paid."),
        problem(503, "unavailable", retry_after_seconds=1),
        problem(422, "invalid_request", errors=[{"field": "a", "problem": "wrong", "value": 5}]),
        ApiAnswer(404, OURS | {"content-type": "application/json"}, b"{}"),
    ],
    ids=[
        "a member missing",
        "one too many",
        "another type",
        "null",
        "another status",
        "an unknown status",
        "another content type",
        "kept by caches",
        "a code that is not documented",
        "a status that is not the answer's",
        "a status that is not documented",
        "no title",
        "no detail",
        "a forgotten fact",
        "a placeholder",
        "no Retry-After",
        "a value repeated",
        "no problem document",
    ],
)
def test_what_breaks_the_document_is_found(contract: Contract, answer: ApiAnswer) -> None:
    with pytest.raises((AssertionError, KeyError)):
        contract.check("GET", f"{ACCOUNT}/invoice-recipients", b"", answer)


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("PUT", f"{ACCOUNT}/invoice-recipients", b'{"recipients": []}'),
        ("PUT", f"{ACCOUNT}/invoice-recipients", b'{"invoice_recipients": "ap@example.com"}'),
        ("GET", f"{ACCOUNT}/invoice-recipients", b'{"a": 1}'),
        ("GET", f"{ACCOUNT}/invoice-recipients?colour=blue", b""),
        ("GET", "/v1/no/such/address", b""),
    ],
    ids=["an unknown field", "another type", "a body where none is taken", "an unknown parameter", "an unknown route"],
)
def test_accepting_what_the_document_does_not_allow_is_found(
    contract: Contract, method: str, target: str, body: bytes
) -> None:
    with pytest.raises((AssertionError, KeyError)):
        contract.check(method, target, body, recipients(RIGHT))
