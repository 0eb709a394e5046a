from typing import Any
from urllib.request import urlopen

import pytest

from tests.local.running import Running

SWEEPS = ["autopay", "overdue", "reconcile", "renewals"]


def test_the_bare_address_leads_to_the_documentation(running_stack: Running) -> None:
    with urlopen(running_stack.described["api_url"]) as page:  # noqa: S310  # our own address
        assert page.url.endswith("/docs")
        assert page.read().startswith(b"<!doctype html>")


def test_the_clock_moves_ahead_and_tokens_stay_valid(running_stack: Running) -> None:
    _, before = running_stack.send("GET", "/_local/clock")
    status, after = running_stack.send("POST", "/_local/clock", {"advance_seconds": 7_200})
    assert status == 200
    assert after["ahead_seconds"] == before["ahead_seconds"] + 7_200
    assert after["now"] > before["now"]
    _, account = running_stack.send(
        "POST",
        "/v1/accounts",
        {"name": "Late", "currency": "USD", "time_zone": "UTC"},
        token=running_stack.user("operator")["token"],
        key="late",
    )
    assert account["created_at"] >= after["now"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"advance_seconds": -1}, 422),
        ({"advance_seconds": 10**12}, 422),
        ({"advance_seconds": 1.5}, 422),
        ({"advance_seconds": True}, 422),
        ({"advance_seconds": "60"}, 422),
        ({"advance_seconds": 1, "and": 2}, 422),
        ({}, 422),
        ([1], 400),
    ],
)
def test_the_clock_refuses_what_is_no_step_ahead(running_stack: Running, body: Any, status: int) -> None:
    _, before = running_stack.send("GET", "/_local/clock")
    answered, problem = running_stack.send("POST", "/_local/clock", body)
    assert (answered, problem["status"]) == (status, status)
    assert running_stack.send("GET", "/_local/clock")[1]["ahead_seconds"] == before["ahead_seconds"]


def test_reconcile_books_a_charge_whose_answer_got_lost(running_stack: Running) -> None:
    path, admin = _account_of_the_admin(running_stack)
    running_stack.send("POST", f"{path}/payment-methods", _card("tok_timeout_then_approved"), token=admin, key="silent")
    method = _method_called(running_stack, path, admin, "7701")
    status, payment = running_stack.send(
        "POST", f"{path}/payments", {"payment_method_id": method, "amount_minor": 100}, token=admin, key="lost-answer"
    )
    assert (status, payment["status"]) == (202, "in_flight")

    assert running_stack.send("POST", "/_local/runs/reconcile")[1]["counts"] == {}  # not due yet
    running_stack.send("POST", "/_local/clock", {"advance_seconds": 301})
    status, run = running_stack.send("POST", "/_local/runs/reconcile")

    assert status == 200
    assert run["sweep"] == "reconcile"
    assert run["counts"] == {"handled": 1, "checked": 1, "ended": 1}
    assert (run["messages"], run["failed_deliveries"]) == (8, 0)
    _, payment = running_stack.send("GET", f"{path}/payments/{payment['payment_id']}", token=admin)
    assert payment["status"] == "succeeded"


@pytest.mark.parametrize("sweep", SWEEPS)
def test_a_run_says_what_it_came_to_and_doing_it_again_at_once_does_nothing(running_stack: Running, sweep: str) -> None:
    status, first = running_stack.send("POST", f"/_local/runs/{sweep}")
    _, again = running_stack.send("POST", f"/_local/runs/{sweep}", {})

    assert status == 200
    assert first.keys() == {
        "sweep",
        "date",
        "counts",
        "amounts_minor",
        "messages",
        "failed_deliveries",
        "finished_at",
    }
    assert (first["sweep"], first["date"]) == (sweep, first["finished_at"][:10])
    assert (again["counts"], again["amounts_minor"]) == ({}, {})
    _, day = running_stack.send("GET", f"/v1/runs/{sweep}/{first['date']}", token=_operator(running_stack))
    assert (day["shards_finished"], day["shards_total"]) == (32, 32)


