"""Addresses, queries and headers that mean nothing here: answered in the one problem format, and nothing is written."""

import base64
import json
import re
from collections.abc import Mapping

import pytest
from chalice.app import Chalice
from chalice.test import Client as ChaliceClient

from chalicelib.http.schemas import PageQuery
from tests.journeys.all_routes import ENDPOINTS, OF_A_RECORD, OF_AN_ACCOUNT, Untouched, ask, body_of, name_of, path_of
from tests.journeys.customer import Customer
from tests.support.client import ApiAnswer, ApiClient
from tests.support.contents import contents

PAGED = [endpoint for endpoint in ENDPOINTS if endpoint.query is not None and issubclass(endpoint.query, PageQuery)]
WEIRD = {
    "dots": "..",
    "encoded dots": "%2e%2e%2f%2e%2e",
    "a slash": "a%2Fb",
    "a null": "a%00b",
    "a line break": "a%0d%0aSet-Cookie:%20x=1",
    "a blank": "%20",
    "an emoji": "%F0%9F%92%B3",
    "an umlaut": "%C3%BC",
    "too long": "x" * 129,
    "endless": "x" * 6_000,
    "a quote": "'%20OR%20'1'='1",
    "a script": "%3Cscript%3E",
    "a template": "%24%7Bjndi:ldap:x%7D",
    "a star": "*",
    "a hash": "%23",
    "a name with a colon": "arn:aws:iam::1:user",
}


def encoded(*position: object) -> str:
    """A cursor that looks like one of ours."""
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode().rstrip("=")


def as_it_stands(
    client: ApiClient, path: str, method: str = "GET", headers: Mapping[str, str] | None = None, body: bytes = b""
) -> ApiAnswer:
    """An address in these very characters: the client encodes none of them."""
    return client.transport(method, path, {"Authorization": f"Bearer {client.token}", **(headers or {})}, body)


@pytest.mark.parametrize("path", ["/", "/v1", "/v2/accounts", "/V1/accounts", "/v1/account", "//v1/accounts", "/admin"])
@pytest.mark.parametrize("signed_in", [True, False], ids=["signed in", "not signed in"])
def test_an_unknown_address_is_404_in_the_same_format(untouched: Untouched, path: str, signed_in: bool) -> None:
    client = untouched.everybody_at_once() if signed_in else untouched.stack.client()

    answer = client.get(path)

    assert (answer.status, answer.code) == (404, "no_such_route")
    assert "/docs" in answer.body["detail"]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "HEAD", "TRACE", "BREW"])
def test_an_address_with_another_method_is_unknown_to_api_gateway(untouched: Untouched, method: str) -> None:
    assert as_it_stands(untouched.everybody_at_once(), "/v1/accounts", method).code == "no_such_route"


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_a_method_not_allowed_is_405_where_it_reaches_the_app(app: Chalice, untouched: Untouched, method: str) -> None:
    """Chalice's own local gateway asks the app, which API Gateway does not."""
    client = ChaliceClient(app)
    token = untouched.acme.customer.client.token

    answer = client.http.request(method, "/v1/accounts", {"Authorization": f"Bearer {token}"})

    assert answer.status_code == 405
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json_body["code"] == "method_not_allowed"


@pytest.mark.parametrize("weird", WEIRD.values(), ids=WEIRD)
def test_a_weird_account_is_404_on_every_route(untouched: Untouched, weird: str) -> None:
    for endpoint in OF_AN_ACCOUNT:
        path = path_of(endpoint, untouched.acme.ids() | {"account_id": weird})
        callers = [untouched.acme.customer.client, *([untouched.stack.operator()] if endpoint.method == "GET" else [])]
        for caller in callers:
            answer = as_it_stands(caller, path, endpoint.method)

            assert (answer.status, answer.code) == (404, "not_found"), name_of(endpoint)


@pytest.mark.parametrize("weird", WEIRD.values(), ids=WEIRD)
def test_a_weird_record_is_404_on_every_route(untouched: Untouched, weird: str) -> None:
    for endpoint in OF_A_RECORD:
        ids = dict.fromkeys(untouched.acme.ids(), weird) | {"account_id": untouched.acme.account_id}
        headers = {"Idempotency-Key": "new-1"} if endpoint.keyed else {}
        body = json.dumps(body_of(endpoint, untouched.acme) or {}).encode()
        answer = as_it_stands(untouched.everybody_at_once(), path_of(endpoint, ids), endpoint.method, headers, body)

        assert (answer.status, answer.code) == (404, "not_found"), name_of(endpoint)


@pytest.mark.parametrize("unreadable", ["%ff", "%c3%28", "a%80b"])
def test_an_address_that_is_no_text_is_400(untouched: Untouched, unreadable: str) -> None:
    answer = as_it_stands(untouched.everybody_at_once(), f"/v1/accounts/{unreadable}")

    assert (answer.status, answer.code) == (400, "malformed_request")


def test_an_id_of_another_kind_of_record_is_404(untouched: Untouched) -> None:
    for endpoint in OF_A_RECORD:
        own = re.findall(r"{(\w+)}", endpoint.path)[1]
        for wrong in (untouched.acme.ids()[kind] for kind in untouched.acme.ids() if kind != own):
            ids = {"account_id": untouched.acme.account_id, own: wrong}

            answer = ask(untouched.everybody_at_once(), endpoint, untouched.acme, ids=ids)

            assert (answer.status, answer.code) == (404, "not_found"), f"{name_of(endpoint)} {wrong}"


