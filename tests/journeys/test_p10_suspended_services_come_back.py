"""P10: suspended services come back by themselves when the overdue balance is 0.00: in the payment's own commit."""

import pytest

from tests.journeys.customer import Customer
from tests.support.reconciling import reconcile


@pytest.fixture
def suspended(acme: Customer) -> Customer:
    """Acme, who owes 99.00 EUR overdue and 20.00 EUR not due yet, with suspended services and a card."""
    acme.owes(9_900, due_in_days=-30)
    acme.owes(2_000, due_in_days=10)
    acme.has_card()
    acme.stack.suspend(acme.account_id)
    return acme


def services(customer: Customer) -> str:
    status: str = customer.see()["services"]["status"]
    return status


def test_they_come_back_when_overdue_is_zero_although_the_total_is_not(suspended: Customer) -> None:
    assert services(suspended) == "suspended"

    suspended.pay(amount_minor=9_900)

    assert suspended.balance()["overdue_minor"] == 0
    assert suspended.balance()["open_minor"] == 2_000
    assert services(suspended) == "active"


def test_they_come_back_in_the_very_commit_that_books_the_payment(suspended: Customer) -> None:
    before = suspended.stack.account(suspended.account_id)

    receipt = suspended.pay().body

    # Nothing was read or run between the answer and this look into the books.
    after = suspended.stack.account(suspended.account_id)
    assert after.services.status == "active"
    assert after.version == before.version + 2, "one commit reserved the payment, one booked it"
    booked, reactivated = suspended.see("activity", order="oldest_first")["items"][-2:]
    assert (booked["action"], reactivated["action"]) == ("payment.succeeded", "services.reactivated")
    assert booked["at"] == reactivated["at"] == receipt["settled_at"]
    assert reactivated["facts"] == {"payment_id": receipt["payment_id"]}
    assert reactivated["actor"] == "paydesk"
    assert suspended.see()["services"]["since"] == receipt["settled_at"]


def test_one_cent_overdue_keeps_them_suspended(suspended: Customer) -> None:
    suspended.pay("most", amount_minor=9_899)
    assert (suspended.balance()["overdue_minor"], services(suspended)) == (1, "suspended")

    suspended.pay("the last cent", amount_minor=1)
    assert (suspended.balance()["overdue_minor"], services(suspended)) == (0, "active")


def test_paying_what_is_not_overdue_keeps_them_suspended(suspended: Customer) -> None:
    (not_due,) = (invoice for invoice in suspended.see("invoices")["items"] if not invoice["overdue"])

    suspended.pay(invoice_ids=[not_due["invoice_id"]])

    assert (suspended.balance()["overdue_minor"], services(suspended)) == (9_900, "suspended")


def test_a_declined_payment_keeps_them_suspended(suspended: Customer) -> None:
    suspended.pay(payment_method_id=suspended.has_card("tok_insufficient_funds"))

    assert services(suspended) == "suspended"


def test_a_payment_under_way_keeps_them_suspended_until_its_money_arrives(suspended: Customer) -> None:
    payment = suspended.pay(payment_method_id=suspended.has_card("tok_timeout_then_approved"))
    assert (payment.status, services(suspended)) == (202, "suspended")
    assert suspended.balance()["covered_minor"] == 11_900

    suspended.stack.clock.advance(seconds=300)
    reconcile(suspended.stack.desk)

    assert services(suspended) == "active"


def test_voiding_the_overdue_invoice_brings_them_back_too(suspended: Customer) -> None:
    (overdue,) = (invoice for invoice in suspended.see("invoices")["items"] if invoice["overdue"])

    operator = suspended.as_seen_by(suspended.stack.operator())
    answer = operator.client.post(operator.at(f"invoices/{overdue['invoice_id']}/void"), key="void-1")

    assert (answer.status, answer.body["status"]) == (200, "void")
    assert services(suspended) == "active"
    assert suspended.actions()[-2:] == ["invoice.voided", "services.reactivated"]


def test_an_invoice_due_today_keeps_nobody_suspended(acme: Customer) -> None:
    acme.owes(500, due_in_days=-1)
    due_today = acme.owes(700, due_in_days=0)
    acme.has_card()
    acme.stack.suspend(acme.account_id)

    acme.pay(amount_minor=500)

    assert acme.invoice(due_today)["overdue"] is False
    assert services(acme) == "active"


def test_services_that_were_never_suspended_are_not_reported_back(acme: Customer) -> None:
    acme.owes(500, due_in_days=-1)
    acme.has_card()

    acme.pay()

    assert "services.reactivated" not in acme.actions()
