"""Answers speak the language asked for: English, and German so far."""

import pytest

from tests.journeys.customer import Customer
from tests.support.stack import Stack


@pytest.fixture
def german(acme: Customer) -> Customer:
    """Acme, whose administrator's browser asks for German."""
    return acme.as_seen_by(acme.client.with_headers(accept_language="de-DE,de;q=0.9,en;q=0.5"))


def test_a_refusal_is_told_in_german_with_the_same_code_and_facts(acme: Customer, german: Customer) -> None:
    acme.owes()
    acme.has_card()

    english, answer = acme.pay(amount_minor=12_001), german.pay(amount_minor=12_001)

    assert answer.headers["content-language"] == "de"
    assert answer.body["title"] == "Der Betrag ist zu hoch"
    assert "120.00 EUR" in answer.body["detail"]
    facts = {name: value for name, value in answer.body.items() if name not in ("title", "detail")}
    assert facts == {name: value for name, value in english.body.items() if name not in ("title", "detail")}


def test_a_receipt_is_told_in_german(german: Customer) -> None:
    german.owes()
    german.has_card()

    receipt = german.pay()

    assert receipt.status == 201
    assert receipt.body["message"] == "Vielen Dank: 120.00 EUR wurden bezahlt."


def test_a_payment_is_told_in_the_readers_language_not_in_the_payers(acme: Customer, german: Customer) -> None:
    acme.owes()
    acme.has_card()
    payment_id = german.pay().body["payment_id"]

    assert acme.see(f"payments/{payment_id}")["message"].startswith("Thank you")
    assert german.see("payments")["items"][0]["message"].startswith("Vielen Dank")


def test_a_decline_is_told_in_german(german: Customer) -> None:
    german.owes()
    german.has_card("tok_stolen_card")

    problem = german.pay().body

    assert problem["title"] == "Die Zahlung wurde abgelehnt"
    assert problem["decline_class"] == "never_again"


def test_what_is_wrong_with_a_field_is_told_in_german(german: Customer) -> None:
    problem = german.pay(amount_minor=0).body

    assert problem["errors"] == [{"field": "amount_minor", "problem": "Der Wert muss größer als 0 sein."}]


def test_what_a_rule_of_ours_says_of_a_field_is_told_in_german(acme: Customer, german: Customer) -> None:
    card = acme.has_card()
    half = {"expires_month": 5}

    english = acme.client.patch(acme.at(f"payment-methods/{card}"), half).body["errors"][0]["problem"]
    answer = german.client.patch(german.at(f"payment-methods/{card}"), half).body["errors"][0]["problem"]

    assert english != answer


@pytest.mark.parametrize(
    ("path", "title"), [("/v1/accounts", "You are not signed in"), ("/v1/account", "There is no such address")]
)
def test_what_never_reaches_a_route_is_told_in_english(german: Customer, path: str, title: str) -> None:
    answer = german.client.with_token(None).get(path)

    assert answer.body["title"] == title
    assert "x-request-id" not in answer.headers


def test_answers_about_a_german_customer_are_told_in_the_readers_language(stack: Stack) -> None:
    body = {"name": "Acme", "currency": "EUR", "time_zone": "Europe/Berlin", "locale": "de"}
    account_id = stack.operator().post("/v1/accounts", body, key="acme").body["account_id"]
    customer = Customer(stack, account_id, stack.admin(account_id))

    assert customer.see()["locale"] == "de"
    assert customer.pay().body["title"] == "No payment method was chosen"


@pytest.mark.parametrize(
    ("accept_language", "language"),
    [
        ("de", "de"),
        ("DE-at", "de"),
        ("de;q=0.4, en;q=0.8", "en"),
        ("fr-CH, fr;q=0.9, de;q=0.7, en;q=0.5", "de"),
        ("de;q=0", "en"),
        ("ja", "en"),
        ("*", "en"),
        ("", "en"),
        (";;;,,,q=", "en"),
        ("../../etc/passwd", "en"),
        ("de" * 3_000, "en"),
    ],
    ids=lambda value: value[:40] or "nothing",
)
def test_the_language_is_the_best_liked_of_those_there_are(acme: Customer, accept_language: str, language: str) -> None:
    client = acme.client.with_headers(accept_language=accept_language)

    answer = client.get(acme.at("payments/pay_unknown"))

    assert answer.headers["content-language"] == language
