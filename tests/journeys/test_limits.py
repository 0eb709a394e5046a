"""Each limit from both sides. Those of bodies and pages stand in test_bad_input.py and test_bad_addresses.py, of
methods and attempts in test_bad_cards.py, of invoices in one payment in test_parts_of_a_balance.py.
"""

from collections.abc import Callable

from tests.journeys.customer import Customer
from tests.support.client import ApiAnswer
from tests.support.contents import nothing_written
from tests.support.reconciling import reconcile
from tests.support.stack import Stack


def issue(customer: Customer, number: int) -> ApiAnswer:
    body = {"lines": [{"description": "Plan", "unit_amount_minor": 100}], "due_on": "2026-03-16"}
    return customer.stack.operator().post(customer.at("invoices"), body, key=f"invoice-{number}")


def set_recipients(customer: Customer, count: int) -> ApiAnswer:
    recipients = [f"ap{number}@example.com" for number in range(count)]
    return customer.client.put(customer.at("invoice-recipients"), {"invoice_recipients": recipients})


def test_a_key_of_255_characters_names_a_request_and_one_of_256_does_not(acme: Customer) -> None:
    acme.owes()
    acme.has_card()

    longest = acme.pay("x" * 255, amount_minor=100)
    too_long = acme.pay("x" * 256, amount_minor=100)

    assert longest.status == 201
    assert (too_long.status, too_long.code, too_long.body["limit_characters"]) == (400, "key_too_long", 255)


def test_twenty_people_get_the_invoices_and_not_one_more(acme: Customer) -> None:
    twenty = set_recipients(acme, 20)
    with nothing_written(acme.stack):
        twenty_one = set_recipients(acme, 21)

    assert (twenty.status, len(twenty.body["invoice_recipients"])) == (200, 20)
    assert (twenty_one.status, twenty_one.code) == (422, "limit_reached")
    assert (twenty_one.body["what"], twenty_one.body["limit"]) == ("recipients", 20)


def test_a_new_account_takes_as_many_recipients_as_an_old_one(stack: Stack) -> None:
    body = {"name": "Globex", "currency": "EUR", "time_zone": "Europe/Berlin"}
    recipients = [f"ap{number}@example.com" for number in range(21)]

    twenty = stack.operator().post("/v1/accounts", body | {"invoice_recipients": recipients[:20]}, key="a")
    twenty_one = stack.operator().post("/v1/accounts", body | {"invoice_recipients": recipients}, key="b")

    assert (twenty.status, twenty_one.status, twenty_one.code) == (201, 422, "limit_reached")


def test_an_operator_leaves_an_account_at_most_so_many_open_invoices(make_stack: Callable[..., Stack]) -> None:
    acme = Customer.of(make_stack(PAYDESK_LIMIT_OPEN_INVOICES="3"))
    acme.has_card()
    issued = [issue(acme, number).status for number in range(3)]

    with nothing_written(acme.stack):
        fourth = issue(acme, 3)

    assert issued == [201, 201, 201]
    assert (fourth.status, fourth.code) == (422, "limit_reached")
    assert (fourth.body["what"], fourth.body["limit"]) == ("open_invoices", 3)
    assert acme.pay(amount_minor=100).status == 201
    assert issue(acme, 3).status == 201, "one is paid, so there is room for another"


def test_so_many_payments_of_an_account_are_under_way_at_once(make_stack: Callable[..., Stack]) -> None:
    acme = Customer.of(make_stack(PAYDESK_LIMIT_PENDING="2"))
    acme.owes()
    acme.has_card("tok_timeout_then_approved")
    under_way = [acme.pay(f"key-{number}", amount_minor=100).status for number in range(2)]

    with nothing_written(acme.stack):
        third = acme.pay("key-2", amount_minor=100)

    assert under_way == [202, 202]
    assert (third.status, third.code) == (422, "limit_reached")
    assert (third.body["what"], third.body["limit"]) == ("pending_payments", 2)
    acme.stack.clock.advance(seconds=300)
    reconcile(acme.stack.desk)
    assert acme.pay("key-2", amount_minor=100).status == 202


def test_a_stage_may_allow_smaller_pages(make_stack: Callable[..., Stack]) -> None:
    acme = Customer.of(make_stack(PAYDESK_LIMIT_PAGE="2"))
    for _ in range(3):
        acme.owes(100)

    too_large = acme.client.get(acme.at("invoices"), limit=3)

    assert len(acme.see("invoices")["items"]) == 2
    assert (too_large.status, too_large.code) == (422, "invalid_request")
