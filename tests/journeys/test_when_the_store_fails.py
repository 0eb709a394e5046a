"""The store is busy, or a record in it is damaged: nothing is charged that cannot be booked, and the answer says so."""

import json
from collections.abc import Iterator

import pytest

from chalicelib.ledger.dynamodb import Ledger
from tests.journeys.customer import Customer
from tests.support.contents import contents, nothing_written
from tests.support.faults import Road, throttled
from tests.support.logs import logged
from tests.support.reconciling import reconcile


@pytest.fixture
def road(acme: Customer) -> Iterator[Road]:
    """The way from Paydesk's ledger to its store."""
    ledger = acme.stack.desk.ledger
    assert isinstance(ledger, Ledger)
    road = Road(ledger._calls._client)
    yield road
    road.close()


def test_a_busy_store_is_503_with_nothing_charged_and_the_same_request_succeeds_later(
    acme: Customer, road: Road
) -> None:
    acme.owes()
    acme.has_card()

    with nothing_written(acme.stack):
        road.always_meets(throttled)
        answer = acme.pay("once")
        road.always_meets(None)

    assert (answer.status, answer.code) == (503, "unavailable")
    assert int(answer.headers["retry-after"]) >= 1
    assert "Nothing was charged" in answer.body["detail"]
    assert acme.pay("once").status == 201


def test_a_store_that_is_busy_for_a_moment_is_not_noticed(acme: Customer, road: Road) -> None:
    acme.owes()
    acme.has_card()
    road.meets(throttled, None, throttled, throttled)

    assert acme.pay().status == 201


def damage(customer: Customer) -> None:
    """Somebody writes into the account's item by hand."""
    customer.stack.engine.client.update_item(
        TableName=f"{customer.stack.prefix}accounts",
        Key={"account_id": {"S": customer.account_id}},
        UpdateExpression="SET open_invoices = :nonsense",
        ExpressionAttributeValues={":nonsense": {"S": "eaten by mice"}},
    )


def test_a_damaged_record_is_500_with_an_id_that_leads_support_to_the_log(acme: Customer) -> None:
    acme.owes()
    acme.has_card()
    neighbour = Customer.of(acme.stack, "globex")
    damage(acme)
    before = contents(acme.stack)

    with logged() as lines:
        refused = [acme.client.get(acme.at()), acme.pay(), acme.add_card()]

    told = lines.getvalue()
    assert contents(acme.stack) == before
    for answer in refused:
        assert (answer.status, answer.code) == (500, "unreadable_record")
        assert answer.body["request_id"] == answer.headers["x-request-id"]
        assert answer.body["request_id"] in told
        assert "mice" not in answer.text
    failures = [line for line in map(json.loads, told.splitlines()) if line["message"] == "request_failed"]
    assert {(line["level"], line["account_id"]) for line in failures} == {("ERROR", acme.account_id)}
    assert "open_invoices" in told
    assert "eaten by mice" not in told, "what stands in a record may be personal"
    assert neighbour.client.get(neighbour.at()).status == 200


def test_one_damaged_account_stops_no_check_of_another(acme: Customer) -> None:
    globex = Customer.of(acme.stack, "globex")
    for customer in (acme, globex):
        customer.owes()
        customer.has_card("tok_timeout_then_approved")
        assert customer.pay().status == 202
    damage(acme)
    acme.stack.clock.advance(seconds=300)

    counts = reconcile(acme.stack.desk)

    assert (counts.checked, counts.ended) == (1, 1)
    assert globex.balance()["open_minor"] == 0


def test_a_damaged_account_hides_no_other_from_an_operator_and_is_named(acme: Customer) -> None:
    neighbours = [Customer.of(acme.stack, key) for key in ("acme works", "globex")]
    damage(acme)
    operator = acme.stack.operator()

    with logged() as lines:
        pages = [operator.get("/v1/accounts"), operator.get("/v1/accounts", name="acme")]
    one_by_one: list[str] = []
    cursor: dict[str, str] = {}
    for _ in range(3):
        page = operator.get("/v1/accounts", limit=1, **cursor).body
        one_by_one += [*(item["account_id"] for item in page["items"]), *page["unreadable_account_ids"]]
        cursor = {"cursor": page["next_cursor"]}

    assert [answer.status for answer in pages] == [200, 200]
    assert [answer.body["unreadable_account_ids"] for answer in pages] == [[acme.account_id]] * 2
    assert [{item["account_id"] for item in answer.body["items"]} for answer in pages] == [
        {neighbour.account_id for neighbour in neighbours},
        {neighbours[0].account_id},
    ]
    assert cursor == {"cursor": None}
    assert sorted(one_by_one) == sorted([acme.account_id, *(neighbour.account_id for neighbour in neighbours)])
    told = [line for line in map(json.loads, lines.getvalue().splitlines()) if line["message"] == "account_unreadable"]
    assert {(line["level"], line["account_id"]) for line in told} == {("ERROR", acme.account_id)}
