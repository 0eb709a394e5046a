"""An operator finds an account by its name, by a payment or by the gateway's reference of one."""

from typing import Any

import pytest

from tests.journeys.customer import Customer
from tests.support.stack import Stack


def found(stack: Stack, **query: str | int) -> list[str]:
    """The names of the accounts an operator finds."""
    answer = stack.operator().get("/v1/accounts", **query)
    assert answer.status == 200, answer.text
    return [account["name"] for account in answer.body["items"]]


def test_by_the_beginning_of_its_name_whatever_the_case(stack: Stack) -> None:
    for key in ("lumen studio", "lumen works", "kiku trading"):
        stack.open_account(key)

    assert found(stack, name="lumen") == ["Lumen Studio", "Lumen Works"]
    assert found(stack, name="LUMEN W") == ["Lumen Works"]
    assert found(stack, name="studio") == []


def test_by_a_payment_and_by_the_gateways_reference(stack: Stack) -> None:
    acme, globex = Customer.of(stack), Customer.of(stack, "globex")
    for customer in (acme, globex):
        customer.owes()
        customer.has_card()
        customer.pay()
    (payment,) = globex.see("payments")["items"]

    assert found(stack, payment_id=payment["payment_id"]) == ["Globex"]
    assert found(stack, gateway_reference=payment["gateway_reference"]) == ["Globex"]
    assert found(stack, payment_id="pay_AAAAAAAAAAAAAAAAAAAAAAAAAA") == []


@pytest.mark.parametrize("token", ["tok_requires_action", "tok_timeout_then_approved"])
def test_by_a_payment_that_is_pending(stack: Stack, acme: Customer, token: str) -> None:
    acme.owes()
    acme.has_card(token)
    payment = acme.pay().body
    Customer.of(stack, "globex")

    assert found(stack, payment_id=payment["payment_id"]) == [acme.see()["name"]]
    if payment["gateway_reference"]:
        assert found(stack, gateway_reference=payment["gateway_reference"]) == [acme.see()["name"]]


def test_parked_payments_of_all_accounts_wait_in_one_list(stack: Stack, acme: Customer) -> None:
    acme.owes()
    card = acme.has_card("tok_timeout_then_approved")
    parked = acme.pay("parked", amount_minor=500, payment_method_id=card).body["payment_id"]
    stack.park(acme.account_id, parked)
    acme.pay("in flight", amount_minor=700, payment_method_id=card)
    operator = stack.operator()

    listed = operator.get("/v1/pending-payments", status="parked").body
    everything = operator.get("/v1/pending-payments").body

    assert [(one["account_id"], one["payment_id"]) for one in listed["items"]] == [(acme.account_id, parked)]
    assert listed["next_cursor"] is None
    assert found(stack, payment_id=parked) == [acme.see()["name"]]
    assert sorted(one["amount_minor"] for one in everything["items"]) == [500, 700]
    assert acme.client.get("/v1/pending-payments").code == "missing_role"


def test_all_accounts_page_by_page(stack: Stack) -> None:
    opened = {stack.open_account(f"customer {number}") for number in range(5)}
    listed: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = stack.operator().get("/v1/accounts", limit=2, **cursor).body
        listed += [account["account_id"] for account in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}

    assert sorted(listed) == sorted(opened)


def test_names_page_by_page_in_alphabetical_order(stack: Stack) -> None:
    for name in ("acme c", "acme a", "acme b"):
        stack.open_account(name)
    first = stack.operator().get("/v1/accounts", name="acme", limit=2).body
    second = stack.operator().get("/v1/accounts", name="acme", limit=2, cursor=first["next_cursor"]).body

    assert [account["name"] for page in (first, second) for account in page["items"]] == ["Acme A", "Acme B", "Acme C"]
    assert second["next_cursor"] is None


def test_for_one_thing_at_a_time(stack: Stack) -> None:
    answer = stack.operator().get("/v1/accounts", name="acme", payment_id="pay_1")

    assert (answer.status, answer.code) == (422, "one_search_at_a_time")


@pytest.mark.parametrize("search", [{"name": "globex"}, {"payment_id": "pay_1"}, {"gateway_reference": "sbx_pay_1"}])
def test_nobody_else_searches(stack: Stack, acme: Customer, search: dict[str, Any]) -> None:
    stack.open_account("globex")

    answer = acme.client.get("/v1/accounts", **search)

    assert (answer.status, answer.code, answer.body["missing_role"]) == (403, "search_needs_operator", "operator")


def test_an_operator_opens_an_account_once(stack: Stack) -> None:
    body = {
        "name": "Lumen Studio GmbH",
        "currency": "EUR",
        "time_zone": "Europe/Berlin",
        "locale": "de",
        "invoice_recipients": ["ap@lumen.example"],
    }
    operator = stack.operator()

    first = operator.post("/v1/accounts", body, key="lumen")
    again = operator.post("/v1/accounts", body, key="lumen")
    other = operator.post("/v1/accounts", body | {"name": "Kiku"}, key="lumen")

    assert (first.status, first.body["name"], first.body["services"]["status"]) == (201, "Lumen Studio GmbH", "active")
    assert first.headers["location"] == f"/v1/accounts/{first.body['account_id']}"
    assert (again.status, again.body, again.headers["idempotent-replayed"]) == (201, first.body, "true")
    assert (other.status, other.code) == (422, "key_reused")
    assert found(stack) == ["Lumen Studio GmbH"]
