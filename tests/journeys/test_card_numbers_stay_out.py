"""A card number never comes in: a body that carries one anywhere is refused, and it stands in no log and no table."""

import json

import pytest

from tests.journeys.all_routes import ENDPOINTS, Untouched, body_of, name_of, path_of
from tests.journeys.customer import Customer
from tests.support.contents import contents
from tests.support.ear import Ear

NUMBER = "4111111111111111"
BODIES = {
    "as a text": '{"a": "4111111111111111"}',
    "as a number": '{"a": 4111111111111111}',
    "as a decimal number": '{"a": 4111111111111111.0}',
    "in scientific notation": '{"a": 4.111111111111111e15}',
    "negative": '{"a": -4111111111111111}',
    "with blanks": '{"a": "4111 1111 1111 1111"}',
    "with dashes": '{"a": "4111-1111-1111-1111"}',
    "with other blanks and dashes": '{"a": "4111\\u00a01111\\u20131111 - 1111"}',
    "grouped oddly": '{"a": "41 111111 11-111111"}',
    "as a key": '{"4111111111111111": 1}',
    "as a nested key": '{"a": {"b": [{"4111-1111-1111-1111": null}]}}',
    "nested": '{"a": {"b": [1, {"c": ["x", "4111111111111111"]}]}}',
    "escaped": '{"a": "\\u0034\\u0031\\u0031\\u0031111111111111"}',
    "as an escaped key": '{"\\u0034111111111111111": 1}',
    "in a sentence": '{"a": "My card is 4111111111111111, valid until 12/29."}',
    "beside its expiry": '{"a": "4111 1111 1111 1111 12/29"}',
    "in other digits": '{"a": "４１１１１１１１１１１１１１１１"}',
    "of another brand": '{"a": "3530111333300000"}',
    "of 15 digits": '{"a": "378282246310005"}',
    "between line breaks": '{"a": "x\\n4111111111111111\\ny"}',
}


def digits_of(text: str) -> str:
    return "".join(character for character in text if character.isdecimal())


def assert_nowhere(number: str, *texts: str) -> None:
    """Neither as it was sent nor as bare digits. Digits of different fields are not read as one number."""
    for text in texts:
        assert number not in text
        assert digits_of(number) not in text


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_card_number_anywhere_in_a_body_is_422_and_in_no_log(
    untouched: Untouched, ear: Ear, capfd: pytest.CaptureFixture[str], body: str
) -> None:
    acme = untouched.acme.customer

    answer = acme.client.post(acme.at("payments"), body=body.encode(), key="new-1")

    out, err = capfd.readouterr()
    assert (answer.status, answer.code) == (422, "card_number_refused")
    assert any("card_number_refused" in line for line in ear.heard)
    for number in ("4111111111111111", "4111 1111", "4111-1111", "3530111333300000", "378282246310005", "４１１"):
        assert_nowhere(number, answer.text, out, err, *ear.heard)


def test_every_route_refuses_a_card_number_even_where_no_body_is_taken(untouched: Untouched) -> None:
    for endpoint in ENDPOINTS:
        body = (body_of(endpoint, untouched.acme) or {}) | {"note": f"card {NUMBER}"}
        path = path_of(endpoint, untouched.acme.ids())
        key = "new-1" if endpoint.keyed else None

        answer = untouched.everybody_at_once().request(endpoint.method, path, body, key=key)

        assert (answer.status, answer.code) == (422, "card_number_refused"), name_of(endpoint)
        assert "payment gateway's form" in answer.body["detail"]


@pytest.mark.parametrize("place", ["gateway_token", "name", "email", "postal_code"])
def test_a_card_number_in_a_field_that_is_known_is_refused_and_in_no_table(acme: Customer, place: str) -> None:
    value = f"{NUMBER}@example.com" if place == "email" else NUMBER
    body: dict[str, object] = {"kind": "card", "gateway_token": "tok_visa"}
    body |= {place: value} if place == "gateway_token" else {"billing_details": {place: value}}

    answer = acme.client.post(acme.at("payment-methods"), body, key="k")

    assert (answer.status, answer.code) == (422, "card_number_refused")
    assert_nowhere(NUMBER, json.dumps(contents(acme.stack)))


def test_a_card_number_in_an_address_is_in_no_log(
    untouched: Untouched, ear: Ear, capfd: pytest.CaptureFixture[str]
) -> None:
    somebody = untouched.everybody_at_once()
    acme = untouched.acme.customer

    asked = [
        somebody.get(f"/v1/accounts/{NUMBER}"),
        somebody.get(acme.at(f"payments/{NUMBER}")),
        somebody.get(acme.at("payments"), cursor=NUMBER),
        somebody.get("/v1/accounts", name=NUMBER),
        somebody.get(f"/{NUMBER}"),
    ]

    out, err = capfd.readouterr()
    assert [answer.status for answer in asked] == [404, 404, 422, 422, 404]
    ours = [line for line in ear.heard if "'name': 'paydesk" in line]
    assert ours
    assert_nowhere(NUMBER, out, err, *ours, *(answer.text for answer in asked))


def test_a_card_number_as_idempotency_key_is_in_no_log_and_no_table(acme: Customer, ear: Ear) -> None:
    acme.owes()
    acme.has_card()

    assert acme.pay(key=NUMBER).status == 201

    assert_nowhere(NUMBER, json.dumps(contents(acme.stack)), *ear.heard)


@pytest.mark.parametrize(
    "harmless",
    ["4111 1111 1111 1112", "DE89 3704 0044 0532 0130 00", "+49 30 4111111111", "PO 20260302-0000000000001"],
)
def test_numbers_that_are_no_card_are_let_in(acme: Customer, harmless: str) -> None:
    answer = acme.add_card(billing_details={"name": harmless})

    assert (answer.status, answer.body["billing_details"]["name"]) == (201, harmless)
