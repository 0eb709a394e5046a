"""The gateway did not answer: nobody knows yet whether money was taken. It is neither lost nor charged twice."""

import pytest

from tests.journeys.customer import Customer
from tests.support.reconciling import reconcile


@pytest.fixture
def indebted(acme: Customer) -> Customer:
    acme.owes(12_000)
    return acme


def five_minutes_later(customer: Customer) -> None:
    customer.stack.clock.advance(seconds=300)
    reconcile(customer.stack.desk)


def test_the_answer_is_202_and_says_not_to_pay_again(indebted: Customer) -> None:
    indebted.has_card("tok_timeout_then_approved")

    answer = indebted.pay()

    assert (answer.status, answer.body["status"]) == (202, "in_flight")
    assert "Do not pay again" in answer.body["message"]
    assert answer.body["next_action"] is None
    assert answer.headers["location"] == indebted.at(f"payments/{answer.body['payment_id']}")
    assert indebted.balance()["covered_minor"] == 12_000


def test_asked_again_at_once_the_answer_is_still_202(indebted: Customer) -> None:
    indebted.has_card("tok_timeout_then_approved")
    first = indebted.pay("once")

    again = indebted.pay("once")

    assert (again.status, again.body) == (202, first.body)
    assert again.headers["idempotent-replayed"] == "true"


def test_money_that_was_taken_is_booked_when_paydesk_looks_and_the_replay_answers_201(indebted: Customer) -> None:
    indebted.has_card("tok_timeout_then_approved")
    first = indebted.pay("once")

    five_minutes_later(indebted)
    again = indebted.pay("once")

    assert (again.status, again.body["status"]) == (201, "succeeded")
    assert again.body["payment_id"] == first.body["payment_id"]
    assert again.headers["idempotent-replayed"] == "true"
    assert indebted.balance()["open_minor"] == 0


def test_money_that_was_not_taken_never_will_be_and_the_replay_answers_502(indebted: Customer) -> None:
    lost = indebted.has_card("tok_timeout_not_charged")
    good = indebted.has_card("tok_visa")
    indebted.pay("once", payment_method_id=lost)

    five_minutes_later(indebted)

    assert indebted.pay("once", payment_method_id=lost).code == "payment_canceled"
    assert indebted.balance()["payable_minor"] == 12_000
    assert indebted.pay("new key", payment_method_id=good).status == 201, "nothing cools down: nobody declined"


def test_a_decline_that_was_not_heard_is_booked_when_paydesk_looks(indebted: Customer) -> None:
    indebted.has_card("tok_timeout_then_declined")
    indebted.pay("once")

    five_minutes_later(indebted)
    again = indebted.pay("once")

    assert (again.status, again.body["decline_code"]) == (402, "insufficient_funds")
    assert indebted.pay("new key").code == "cooling_down"


def test_before_its_check_is_due_a_payment_is_left_alone(indebted: Customer) -> None:
    indebted.has_card("tok_timeout_then_approved")
    indebted.pay("once")
    indebted.stack.clock.advance(seconds=299)

    assert reconcile(indebted.stack.desk).checked == 0
    assert indebted.pay("once").status == 202


def test_an_invoice_voided_while_its_payment_was_under_way_makes_the_money_credit(indebted: Customer) -> None:
    (invoice,) = indebted.see("invoices")["items"]
    indebted.has_card("tok_timeout_then_approved")
    payment_id = indebted.pay().body["payment_id"]
    operator = indebted.as_seen_by(indebted.stack.operator())
    assert operator.client.post(operator.at(f"invoices/{invoice['invoice_id']}/void"), key="void").status == 200

    five_minutes_later(indebted)

    payment = indebted.see(f"payments/{payment_id}")
    assert (payment["status"], payment["allocations"], payment["credited_minor"]) == ("succeeded", [], 12_000)
    assert indebted.see()["credit_minor"] == 12_000
