"""What was paid too much becomes credit, and the next invoice uses it first."""

import pytest

from tests.journeys.customer import Customer
from tests.support.reconciling import reconcile


@pytest.fixture
def credited(acme: Customer) -> Customer:
    """Acme with 50.00 EUR of credit: an invoice was voided while its payment was under way."""
    invoice_id = acme.owes(5_000)
    acme.has_card("tok_timeout_then_approved")
    acme.pay("too late")
    issued_to(acme, f"invoices/{invoice_id}/void", None)
    acme.stack.clock.advance(seconds=300)
    reconcile(acme.stack.desk)
    assert acme.see()["credit_minor"] == 5_000
    return acme


def issued_to(customer: Customer, path: str, body: object) -> object:
    """What an operator does to the account's invoices."""
    answer = customer.stack.operator().post(customer.at(path), body, key=f"{path}-{body}")
    assert answer.status in (200, 201), answer.text
    return answer.body


def issue(customer: Customer, total_minor: int) -> dict[str, object]:
    line = {"description": "Plan", "quantity": 1, "unit_amount_minor": total_minor}
    invoice = issued_to(customer, "invoices", {"lines": [line], "due_on": "2026-03-16"})
    assert isinstance(invoice, dict)
    return invoice


def test_the_next_invoice_uses_the_credit_first(credited: Customer) -> None:
    invoice = issue(credited, 8_000)

    assert (invoice["status"], invoice["total_minor"], invoice["remaining_minor"]) == ("unpaid", 8_000, 3_000)
    assert invoice["payments"] == [{"payment_id": "credit", "amount_minor": 5_000}]
    assert credited.see()["credit_minor"] == 0
    assert credited.balance()["payable_minor"] == 3_000


def test_an_invoice_below_the_credit_is_paid_as_it_is_issued_and_the_rest_stays(credited: Customer) -> None:
    invoice = issue(credited, 1_200)

    assert (invoice["status"], invoice["remaining_minor"]) == ("paid", 0)
    assert credited.see()["credit_minor"] == 3_800
    assert credited.balance()["open_minor"] == 0


def test_credit_goes_back_when_the_invoice_that_used_it_is_voided(credited: Customer) -> None:
    invoice = issue(credited, 8_000)

    issued_to(credited, f"invoices/{invoice['invoice_id']}/void", None)

    assert credited.see()["credit_minor"] == 5_000
    assert credited.balance()["open_minor"] == 0


def test_captured_is_allocated_plus_credited(credited: Customer) -> None:
    issue(credited, 8_000)
    credited.pay("rest", payment_method_id=credited.has_card("tok_visa"))

    for payment in credited.see("payments")["items"]:
        allocated = sum(part["amount_minor"] for part in payment["allocations"])
        assert payment["amount_minor"] == allocated + payment["credited_minor"]
