"""Paying less than everything: partial amounts, named invoices, more invoices than one payment holds."""

import pytest

from tests.journeys.customer import Customer
from tests.support.contents import nothing_written
from tests.support.reconciling import reconcile
from tests.support.stack import Stack

INVOICES_PER_PAYMENT_MAX = 90


@pytest.fixture
def three_invoices(acme: Customer) -> Customer:
    """Acme, who owes 10.00, 20.00 and 30.00 EUR, the smallest due first, and has a card."""
    for total_minor, due_in_days in ((1_000, 5), (2_000, 10), (3_000, 15)):
        acme.owes(total_minor, due_in_days=due_in_days)
    acme.has_card()
    return acme


def by_due_date(customer: Customer) -> list[dict[str, int | str]]:
    return sorted(customer.see("invoices", limit=100)["items"], key=lambda invoice: str(invoice["due_on"]))


def test_a_partial_amount_pays_the_oldest_due_first(three_invoices: Customer) -> None:
    answer = three_invoices.pay(amount_minor=1_500)

    assert answer.status == 201
    remaining = [invoice["remaining_minor"] for invoice in by_due_date(three_invoices)]
    assert remaining == [0, 1_500, 3_000]
    assert [part["amount_minor"] for part in answer.body["allocations"]] == [1_000, 500]


def test_named_invoices_are_paid_and_no_others(three_invoices: Customer) -> None:
    first, _, last = by_due_date(three_invoices)

    answer = three_invoices.pay(invoice_ids=[last["invoice_id"], first["invoice_id"]])

    assert answer.body["amount_minor"] == 4_000
    assert [invoice["status"] for invoice in by_due_date(three_invoices)] == ["paid", "unpaid", "paid"]


def test_an_amount_may_be_a_part_of_named_invoices(three_invoices: Customer) -> None:
    _, middle, last = by_due_date(three_invoices)

    three_invoices.pay(invoice_ids=[last["invoice_id"], middle["invoice_id"]], amount_minor=2_500)

    assert [invoice["remaining_minor"] for invoice in by_due_date(three_invoices)] == [1_000, 0, 2_500]


def test_an_invoice_named_twice_is_paid_once(three_invoices: Customer) -> None:
    first, _, _ = by_due_date(three_invoices)

    answer = three_invoices.pay(invoice_ids=[first["invoice_id"]] * 2)

    assert answer.body["amount_minor"] == 1_000


def test_more_than_the_named_invoices_take_is_refused(three_invoices: Customer) -> None:
    first, _, _ = by_due_date(three_invoices)

    answer = three_invoices.pay(invoice_ids=[first["invoice_id"]], amount_minor=1_001)

    assert (answer.status, answer.code, answer.body["payable_minor"]) == (422, "amount_too_high", 1_000)


def test_a_paid_invoice_cannot_be_named(three_invoices: Customer) -> None:
    first, second, _ = by_due_date(three_invoices)
    three_invoices.pay("first", invoice_ids=[first["invoice_id"]])

    answer = three_invoices.pay("second", invoice_ids=[second["invoice_id"], first["invoice_id"]])

    assert (answer.status, answer.code) == (422, "invoice_not_payable")
    assert answer.body["invoice_id"] == first["invoice_id"]
    assert by_due_date(three_invoices)[1]["status"] == "unpaid"


def test_two_partial_payments_run_side_by_side_and_share_the_balance(three_invoices: Customer) -> None:
    slow = three_invoices.has_card("tok_timeout_then_approved")

    first = three_invoices.pay("first", amount_minor=2_500, payment_method_id=slow)
    second = three_invoices.pay("second", amount_minor=2_500, payment_method_id=slow)
    third = three_invoices.pay("third", amount_minor=2_500, payment_method_id=slow)

    assert (first.status, second.status) == (202, 202)
    assert (third.status, third.code, third.body["payable_minor"]) == (422, "amount_too_high", 1_000)
    three_invoices.stack.clock.advance(seconds=300)
    reconcile(three_invoices.stack.desk)
    assert three_invoices.balance()["open_minor"] == 1_000


def test_covered_amounts_show_on_each_invoice(three_invoices: Customer) -> None:
    slow = three_invoices.has_card("tok_timeout_then_approved")

    three_invoices.pay(amount_minor=1_700, payment_method_id=slow)

    assert [invoice["covered_minor"] for invoice in by_due_date(three_invoices)] == [1_000, 700, 0]


def test_of_more_than_90_invoices_the_oldest_90_are_paid_and_the_answer_says_how_many_are_left_out(
    watched_ministack_stack: Stack,
) -> None:
    """On MiniStack: moto copies a table for every action of a transaction, which takes longer than Paydesk waits."""
    acme = Customer.of(watched_ministack_stack)
    for number in range(INVOICES_PER_PAYMENT_MAX + 3):
        acme.owes(100, due_in_days=number)
    acme.has_card()

    with nothing_written(acme.stack):
        too_many = acme.pay("with an amount", amount_minor=9_001)
    paid = acme.pay("without")
    rest = acme.pay("the rest")

    assert (too_many.status, too_many.code, too_many.body["limit"]) == (422, "too_many_invoices", 90)
    assert (paid.status, paid.body["left_out_invoices"], paid.body["amount_minor"]) == (201, 3, 9_000)
    assert (rest.body["left_out_invoices"], rest.body["amount_minor"]) == (0, 300)
    assert acme.balance()["open_minor"] == 0
