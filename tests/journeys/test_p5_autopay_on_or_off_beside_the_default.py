"""P5: autopay on or off beside the choice of default: one call sets both; on needs a default that can be charged."""

import pytest

from tests.journeys.autopay import PayingByItself
from tests.journeys.customer import Customer
from tests.support.contents import nothing_written


@pytest.fixture
def desk(acme: Customer) -> PayingByItself:
    return PayingByItself(acme)


def test_one_call_sets_the_default_and_switches_it_on_and_says_what_will_be_charged(desk: PayingByItself) -> None:
    acme = desk.customer
    acme.has_card()
    other = acme.has_card("tok_mastercard")
    invoice_id = acme.owes(12_000, due_in_days=3)

    settings = desk.choose(other, autopay=True)

    assert (settings["default_payment_method_id"], settings["autopay_enabled"]) == (other, True)
    (charge,) = settings["forecast"]["charges"]
    assert (charge["charge_at"], charge["amount_minor"]) == ("2026-03-05T05:00:00.000Z", 12_000)  # six in Berlin
    assert (charge["invoice_ids"], charge["health"]) == ([invoice_id], "ok")
    assert acme.see()["autopay"]["enabled"] is True
    assert acme.actions()[-1] == "payment_settings.changed"


def test_it_charges_on_the_due_date_with_that_method_and_the_invoice_turns_paid(desk: PayingByItself) -> None:
    acme = desk.customer
    card = acme.has_card()
    invoice_id = acme.owes(12_000, due_in_days=3)
    desk.choose(card, autopay=True)

    assert desk.after(2, 3, 4) == {3: ["charged"]}

    assert desk.charges() == [("succeeded", 12_000)]
    assert acme.invoice(invoice_id)["status"] == "paid"


def test_switched_off_nothing_is_charged(desk: PayingByItself) -> None:
    card = desk.customer.has_card()
    desk.customer.owes(12_000, due_in_days=1)
    desk.choose(card, autopay=True)
    desk.choose(card, autopay=False)

    desk.after(1, 2)

    assert desk.charges() == []
    assert desk.forecast()["charges"] == []


@pytest.mark.parametrize(
    ("token", "code", "status"),
    [(None, "no_payment_method", 422), ("tok_visa_past_expiry", "method_not_usable", 422)],
)
def test_on_without_a_default_that_can_be_charged_is_refused_and_says_why(
    desk: PayingByItself, token: str | None, code: str, status: int
) -> None:
    acme = desk.customer
    card = acme.has_card(token) if token else None
    body = {"default_payment_method_id": card, "autopay_enabled": True}
    with nothing_written(acme.stack):
        refused = acme.client.put(acme.at("payment-settings"), body)

    assert (refused.status, refused.code) == (status, code)
    assert acme.see("payment-settings")["autopay_enabled"] is False


def test_on_without_any_default_is_told_what_autopay_lacks(desk: PayingByItself) -> None:
    acme = desk.customer
    body = {"default_payment_method_id": None, "autopay_enabled": True}

    refused = acme.client.put(acme.at("payment-settings"), body)

    assert refused.body["title"] == "Autopay needs a default payment method"


def test_off_and_on_after_a_decline_tries_again_at_once_under_a_new_attempt(desk: PayingByItself) -> None:
    acme = desk.customer
    card = acme.has_card("tok_insufficient_funds")
    acme.owes(12_000, due_in_days=0)
    desk.choose(card, autopay=True)
    assert desk.fire() == ["declined"]
    assert desk.fire() == []

    desk.choose(card, autopay=False)
    desk.choose(card, autopay=True)

    assert desk.fire() == ["declined"]
    assert desk.charges() == [("declined", 12_000)] * 2
