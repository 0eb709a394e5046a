"""Autopay meets a decline: retry days, notices, suspension, and every way back (P10 by autopay among them)."""

import pytest

from tests.journeys.autopay import PayingByItself
from tests.journeys.customer import Customer


@pytest.fixture
def desk(acme: Customer) -> PayingByItself:
    return PayingByItself(acme)


def owing_with(desk: PayingByItself, token: str) -> str:
    """Acme owes 120.00 EUR, due today, which autopay is to charge to that card. Its id."""
    card = desk.customer.has_card(token)
    desk.customer.owes(12_000, due_in_days=0)
    desk.choose(card, autopay=True)
    return card


def services(desk: PayingByItself) -> str:
    status: str = desk.customer.see()["services"]["status"]
    return status


def test_it_is_tried_on_its_retry_days_then_services_are_suspended_and_a_payment_brings_them_back(
    desk: PayingByItself,
) -> None:
    owing_with(desk, "tok_insufficient_funds")
    assert desk.fire() == ["declined"]
    assert (
        "The forecast says whether and when autopay tries again" in desk.customer.see("payments")["items"][0]["message"]
    )
    assert desk.after(1, 2, 3, 5, 6, 7, 8, 14, 15) == {
        1: ["declined", "noticed"],
        3: ["declined"],
        5: ["declined"],
        7: ["declined", "noticed"],
        15: ["suspended"],
    }
    assert services(desk) == "suspended"
    assert desk.forecast()["stopped_reason"] == "retries_exhausted"
    (charge,) = desk.forecast()["charges"]
    assert (charge["charge_at"], charge["health"]) == (None, "will_fail")

    other = desk.customer.has_card("tok_mastercard")
    assert desk.customer.pay(payment_method_id=other).status == 201

    assert services(desk) == "active"
    assert desk.forecast()["stopped_reason"] is None
    assert desk.after(1, 7) == {}


def test_p10_a_new_default_is_charged_by_the_next_run_which_brings_the_services_back(desk: PayingByItself) -> None:
    owing_with(desk, "tok_expired_card")
    assert desk.fire() == ["declined"]
    assert desk.after(1, 7, 15) == {1: ["noticed"], 7: ["noticed"], 15: ["suspended"]}

    desk.customer.add_card("tok_mastercard", make_default=True)

    assert desk.fire() == ["charged"]
    assert services(desk) == "active"
    assert desk.customer.actions()[-2:] == ["payment.succeeded", "services.reactivated"]


def test_a_new_default_while_overdue_settles_the_old_invoice_at_once(desk: PayingByItself) -> None:
    owing_with(desk, "tok_insufficient_funds")
    desk.fire()
    desk.after(1)

    new = desk.customer.add_card("tok_mastercard", make_default=True).body["payment_method_id"]

    assert desk.fire() == ["charged"]
    paid = desk.customer.see("payments")["items"][0]
    assert (paid["payment_method"]["payment_method_id"], paid["amount_minor"]) == (new, 12_000)
    assert desk.after(1, 7) == {}


def test_an_expired_card_is_foretold_not_asked_and_its_new_date_earns_an_attempt(desk: PayingByItself) -> None:
    acme = desk.customer
    card = acme.has_card()
    acme.owes(12_000, due_in_days=5_200)  # 2040-05-25; the card is good through 2039
    settings = desk.choose(card, autopay=True)
    (charge,) = settings["forecast"]["charges"]
    assert (charge["health"], charge["problems"]) == ("will_fail", ["method_expires_before"])
    acme.stack.clock.advance(seconds=5_200 * 86_400)

    assert desk.fire() == []
    assert desk.forecast()["stopped_reason"] == "fix_method"
    assert desk.charges() == []

    renewed = acme.client.patch(acme.at(f"payment-methods/{card}"), {"expires_month": 12, "expires_year": 2045})
    assert renewed.status == 200, renewed.text
    assert desk.fire() == ["charged"]
