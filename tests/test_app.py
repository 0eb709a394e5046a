"""The app as it is deployed: what stands in it, who may call it, how it starts."""

import re
import subprocess
import sys

import pytest
from chalice.app import Chalice

import app as deployed
from chalicelib.auth.roles import Role
from chalicelib.http.endpoints import Endpoint
from local.stage import REPOSITORY
from tests.support.stack import Stack

PUBLIC = {"/health", "/openapi.json", "/docs"}
ENDPOINTS = [endpoint for routes in deployed.rooms for endpoint in routes.endpoints]
OF_AN_ACCOUNT = [endpoint for endpoint in ENDPOINTS if "{account_id}" in endpoint.path]
WRITING = [endpoint for endpoint in ENDPOINTS if endpoint.method != "GET"]


def path_of(endpoint: Endpoint, account_id: str) -> str:
    return re.sub(r"{\w+}", "some_id", endpoint.path.replace("{account_id}", account_id))


def name_of(endpoint: Endpoint) -> str:
    return endpoint.name


def test_every_route_asks_who_calls_except_the_public_ones_and_preflight(app: Chalice) -> None:
    open_to_all = {
        (method, path)
        for path, methods in app.routes.items()
        for method, route in methods.items()
        if route.authorizer is None
    }

    assert open_to_all == {("GET", path) for path in PUBLIC} | {("OPTIONS", path) for path in app.routes}


def test_every_address_answers_preflight(app: Chalice) -> None:
    assert all("OPTIONS" in methods for methods in app.routes.values())


def test_sibling_addresses_name_their_parameter_alike(app: Chalice) -> None:
    """API Gateway refuses two variables at one place."""
    at_place: dict[str, set[str]] = {}
    for path in app.routes:
        parts = path.split("/")
        for place, part in enumerate(parts):
            if part.startswith("{"):
                at_place.setdefault("/".join(parts[:place]), set()).add(part)

    assert {place: names for place, names in at_place.items() if len(names) > 1} == {}


def test_every_event_handler_deploys_under_the_app(app: Chalice) -> None:
    """Under another module this file would never be imported, and no route or middleware with it."""
    handlers = [handler.handler_string for handler in app.builtin_auth_handlers]
    handlers += [handler.handler_string for handler in app.event_sources]
    handlers += [handler.handler_string for handler in app.pure_lambda_functions]

    assert "app.authorize" in handlers
    assert [handler for handler in handlers if not handler.startswith("app.")] == []


def test_the_authorizers_answer_is_kept_for_five_minutes(app: Chalice) -> None:
    (authorizer,) = app.builtin_auth_handlers

    assert authorizer.ttl_seconds == 300


@pytest.mark.parametrize("endpoint", OF_AN_ACCOUNT, ids=name_of)
def test_a_token_for_one_account_finds_no_route_of_another(endpoint: Endpoint, stack: Stack) -> None:
    own, foreign = stack.open_account("own"), stack.open_account("foreign")
    path = path_of(endpoint, foreign)

    for client in (stack.admin(own), stack.viewer(own)):
        answer = client.request(endpoint.method, path, {"unknown": 1}, key="k")
        assert (answer.status, answer.code) == (404, "not_found")
    never_opened = stack.admin(own).request(endpoint.method, path_of(endpoint, "acc_never_opened"), key="k")
    assert (never_opened.status, never_opened.code) == (404, "not_found")


@pytest.mark.parametrize("endpoint", WRITING, ids=name_of)
def test_a_viewer_is_told_the_missing_role_on_every_writing_route(endpoint: Endpoint, stack: Stack) -> None:
    own = stack.open_account("own")

    answer = stack.viewer(own).request(endpoint.method, path_of(endpoint, own), {}, key="k")

    assert (answer.status, answer.code) == (403, "missing_role")
    assert answer.body["missing_role"] == endpoint.role
    assert endpoint.role in (Role.ADMIN, Role.OPERATOR)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=name_of)
def test_who_is_not_signed_in_gets_nowhere(endpoint: Endpoint, stack: Stack) -> None:
    answer = stack.client().request(endpoint.method, path_of(endpoint, "acc_1"), {}, key="k")

    assert (answer.status, answer.code) == (401, "unauthorized")


def test_the_app_is_a_table_of_contents() -> None:
    assert len((REPOSITORY / "app.py").read_text().splitlines()) < 100


def test_starting_needs_no_settings_and_loads_nothing_heavy() -> None:
    """What only the authorizer or nobody needs at the start would be paid for by every cold start."""
    heavy = ["jwt", "cryptography", "babel", "stripe", "moto", "hypothesis"]
    heavy += ["jinja2", "fpdf", "reportlab", "weasyprint", "pypdf", "PIL", "smtplib", "email.mime", "aiosmtplib"]
    code = f"import sys, app; print([name for name in {heavy} if name in sys.modules])"

    started = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, env={}, capture_output=True, text=True, check=False
    )

    assert started.returncode == 0, started.stderr
    assert started.stdout == "[]\n"
