"""An operator issues and voids invoices; the customer reads and pays them."""

from typing import Any

import pytest

from tests.journeys.customer import Customer
from tests.support.client import ApiAnswer
from tests.support.contents import nothing_written

PLAN = {"description": "Team plan, 12 seats", "quantity": 12, "unit_amount_minor": 1_900}
DISCOUNT = {"description": "Discount", "unit_amount_minor": -2_800}


def issue(customer: Customer, key: str = "invoice-1", **changed: Any) -> ApiAnswer:
    body = {"lines": [PLAN, DISCOUNT], "due_on": "2026-03-16"} | changed
    return customer.stack.operator().post(customer.at("invoices"), body, key=key)


def void(customer: Customer, invoice_id: str, key: str = "void-1") -> ApiAnswer:
    return customer.stack.operator().post(customer.at(f"invoices/{invoice_id}/void"), key=key)


def test_an_issued_invoice_adds_up_and_the_customer_sees_it(acme: Customer) -> None:
    answer = issue(acme)

    invoice = answer.body
    assert answer.status == 201
    assert answer.headers["location"] == acme.at(f"invoices/{invoice['invoice_id']}")
    assert (invoice["total_minor"], invoice["remaining_minor"], invoice["status"]) == (20_000, 20_000, "unpaid")
    assert [line["amount_minor"] for line in invoice["lines"]] == [22_800, -2_800]
    assert (invoice["issued_on"], invoice["due_on"], invoice["overdue"]) == ("2026-03-02", "2026-03-16", False)
    assert acme.invoice(invoice["invoice_id"]) == invoice
    assert acme.balance()["payable_minor"] == 20_000


def test_an_invoice_is_issued_once_however_often_it_is_asked_for_even_after_midnight(acme: Customer) -> None:
    first = issue(acme)
    acme.stack.clock.advance(seconds=24 * 3_600)

    again = issue(acme)
    other = issue(acme, due_on="2026-03-17")

    assert (again.status, again.body) == (201, first.body)
    assert again.headers["idempotent-replayed"] == "true"
    assert (other.status, other.code) == (422, "key_reused")
    assert len(acme.see("invoices")["items"]) == 1


def test_invoices_are_numbered_and_listed_newest_first_page_by_page(acme: Customer) -> None:
    for day, key in (("2026-02-01", "february"), ("2026-01-01", "january"), ("2026-03-01", "march")):
        issue(acme, key, issued_on=day, due_on="2026-03-16")
    first = acme.see("invoices", limit=2)
    second = acme.see("invoices", limit=2, cursor=first["next_cursor"])

    listed = [invoice for page in (first, second) for invoice in page["items"]]
    assert [invoice["issued_on"] for invoice in listed] == ["2026-03-01", "2026-02-01", "2026-01-01"]
    assert sorted(invoice["number"][-5:] for invoice in listed) == ["00001", "00002", "00003"]
    assert second["next_cursor"] is None


def test_a_void_invoice_is_owed_no_more_and_voiding_again_changes_nothing(acme: Customer) -> None:
    invoice_id = issue(acme).body["invoice_id"]

    answer = void(acme, invoice_id)
    again = void(acme, invoice_id)

    assert (answer.status, answer.body["status"], answer.body["remaining_minor"]) == (200, "void", 0)
    assert (again.status, again.body) == (200, answer.body)
    assert again.headers["idempotent-replayed"] == "true"
    assert acme.balance()["open_minor"] == 0
    assert [invoice["invoice_id"] for invoice in acme.see("invoices", status="void")["items"]] == [invoice_id]


def test_a_paid_or_partly_paid_invoice_cannot_be_voided(acme: Customer) -> None:
    acme.has_card()
    paid = issue(acme).body["invoice_id"]
    acme.pay("all")
    partly_paid = issue(acme, "invoice-2").body["invoice_id"]
    acme.pay("a part", amount_minor=1)

    answers = [void(acme, paid), void(acme, partly_paid)]

    assert [(answer.status, answer.code) for answer in answers] == [(409, "invoice_not_voidable")] * 2
    assert [answer.body["reason"] for answer in answers] == ["not_unpaid", "partly_paid"]
    assert acme.balance()["open_minor"] == 19_999


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"due_on": "2026-03-01"}, "invoice_dates"),
        ({"issued_on": "2026-03-17"}, "invoice_dates"),
        ({"lines": [DISCOUNT]}, "invoice_total"),
        ({"lines": [PLAN, {"description": "All off", "unit_amount_minor": -22_800}]}, "invoice_total"),
        ({"lines": [PLAN | {"quantity": 1_000_000, "unit_amount_minor": 10**12}]}, "invoice_total"),
        ({"lines": []}, "invalid_request"),
        ({"lines": [PLAN] * 101}, "invalid_request"),
        ({"lines": [PLAN | {"quantity": 0}]}, "invalid_request"),
        ({"lines": [PLAN | {"quantity": 1.5}]}, "invalid_request"),
        ({"lines": [PLAN | {"unit_amount_minor": "19.00"}]}, "invalid_request"),
        ({"lines": [PLAN | {"amount_minor": 5}]}, "invalid_request"),
        ({"lines": [PLAN | {"description": ""}]}, "invalid_request"),
        ({"due_on": "16.03.2026"}, "invalid_request"),
        ({"due_on": "2026-02-30"}, "invalid_request"),
        ({"due_on": "2026-03-16T00:00:00Z"}, "invalid_request"),
        ({"due_on": 20260316}, "invalid_request"),
        ({"due_on": None}, "invalid_request"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_an_invoice_that_makes_no_sense_is_422_and_nothing_is_written(
    acme: Customer, changed: dict[str, Any], code: str
) -> None:
    with nothing_written(acme.stack):
        answer = issue(acme, **changed)

    assert (answer.status, answer.code) == (422, code)
