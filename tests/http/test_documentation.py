"""The OpenAPI document and the page made of it: valid, complete, and true of the app as it is deployed."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from chalice.app import Chalice
from openapi_spec_validator import validate

import app as deployed
from chalicelib.auth.roles import Role
from chalicelib.http import docs_page, openapi
from chalicelib.http.endpoints import Endpoint
from chalicelib.http.problems import STATUS
from tests.http.bench import ACCOUNT, Bench

ENDPOINTS = [endpoint for routes in (*deployed.rooms, deployed.public) for endpoint in routes.endpoints]
DOCUMENT = openapi.document(ENDPOINTS)
PAGE = docs_page.render(DOCUMENT)
VOID_ELEMENTS = {"meta", "br", "hr", "img", "link", "input"}


def operation(method: str, path: str) -> dict[str, Any]:
    found: dict[str, Any] = DOCUMENT["paths"][path][method]
    return found


def test_it_is_valid_openapi() -> None:
    validate(DOCUMENT)
    assert DOCUMENT["openapi"].startswith("3.1.")


def test_it_describes_every_route_of_the_app_and_no_other(app: Chalice) -> None:
    described = {(method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods}
    routed = {(method, path) for path, methods in app.routes.items() for method in methods if method != "OPTIONS"}

    assert described == routed


def test_every_operation_has_a_name_of_its_own_and_says_what_it_does() -> None:
    names = [endpoint.name for endpoint in ENDPOINTS]

    assert len(names) == len(set(names))
    assert all(endpoint.summary.endswith(".") for endpoint in ENDPOINTS)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)
def test_a_route_says_who_may_call_it_and_what_it_can_refuse(endpoint: Endpoint) -> None:
    described = operation(endpoint.method.lower(), endpoint.path)
    statuses = described["responses"].keys()

    if endpoint.role is None:
        assert described["security"] == []
        assert "401" not in statuses
    else:
        assert described["security"] == [{"id_token": []}]
        assert described["x-role"] == endpoint.role
        assert {"401", "403", "503"} <= statuses
    for code in endpoint.problems:
        problem = described["responses"][str(STATUS[code])]["content"]["application/problem+json"]
        assert code in problem["examples"]
        assert code in problem["schema"]["allOf"][1]["properties"]["code"]["enum"]


@pytest.mark.parametrize("endpoint", [e for e in ENDPOINTS if e.keyed], ids=lambda endpoint: endpoint.name)
def test_a_keyed_route_asks_for_the_key_and_says_when_it_replays(endpoint: Endpoint) -> None:
    described = operation(endpoint.method.lower(), endpoint.path)

    (key,) = [parameter for parameter in described["parameters"] if parameter["in"] == "header"]
    assert (key["name"], key["required"]) == ("Idempotency-Key", True)
    for status, response in described["responses"].items():
        if status.startswith("2"):
            assert "Idempotent-Replayed" in response["headers"]


def test_every_post_that_makes_or_moves_something_is_keyed() -> None:
    assert [endpoint.name for endpoint in ENDPOINTS if endpoint.method == "POST" and not endpoint.keyed] == []


def test_who_has_to_wait_is_told_by_a_header() -> None:
    pay = operation("post", "/v1/accounts/{account_id}/payments")

    for status in ("402", "429", "503"):
        assert "Retry-After" in pay["responses"][status]["headers"]
    assert "Location" in pay["responses"]["202"]["headers"]


def test_an_example_writes_an_instant_as_answers_do() -> None:
    example = DOCUMENT["components"]["examples"]["cooling_down"]["value"]

    assert example["retry_at"] == "2026-11-23T16:36:15.123Z"
    assert "2026-11-23 16:36:15 UTC" in example["detail"]


def test_the_app_answers_the_document(bench: Bench) -> None:
    answer = bench.client().get("/openapi.json")

    assert answer.status == 200
    assert ACCOUNT.replace("acc_1", "{account_id}") in answer.body["paths"]
    validate(answer.body)


class Outline(HTMLParser):
    """Elements opened and not closed, ids, links and addresses of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in VOID_ELEMENTS:
            self.open.append(tag)
        self.ids += [value or "" for name, value in attrs if name == "id"]
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def outline() -> Outline:
    parsed = Outline()
    parsed.feed(PAGE)
    return parsed


def test_the_page_is_whole_and_every_link_leads_somewhere() -> None:
    page = outline()

    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    assert {link.removeprefix("#") for link in page.links if link.startswith("#")} <= set(page.ids)


def test_the_page_fetches_nothing_and_runs_nothing() -> None:
    page = outline()

    assert not page.tags & {"script", "img", "link", "iframe", "object"}
    assert [link for link in page.links if not link.startswith("#")] == ["openapi.json"]
    assert not [name for name in page.attributes if name.startswith("on")]
    assert not re.search(r"url\(|@import", PAGE)


def test_the_page_shows_every_operation_and_every_problem() -> None:
    ids = set(outline().ids)

    assert {endpoint.name for endpoint in ENDPOINTS} <= ids
    assert {f"problem-{code}" for code in DOCUMENT["components"]["examples"]} <= ids


def test_a_description_cannot_break_the_page() -> None:
    document = DOCUMENT | {"info": DOCUMENT["info"] | {"description": "<script>alert(1)</script> `<b>`"}}

    page = docs_page.render(document)

    assert "<script>" not in page
    assert "<code>&lt;b&gt;</code>" in page


def test_the_app_answers_the_page_with_a_policy_that_allows_its_style_only(bench: Bench) -> None:
    answer = bench.client().get("/docs")

    assert answer.status == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert answer.text.startswith("<!doctype html>")


def test_roles_in_the_document_are_those_of_the_token() -> None:
    named = {
        methods["x-role"] for path in DOCUMENT["paths"].values() for methods in path.values() if "x-role" in methods
    }

    assert named == {role.value for role in Role}
