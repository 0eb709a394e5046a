"""Who may do what, on every route the app has: the routes are taken from the app itself."""

import pytest
from chalice.app import Chalice

from chalicelib.auth.roles import Role
from chalicelib.http.endpoints import Endpoint
from tests.journeys.all_routes import (
    ENDPOINTS,
    OF_A_RECORD,
    OF_AN_ACCOUNT,
    PUBLIC,
    READING,
    WRITING,
    Records,
    Untouched,
    ask,
    name_of,
    path_of,
)
from tests.journeys.customer import Customer
from tests.support.stack import Stack

OPERATORS_ONLY = [endpoint for endpoint in ENDPOINTS if endpoint.role is Role.OPERATOR]


def test_the_routes_tried_here_are_all_routes_the_app_has(app: Chalice) -> None:
    declared = {(endpoint.path, endpoint.method) for endpoint in ENDPOINTS}
    routed = {(path, method) for path, methods in app.routes.items() for method in methods if method != "OPTIONS"}

    assert routed == declared | {(path, "GET") for path in PUBLIC}


def test_every_route_is_about_one_account_except_those_that_find_open_or_watch_many() -> None:
    others = {(endpoint.method, endpoint.path) for endpoint in ENDPOINTS if endpoint not in OF_AN_ACCOUNT}

    assert others == {
        ("GET", "/v1/accounts"),
        ("POST", "/v1/accounts"),
        ("GET", "/v1/pending-payments"),
        ("GET", "/v1/runs/{sweep}/{date}"),
    }


def test_reading_is_for_viewers_and_writing_for_administrators_or_operators() -> None:
    """Runs and pending payments tell of all customers at once."""
    of_all = {"get_run", "list_pending_payments"}
    assert {endpoint.role for endpoint in READING if endpoint.name not in of_all} == {Role.VIEWER}
    assert {endpoint.role for endpoint in OPERATORS_ONLY if endpoint in READING} == {Role.OPERATOR}
    assert {endpoint.role for endpoint in WRITING} == {Role.ADMIN, Role.OPERATOR}


@pytest.mark.parametrize("endpoint", WRITING, ids=name_of)
def test_whoever_has_the_role_may_write(stack: Stack, endpoint: Endpoint) -> None:
    """So what is refused below is refused for the caller's sake, and not for a wrong id or body."""
    acme = Records.of(Customer.of(stack))
    caller = stack.operator() if endpoint.role is Role.OPERATOR else acme.customer.client
    if endpoint.name == "resolve_payment":
        stack.park(acme.account_id, acme.payment_id)

    answer = ask(caller, endpoint, acme)

    assert answer.status in (200, 201, 204), answer.text


@pytest.mark.parametrize("role", ["billing_viewer", "billing_admin", "operator"])
def test_whoever_has_the_role_may_read(untouched: Untouched, role: str) -> None:
    for endpoint in READING:
        answer = ask(untouched.stack.client(role, accounts=(untouched.acme.account_id,)), endpoint, untouched.acme)

        if endpoint in OPERATORS_ONLY and role != "operator":
            assert (answer.status, answer.body["missing_role"]) == (403, "operator")
        else:
            assert answer.status == 200, answer.text


@pytest.mark.parametrize("role", ["billing_viewer", "billing_admin"])
def test_the_account_of_another_customer_does_not_exist_whatever_the_role(untouched: Untouched, role: str) -> None:
    """404 comes before any role: a viewer on a writing route is not told that the account is there."""
    caller = untouched.stack.client(role, accounts=(untouched.acme.account_id,))

    for endpoint in OF_AN_ACCOUNT:
        answer = ask(caller, endpoint, untouched.globex)

        assert (answer.status, answer.code) == (404, "not_found"), name_of(endpoint)


def test_a_record_of_another_customer_is_not_found_under_the_own_account(untouched: Untouched) -> None:
    mixed = untouched.globex.ids() | {"account_id": untouched.acme.account_id}

    for endpoint in OF_A_RECORD:
        answer = ask(untouched.everybody_at_once(), endpoint, untouched.acme, ids=mixed)

        assert (answer.status, answer.code) == (404, "not_found"), name_of(endpoint)


def test_an_account_that_is_nobodys_does_not_exist(untouched: Untouched) -> None:
    nobodys = "acc_AAAAAAAAAAAAAAAAAAAAAAAAAA"
    caller = untouched.stack.client("operator", "billing_admin", accounts=(nobodys,))

    for endpoint in OF_AN_ACCOUNT:
        answer = ask(caller, endpoint, untouched.acme, ids=untouched.acme.ids() | {"account_id": nobodys})

        assert (answer.status, answer.code) == (404, "not_found"), name_of(endpoint)


def test_a_viewer_writes_nowhere_and_is_told_the_role_that_is_missing(untouched: Untouched) -> None:
    viewer = untouched.stack.viewer(untouched.acme.account_id)

    for endpoint in WRITING:
        answer = ask(viewer, endpoint, untouched.acme)

        assert (answer.status, answer.code) == (403, "missing_role"), name_of(endpoint)
        assert answer.body["missing_role"] == endpoint.role
        assert str(endpoint.role) in answer.body["detail"]


def test_an_operator_neither_pays_nor_changes_anything_for_a_customer(untouched: Untouched) -> None:
    for endpoint in [endpoint for endpoint in WRITING if endpoint.role is Role.ADMIN]:
        answer = ask(untouched.stack.operator(), endpoint, untouched.acme)

        assert (answer.status, answer.body["missing_role"]) == (403, "billing_admin"), name_of(endpoint)


def test_an_administrator_does_not_do_the_operators_work(untouched: Untouched) -> None:
    for endpoint in OPERATORS_ONLY:
        answer = ask(untouched.acme.customer.client, endpoint, untouched.acme)

        assert (answer.status, answer.body["missing_role"]) == (403, "operator"), name_of(endpoint)


def test_whoever_has_no_role_may_not_even_look(untouched: Untouched) -> None:
    caller = untouched.stack.client().with_token(untouched.stack.tokens.token((), (untouched.acme.account_id,)))

    for endpoint in ENDPOINTS:
        answer = ask(caller, endpoint, untouched.acme)

        assert (answer.status, answer.body["missing_role"]) == (403, endpoint.role), name_of(endpoint)


def test_without_a_token_there_is_nothing_but_an_invitation_to_sign_in(untouched: Untouched) -> None:
    for endpoint in ENDPOINTS:
        answer = ask(untouched.stack.client(), endpoint, untouched.acme)

        assert (answer.status, answer.code) == (401, "unauthorized"), name_of(endpoint)


def test_the_public_routes_are_for_everybody(untouched: Untouched) -> None:
    for path in PUBLIC:
        assert untouched.stack.client().get(path).status == 200


def test_a_browser_may_ask_what_it_may_send_without_a_token(app: Chalice, untouched: Untouched) -> None:
    for endpoint in ENDPOINTS:
        assert "OPTIONS" in app.routes[endpoint.path]
        path = path_of(endpoint, untouched.acme.ids())
        assert untouched.stack.client().request("OPTIONS", path).status == 204
