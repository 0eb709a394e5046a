"""Money is minor units of the account's currency, whatever number of digits that has."""

import pytest

from tests.journeys.customer import Customer
from tests.support.stack import Stack


@pytest.mark.parametrize(
    ("currency", "time_zone", "total_minor", "in_words"),
    [
        ("JPY", "Asia/Tokyo", 24_800, "24800 JPY"),
        ("KWD", "Asia/Kuwait", 12_345, "12.345 KWD"),
        ("USD", "America/New_York", 12_345, "123.45 USD"),
    ],
)
def test_a_balance_is_paid_in_the_accounts_currency(
    stack: Stack, currency: str, time_zone: str, total_minor: int, in_words: str
) -> None:
    customer = Customer.of(stack, "globex", currency=currency, time_zone=time_zone)
    customer.owes(total_minor)
    customer.has_card()

    assert customer.balance()["payable_minor"] == total_minor
    receipt = customer.pay(amount_minor=total_minor, currency=currency).body

    assert (receipt["amount_minor"], receipt["currency"]) == (total_minor, currency)
    assert receipt["message"] == f"Thank you: {in_words} was paid."
    assert customer.balance()["open_minor"] == 0


def test_two_customers_pay_side_by_side_each_in_their_own_currency(stack: Stack) -> None:
    tokyo = Customer.of(stack, "tokyo", currency="JPY", time_zone="Asia/Tokyo")
    kuwait = Customer.of(stack, "kuwait", currency="KWD", time_zone="Asia/Kuwait")
    for customer in (tokyo, kuwait):
        customer.owes(1_500)
        customer.has_card()

    yen = tokyo.pay("same key", currency="JPY").body
    dinars = kuwait.pay("same key", currency="KWD").body

    assert yen["message"] == "Thank you: 1500 JPY was paid."
    assert dinars["message"] == "Thank you: 1.500 KWD was paid."
    assert yen["payment_id"] != dinars["payment_id"], "one key of two customers names two payments"


def test_an_amount_in_another_currency_is_refused_and_told_in_the_accounts_own(stack: Stack) -> None:
    tokyo = Customer.of(stack, "tokyo", currency="JPY", time_zone="Asia/Tokyo")
    tokyo.owes(1_500)
    tokyo.has_card()

    foreign = tokyo.pay(amount_minor=1_500, currency="USD")
    too_high = tokyo.pay(amount_minor=1_501)

    assert (foreign.status, foreign.code, foreign.body["currency"]) == (422, "wrong_currency", "JPY")
    assert (too_high.status, too_high.code) == (422, "amount_too_high")
    assert "1500 JPY" in too_high.body["detail"]


def test_an_operator_issues_invoices_in_the_accounts_currency_only(stack: Stack) -> None:
    kuwait = Customer.of(stack, "kuwait", currency="KWD", time_zone="Asia/Kuwait")
    line = {"description": "Plan", "unit_amount_minor": 1}
    body = {"lines": [line], "due_on": "2026-04-01", "currency": "EUR"}

    refused = stack.operator().post(kuwait.at("invoices"), body, key="euros")
    issued = stack.operator().post(kuwait.at("invoices"), body | {"currency": "KWD"}, key="dinars")

    assert (refused.status, refused.code) == (422, "wrong_currency")
    assert (issued.status, issued.body["total_minor"], issued.body["currency"]) == (201, 1, "KWD")


def test_the_day_is_the_customers_own(stack: Stack) -> None:
    """At 11:00 UTC on 2 March it is 2 March in Berlin and already 1:00 on 3 March in Kiritimati."""
    here = Customer.of(stack, "here")
    there = Customer.of(stack, "there", time_zone="Pacific/Kiritimati")
    stack.clock.advance(seconds=2 * 3_600)
    body = {"lines": [{"description": "Plan", "unit_amount_minor": 100}], "due_on": "2026-03-20"}

    issued_on = [
        stack.operator().post(customer.at("invoices"), body, key="k").body["issued_on"] for customer in (here, there)
    ]

    assert issued_on == ["2026-03-02", "2026-03-03"]
