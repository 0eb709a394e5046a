"""Who gets through to a view: caller, account, role, in that order."""

import pytest

from chalicelib.auth.roles import Role
from tests.http.bench import ACCOUNT, Bench

FOREIGN = "/v1/accounts/acc_2/things"


def test_the_view_is_told_who_calls(bench: Bench) -> None:
    answer = bench.admin.post(ACCOUNT, {"amount_minor": 5}, key="k")

    assert answer.status == 201
    assert answer.body["subject"] == "subject-1"


def test_without_a_token_nobody_gets_in(bench: Bench) -> None:
    answer = bench.client().get(ACCOUNT)

    assert (answer.status, answer.code) == (401, "unauthorized")


def test_a_token_that_expired_since_the_authorizer_looked_is_refused(bench: Bench) -> None:
    answer = bench.client(Role.ADMIN, seconds_left=-10).get(ACCOUNT)

    assert (answer.status, answer.code) == (401, "unauthorized")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_moving_paydesks_clock_lets_no_token_expire(bench: Bench) -> None:
    """The bench's clock is a year ahead of the machine's."""
    assert bench.client(Role.VIEWER, seconds_left=60).get(ACCOUNT).status == 200


@pytest.mark.parametrize("roles", [(Role.VIEWER,), (Role.ADMIN,), (Role.VIEWER, Role.ADMIN)])
@pytest.mark.parametrize("account_id", ["acc_2", "acc_11", "ACC_1", "acc", "acc_1%20", "%00", "4111111111111111"])
def test_an_account_of_somebody_else_does_not_exist(roles: tuple[Role, ...], account_id: str, bench: Bench) -> None:
    client = bench.client(*roles)

    assert client.get(f"/v1/accounts/{account_id}/things").code == "not_found"
    assert client.post(f"/v1/accounts/{account_id}/things", {"amount_minor": 5}, key="k").status == 404


def test_the_account_is_looked_at_before_role_key_and_body(bench: Bench) -> None:
    answer = bench.client(Role.VIEWER).post(FOREIGN, body=b"{")

    assert (answer.status, answer.code) == (404, "not_found")


def test_a_missing_role_is_named_and_where_to_get_it_is_said(bench: Bench) -> None:
    answer = bench.client(Role.VIEWER).post(ACCOUNT, body=b"{")

    assert (answer.status, answer.code) == (403, "missing_role")
    assert answer.body["missing_role"] == "billing_admin"
    assert "manages the users of your company" in answer.body["detail"]


def test_an_operators_role_is_to_be_had_elsewhere(bench: Bench) -> None:
    answer = bench.admin.post("/v1/things", {"amount_minor": 5}, key="k")

    assert answer.body["missing_role"] == "operator"
    assert "finance and support team" in answer.body["detail"]


def test_an_operator_sees_every_account_but_changes_none(bench: Bench) -> None:
    operator = bench.client(Role.OPERATOR)

    assert operator.get(FOREIGN).status == 200
    assert operator.post(FOREIGN, {"amount_minor": 5}, key="k").body["missing_role"] == "billing_admin"


def test_an_account_that_does_not_exist_is_404_to_an_operator_before_the_missing_role(bench: Bench) -> None:
    answer = bench.client(Role.OPERATOR).post("/v1/accounts/acc_3/things", {"amount_minor": 5}, key="k")

    assert (answer.status, answer.code) == (404, "not_found")


def test_an_operator_who_is_also_an_administrator_changes_only_the_own_accounts(bench: Bench) -> None:
    both = bench.client(Role.OPERATOR, Role.ADMIN)

    assert both.post(ACCOUNT, {"amount_minor": 5}, key="k").status == 201
    assert both.post(FOREIGN, {"amount_minor": 5}, key="k").status == 403


def test_an_operator_asking_for_what_can_be_no_account_gets_404(bench: Bench) -> None:
    operator = bench.client(Role.OPERATOR)

    assert operator.get("/v1/accounts/" + "x" * 2000 + "/things").status == 404
    assert operator.get("/v1/accounts/a%2Fb/things").status == 404
