"""What an operation costs is counted, not timed: the requests to DynamoDB, over the whole way of an HTTP request.

The sandbox gateway keeps its charges in a table of its own; a real gateway would not, so its trips are counted apart.
"""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from chalicelib.gateways.sandbox import SandboxGateway
from chalicelib.gateways.sandbox_tables import DynamoDBCharges
from chalicelib.ledger.dynamodb import Ledger
from tests.journeys.customer import Customer
from tests.support.client import ApiAnswer
from tests.support.faults import Road, Trip
from tests.support.stack import Stack

READ = ["TransactGetItems"]
LIST = ["GetItem", "Query"]
CHANGE = ["TransactGetItems", "TransactWriteItems"]
PAY = ["TransactGetItems", "PutItem", "TransactWriteItems"]


@dataclass
class Desk:
    """A customer with three invoices, a default card and another, whose requests are counted on their way."""

    customer: Customer
    road: Road
    default_card: str
    other_card: str
    invoice_id: str

    def trips(self, ask: Callable[["Desk"], ApiAnswer]) -> tuple[ApiAnswer, list[str], list[str]]:
        """The answer, the trips to the store and those of the sandbox to its own table."""
        self.road.trips.clear()
        answer = ask(self)
        of_the_sandbox = [trip for trip in self.road.trips if _is_of_the_sandbox(trip)]
        of_paydesk = [trip for trip in self.road.trips if not _is_of_the_sandbox(trip)]
        return answer, [trip.operation for trip in of_paydesk], [trip.operation for trip in of_the_sandbox]


def _is_of_the_sandbox(trip: Trip) -> bool:
    return str(trip.body.get("TableName", "")).endswith("sandbox-charges")


@pytest.fixture
def desk(ministack_stack: Stack) -> Iterator[Desk]:
    stack = ministack_stack  # the quicker engine: the trips are counted before they reach one
    customer = Customer.of(stack)
    invoice_ids = [customer.owes(total_minor) for total_minor in (10_000, 20_000, 30_000)]
    cards = customer.has_card(), customer.has_card("tok_mastercard")
    ledger, gateway = stack.desk.ledger, stack.desk.gateway
    assert isinstance(ledger, Ledger)
    assert isinstance(gateway, SandboxGateway)
    assert isinstance(gateway._charges, DynamoDBCharges)
    client = ledger._calls._client
    assert gateway._charges._calls._client is client, "a process has one client, and all its trips are counted"
    with contextlib.closing(Road(client)) as road:
        yield Desk(customer, road, *cards, invoice_ids[0])


def default(card: str, *, autopay: bool) -> Callable[[Desk], ApiAnswer]:
    def put(desk: Desk) -> ApiAnswer:
        body = {"default_payment_method_id": getattr(desk, card), "autopay_enabled": autopay}
        return desk.customer.client.put(desk.customer.at("payment-settings"), body)

    return put


def see(path: str, **query: str | int) -> Callable[[Desk], ApiAnswer]:
    return lambda desk: desk.customer.client.get(desk.customer.at(path), **query)


def remove(card: str, **query: str) -> Callable[[Desk], ApiAnswer]:
    return lambda desk: desk.customer.client.delete(desk.customer.at(f"payment-methods/{getattr(desk, card)}"), **query)


ONCE: dict[str, tuple[Callable[[Desk], ApiAnswer], int, list[str]]] = {
    "paying with the default": (lambda desk: desk.customer.pay(), 201, PAY),
    "paying with a method named": (
        lambda desk: desk.customer.pay(payment_method_id=desk.other_card, amount_minor=15_000),
        201,
        PAY,
    ),
    "listing the methods": (see("payment-methods"), 200, LIST),
    "listing the invoices": (see("invoices"), 200, LIST),
    "listing the unpaid invoices": (see("invoices", status="unpaid"), 200, LIST),
    "listing the payments": (see("payments"), 200, LIST),
    "listing the activity": (see("activity"), 200, LIST),
    "seeing the account": (see(""), 200, ["GetItem"]),
    "adding a card": (lambda desk: desk.customer.add_card("tok_discover"), 201, CHANGE),
    "changing the default": (default("other_card", autopay=True), 200, CHANGE),
    "choosing what is chosen already": (default("default_card", autopay=False), 200, READ),
    "removing a method": (remove("other_card"), 204, CHANGE),
    "removing the default": (remove("default_card", on_default="disable_autopay"), 204, CHANGE),
    "refusing a request": (lambda desk: desk.customer.pay(amount_minor=60_001), 422, READ),
}


@pytest.mark.parametrize(("ask", "status", "expected"), ONCE.values(), ids=list(ONCE))
def test_store_trips_of(desk: Desk, ask: Callable[[Desk], ApiAnswer], status: int, expected: list[str]) -> None:
    answer, store, gateway = desk.trips(ask)
    assert answer.status == status, answer.text
    assert store == expected
    assert gateway == (["PutItem"] if expected is PAY else []), "one call of the gateway, or none"


def test_promoting_another_method_while_removing_the_default_is_two_trips(desk: Desk) -> None:
    promote = remove("default_card", on_default="promote", promote=desk.other_card)
    answer, store, _ = desk.trips(promote)
    assert (answer.status, store) == (204, CHANGE)


@pytest.mark.parametrize("outcome", ["succeeded", "declined", "in_flight"])
def test_a_replay_is_one_trip_and_asks_no_gateway(desk: Desk, outcome: str) -> None:
    instruments = {
        "succeeded": "tok_visa",
        "declined": "tok_insufficient_funds",
        "in_flight": "tok_timeout_then_approved",
    }
    card = desk.customer.has_card(instruments[outcome])
    first = desk.customer.pay(payment_method_id=card)
    again, store, gateway = desk.trips(lambda desk: desk.customer.pay(payment_method_id=card))
    assert (again.status, again.headers["idempotent-replayed"]) == (first.status, "true")
    assert (store, gateway) == (READ, [])


def test_replaying_an_added_card_is_one_trip(desk: Desk) -> None:
    desk.customer.add_card("tok_discover")
    again, store, _ = desk.trips(lambda desk: desk.customer.add_card("tok_discover"))
    assert (again.status, again.headers["idempotent-replayed"]) == (201, "true")
    assert store == READ


def test_a_request_refused_at_the_door_makes_no_trip(desk: Desk) -> None:
    stranger = desk.customer.as_seen_by(desk.customer.stack.admin("acc_another"))
    for ask in (
        lambda _: desk.customer.pay(amount_minor="12"),
        lambda _: desk.customer.as_seen_by(desk.customer.stack.viewer(desk.customer.account_id)).pay(),
        lambda _: stranger.pay(),
    ):
        answer, store, gateway = desk.trips(ask)
        assert answer.status in (403, 404, 422)
        assert (store, gateway) == ([], [])