def test_a_run_takes_no_body(running_stack: Running) -> None:
    assert running_stack.send("POST", "/_local/runs/autopay", {"date": "2026-03-02"})[0] == 422


def test_an_unknown_sweep_is_a_404_that_lists_the_known(running_stack: Running) -> None:
    status, problem = running_stack.send("POST", "/_local/runs/gardening")
    assert (status, problem["code"], problem["sweeps"]) == (404, "not_found", SWEEPS)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/_local/nothing", 404),
        ("GET", "/_local/", 404),
        ("POST", "/_local/runs", 404),
        ("DELETE", "/_local/clock", 405),
        ("GET", "/_local/runs/reconcile", 405),
    ],
)
def test_what_the_control_api_does_not_have_it_says_so(
    running_stack: Running, method: str, path: str, status: int
) -> None:
    answered, problem = running_stack.send(method, path)
    assert (answered, problem["status"]) == (status, status)


# --- 3-D Secure in the sandbox


@pytest.mark.parametrize(("decision", "ends"), [("approve", "succeeded"), ("refuse", "declined")])
def test_the_customer_decides_on_the_sandbox_banks_page(running_stack: Running, decision: str, ends: str) -> None:
    path, admin = _account_of_the_admin(running_stack)
    running_stack.send("POST", "/_local/clock", {"advance_seconds": 3_600})  # past any cooldown
    running_stack.send("POST", f"{path}/payment-methods", _card("tok_requires_action"), token=admin, key="secure")
    method = _method_called(running_stack, path, admin, "3220")
    body = {"payment_method_id": method, "amount_minor": 200}
    status, payment = running_stack.send("POST", f"{path}/payments", body, token=admin, key=f"to-{decision}")
    assert (status, payment["status"]) == (202, "requires_action")
    page = payment["next_action"]["url"].removeprefix(running_stack.described["api_url"])
    assert page.startswith("/_local/sandbox/actions/")

    status, shown = running_stack.send_raw("GET", page, None, {})
    assert status == 200
    assert "200 JPY" in shown
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    status, shown = running_stack.send_raw("POST", page, f"decision={decision}", form)
    assert (status, ends in shown) == (200, True)

    _, payment = running_stack.send("GET", f"{path}/payments/{payment['payment_id']}", token=admin)
    assert payment["status"] == ends
    assert running_stack.send("POST", page, {"decision": decision})[0] == 409
    assert "Nothing to approve" in running_stack.send_raw("GET", page, None, {})[1]


def test_the_sandbox_bank_knows_only_its_own_payments_and_two_decisions(running_stack: Running) -> None:
    page = "/_local/sandbox/actions/pay_unknown"
    assert running_stack.send("GET", page)[0] == 404
    assert running_stack.send("POST", page, {"decision": "approve"})[0] == 404
    assert running_stack.send("POST", page, {"decision": "perhaps"})[0] == 422
    assert running_stack.send("POST", page)[0] == 422


def _account_of_the_admin(running_stack: Running) -> tuple[str, str]:
    """The demo account in yen, which is never paid to the end in these tests."""
    admin = running_stack.user("billing_admin")
    _, accounts = running_stack.send("GET", "/v1/accounts", token=admin["token"])
    (account_id,) = (found["account_id"] for found in accounts["items"] if found["balance"]["currency"] == "JPY")
    return f"/v1/accounts/{account_id}", admin["token"]


def _operator(running_stack: Running) -> str:
    token: str = running_stack.user("operator")["token"]
    return token


def _card(instrument: str) -> dict[str, str]:
    return {"kind": "card", "gateway_token": instrument}


def _method_called(running_stack: Running, path: str, token: str, last4: str) -> str:
    _, methods = running_stack.send("GET", f"{path}/payment-methods", token=token)
    return next(str(method["payment_method_id"]) for method in methods["items"] if method["last4"] == last4)