def test_what_stands_beside_the_invoices_in_their_table_is_no_invoice(untouched: Untouched) -> None:
    acme = untouched.acme.customer
    ids = [item["invoice_id"]["S"] for item in contents(untouched.stack)["invoices"]]
    (marker,) = (
        invoice_id
        for invoice_id in ids
        if invoice_id.startswith("request_") and invoice_id[8:] in untouched.acme.invoice_id
    )

    assert acme.client.get(acme.at(f"invoices/{marker}")).code == "not_found"


def test_a_query_parameter_nobody_knows_is_422_and_named(untouched: Untouched) -> None:
    for endpoint in ENDPOINTS:
        answer = untouched.everybody_at_once().request(
            endpoint.method,
            path_of(endpoint, untouched.acme.ids()) + "?colour=blue",
            body_of(endpoint, untouched.acme),
            key="new-1" if endpoint.keyed else None,
        )

        assert (answer.status, answer.code) == (422, "invalid_request"), name_of(endpoint)
        assert [error["field"] for error in answer.body["errors"]] == ["colour"], name_of(endpoint)


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=101", "limit=-1", "limit=ten", "limit=1.5", "limit=", "limit=1e1", "limit=1&limit=2"],
)
def test_a_page_holds_one_to_a_hundred(untouched: Untouched, query: str) -> None:
    for endpoint in PAGED:
        answer = untouched.everybody_at_once().get(f"{path_of(endpoint, untouched.acme.ids())}?{query}")

        assert (answer.status, answer.code) == (422, "invalid_request"), name_of(endpoint)
        assert [error["field"] for error in answer.body["errors"]] == ["limit"]


@pytest.mark.parametrize("limit", [1, 100])
def test_a_page_of_one_or_a_hundred_is_answered(untouched: Untouched, limit: int) -> None:
    for endpoint in PAGED:
        answer = untouched.everybody_at_once().get(path_of(endpoint, untouched.acme.ids()), limit=limit)

        assert answer.status == 200, name_of(endpoint)


NO_CURSORS = ["", "garbage", "====", "e30", "é", "null", encoded(), encoded(5), encoded(""), encoded("a", "b")]
NO_CURSORS += [encoded(None), encoded({"S": "x"}), encoded("x" * 1_025), encoded("\ud800"), encoded(["x"])]


@pytest.mark.parametrize("cursor", NO_CURSORS, ids=lambda cursor: cursor[:16] or "empty")
def test_a_cursor_that_is_not_ours_is_400(untouched: Untouched, cursor: str) -> None:
    for endpoint in PAGED:
        answer = untouched.everybody_at_once().get(path_of(endpoint, untouched.acme.ids()), cursor=cursor)

        assert (answer.status, answer.code) == (400, "bad_cursor"), name_of(endpoint)


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("invoices?status=open", "status"),
        ("invoices?status=", "status"),
        ("activity?order=sideways", "order"),
        ("activity/export?format=xml", "format"),
        ("activity/export?format=csv&format=jsonl", "format"),
        ("payments?status=succeeded", "status"),
    ],
)
def test_a_query_has_to_be_readable(untouched: Untouched, path: str, field: str) -> None:
    acme = untouched.acme.customer

    answer = acme.client.get(acme.at(path))

    assert (answer.status, answer.code) == (422, "invalid_request")
    assert [error["field"] for error in answer.body["errors"]] == [field]


@pytest.mark.parametrize(
    "query", ["on_default=delete", "on_default=promote", "promote=pm_x", "on_default=refuse&promote=pm_x", "promote="]
)
def test_what_shall_become_of_the_default_has_to_be_said_readably(untouched: Untouched, query: str) -> None:
    acme = untouched.acme.customer

    answer = acme.client.delete(acme.at(f"payment-methods/{untouched.acme.payment_method_id}?{query}"))

    assert (answer.status, answer.code) == (422, "invalid_request")


@pytest.mark.parametrize(
    "accept",
    ["application/json", "*/*", "text/html", "application/xml", "image/png", "application/json;q=0", "", ";,;"],
)
def test_whatever_is_asked_for_json_is_answered(untouched: Untouched, accept: str) -> None:
    acme = untouched.acme.customer
    client = acme.client.with_headers(accept=accept)

    assert client.get(acme.at()).headers["content-type"] == "application/json"
    assert client.get(acme.at("payments/unknown")).headers["content-type"] == "application/problem+json"
    assert client.get(acme.at("activity/export"), format="csv").headers["content-type"].startswith("text/csv")


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "?",
    ],
)
def test_a_body_is_read_as_json_whatever_it_calls_itself(acme: Customer, content_type: str | None) -> None:
    acme.owes()
    acme.has_card()
    client = acme.client if content_type is None else acme.client.with_headers(content_type=content_type)

    answer = client.post(acme.at("payments"), body=b'{"amount_minor": 5}', key="k")

    assert (answer.status, answer.body["amount_minor"]) == (201, 5)
