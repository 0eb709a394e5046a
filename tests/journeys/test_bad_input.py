"""Bad input: every refusal is a problem with a code and a sentence that says what to do, and nothing is written.

`untouched` compares all tables after each test. Tokens stand in test_bad_tokens.py, card numbers in
test_card_numbers_stay_out.py, addresses and queries in test_bad_addresses.py, cards in test_bad_cards.py.
"""

import json
from typing import Any

import pytest

from chalicelib.http.endpoints import Endpoint
from tests.journeys.all_routes import ENDPOINTS, WRITING, Untouched, body_of, name_of, path_of
from tests.support.client import ApiAnswer

TAKING_A_BODY = [endpoint for endpoint in WRITING if endpoint.body is not None]
TAKING_NONE = [endpoint for endpoint in WRITING if endpoint.body is None]
KEYED = [endpoint for endpoint in WRITING if endpoint.keyed]
BODY_BYTES_MAX = 65_536
KEY_CHARACTERS_MAX = 255


def send(untouched: Untouched, endpoint: Endpoint, body: bytes | None, *, key: str | None = "new-1") -> ApiAnswer:
    """Those very bytes to acme's route, by somebody who may."""
    path = path_of(endpoint, untouched.acme.ids())
    return untouched.everybody_at_once().request(endpoint.method, path, body=body, key=key if endpoint.keyed else None)


def pay(untouched: Untouched, body: str) -> ApiAnswer:
    """A payment nobody asked for before, in those very words."""
    acme = untouched.acme.customer
    return acme.client.post(acme.at("payments"), body=body.encode(), key="new-1")


def fields(answer: ApiAnswer) -> set[str]:
    """Which fields a refusal names."""
    assert (answer.status, answer.code) == (422, "invalid_request"), answer.text
    return {error["field"] for error in answer.body["errors"]}


@pytest.mark.parametrize(
    "body",
    [
        b'{"amount_minor": 5',
        b"not json",
        b"amount_minor=5&currency=EUR",
        b"[]",
        b"null",
        b'"{}"',
        b"5",
        b"{} {}",
        b'{"amount_minor": NaN}',
        b'{"amount_minor": 5, "amount_minor": 7}',
        b"\xff\xfe{}",
        b"[" * 10_000,
        b'{"a":' * 10_000,
    ],
    ids=lambda body: body[:20].decode("ascii", "replace"),
)
def test_what_is_no_json_object_is_400(untouched: Untouched, body: bytes) -> None:
    for endpoint in TAKING_A_BODY:
        answer = send(untouched, endpoint, body)

        assert (answer.status, answer.code) == (400, "malformed_json"), name_of(endpoint)
        assert "JSON object" in answer.body["detail"]


@pytest.mark.parametrize("body", [None, b"", b" ", b"\r\n\t "], ids=["none", "empty", "a blank", "blanks"])
def test_an_empty_body_is_400_and_never_read_as_pay_everything(untouched: Untouched, body: bytes | None) -> None:
    for endpoint in TAKING_A_BODY:
        answer = send(untouched, endpoint, body)

        assert (answer.status, answer.code) == (400, "empty_body"), name_of(endpoint)


def test_a_field_nobody_knows_is_422_and_named_without_its_value(untouched: Untouched) -> None:
    for endpoint in TAKING_A_BODY:
        body = (body_of(endpoint, untouched.acme) or {}) | {"amount": "secret value"}

        answer = send(untouched, endpoint, json.dumps(body).encode())

        assert fields(answer) == {"amount"}, name_of(endpoint)
        assert "secret value" not in answer.text


def test_where_no_body_is_taken_none_is_ignored(untouched: Untouched) -> None:
    for endpoint in TAKING_NONE:
        assert fields(send(untouched, endpoint, b'{"amount_minor": 5}')) == {"amount_minor"}, name_of(endpoint)


def test_a_body_over_the_limit_is_413_and_one_at_the_limit_is_read(untouched: Untouched) -> None:
    at_the_limit = b'{"a": "%s"}' % (b"x" * (BODY_BYTES_MAX - len(b'{"a": ""}')))

    for endpoint in ENDPOINTS:
        read = send(untouched, endpoint, at_the_limit)
        refused = send(untouched, endpoint, at_the_limit + b" ")

        assert "a" in fields(read)
        assert (refused.status, refused.code, refused.body["limit_bytes"]) == (413, "body_too_large", BODY_BYTES_MAX)


@pytest.mark.parametrize(
    ("key", "code"),
    [
        (None, "key_missing"),
        ("", "key_missing"),
        ("  ", "key_missing"),
        ("x" * (KEY_CHARACTERS_MAX + 1), "key_too_long"),
        ("schlüssel", "key_unreadable"),
        ("a\tb", "key_unreadable"),
    ],
    ids=["none", "empty", "blank", "too long", "a letter beyond ASCII", "a tab"],
)
def test_a_key_that_cannot_name_the_request_is_400(untouched: Untouched, key: str | None, code: str) -> None:
    for endpoint in KEYED:
        body = body_of(endpoint, untouched.acme)

        answer = send(untouched, endpoint, json.dumps(body).encode() if body else None, key=key)

        assert (answer.status, answer.code) == (400, code), name_of(endpoint)


@pytest.mark.parametrize(
    "amount",
    [
        "0",
        "-0",
        "-1",
        "0.5",
        "5.0",
        "1e2",
        "1e400",
        '"5"',
        '""',
        "true",
        "false",
        "[5]",
        "{}",
        "1000000000001",
        "9" * 40,
    ],
)
def test_an_amount_that_is_no_positive_whole_number_is_422(untouched: Untouched, amount: str) -> None:
    assert fields(pay(untouched, f'{{"amount_minor": {amount}}}')) == {"amount_minor"}


@pytest.mark.parametrize("field", ["amount_minor", "invoice_ids", "expected_payable_minor", "currency"])
def test_null_for_what_limits_a_payment_is_422_and_never_read_as_pay_everything(
    untouched: Untouched, field: str
) -> None:
    """A page that computes NaN sends null: JSON has no other way to write it."""
    assert fields(pay(untouched, f'{{"{field}": null}}')) == {field}


def test_an_amount_above_what_is_payable_is_422_and_says_how_much_is(untouched: Untouched) -> None:
    answer = pay(untouched, '{"amount_minor": 12001}')

    assert (answer.status, answer.code, answer.body["payable_minor"]) == (422, "amount_too_high", 12_000)
    assert "120.00 EUR" in answer.body["detail"]


@pytest.mark.parametrize(
    ("currency", "code"),
    [
        ("USD", "wrong_currency"),
        ("JPY", "wrong_currency"),
        ("eur", "invalid_request"),
        ("EURO", "invalid_request"),
        ("", "invalid_request"),
        (" EUR", "invalid_request"),
        ("XXX", "invalid_request"),
    ],
)
def test_an_amount_in_another_currency_is_422(untouched: Untouched, currency: str, code: str) -> None:
    answer = pay(untouched, json.dumps({"amount_minor": 5, "currency": currency}))

    assert (answer.status, answer.code) == (422, code)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"invoice_ids": []}, "invoice_ids"),
        ({"invoice_ids": "inv_1"}, "invoice_ids"),
        ({"invoice_ids": [""]}, "invoice_ids.0"),
        ({"invoice_ids": [5]}, "invoice_ids.0"),
        ({"invoice_ids": ["x" * 129]}, "invoice_ids.0"),
        ({"invoice_ids": ["x"] * 501}, "invoice_ids"),
        ({"payment_method_id": ""}, "payment_method_id"),
        ({"payment_method_id": 5}, "payment_method_id"),
        ({"payment_method_id": None}, "payment_method_id"),
        ({"expected_payable_minor": "12000"}, "expected_payable_minor"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_to_be_paid_has_to_be_said_readably(untouched: Untouched, body: dict[str, Any], field: str) -> None:
    assert field in fields(pay(untouched, json.dumps(body)))


def test_a_foreign_or_unknown_invoice_in_a_body_is_not_payable(untouched: Untouched) -> None:
    for invoice_id in (untouched.globex.invoice_id, "inv_20260101_AAAAAAAAAAAAAAAAAAAAAAAAAA", "x", "x" * 128):
        answer = pay(untouched, json.dumps({"invoice_ids": [invoice_id]}))

        assert (answer.status, answer.code) == (422, "invoice_not_payable")


def test_a_foreign_or_unknown_method_in_a_body_is_not_usable(untouched: Untouched) -> None:
    for method_id in (untouched.globex.payment_method_id, "pm_AAAAAAAAAAAAAAAAAAAAAAAAAA", "x", "x" * 128):
        answer = pay(untouched, json.dumps({"payment_method_id": method_id}))

        assert (answer.status, answer.code, answer.body["reason"]) == (422, "method_not_usable", "not_found")


@pytest.mark.parametrize("text", ["é", "<img src=x>", "a b", ""])
def test_what_can_be_no_id_is_refused_by_its_field_and_never_told_back(untouched: Untouched, text: str) -> None:
    for body, field in [({"invoice_ids": [text]}, "invoice_ids.0"), ({"payment_method_id": text}, "payment_method_id")]:
        answer = pay(untouched, json.dumps(body))

        assert fields(answer) == {field}
        assert not text or text not in answer.text


@pytest.mark.parametrize("text", ["a\u0000b", "a\nb", "a\u2028b", "a\u200bb", "\u202edesrever", "\ufffd"])
def test_a_name_holds_nothing_that_cannot_be_seen(untouched: Untouched, text: str) -> None:
    body = {"name": text, "currency": "EUR", "time_zone": "Europe/Berlin"}

    for written in (json.dumps(body), json.dumps(body, ensure_ascii=False)):
        answer = untouched.stack.operator().post("/v1/accounts", body=written.encode(), key="new")
        assert answer.status in (400, 422)


@pytest.mark.parametrize(
    "zone", ["localtime", "posixrules", "Factory", "Europe/Atlantis", "posix/Europe/Berlin", "../etc", "GMT", "CET"]
)
def test_a_time_zone_is_the_same_on_every_machine(untouched: Untouched, zone: str) -> None:
    body = {"name": "Acme", "currency": "EUR", "time_zone": zone}
    answer = untouched.stack.operator().post("/v1/accounts", body, key="new")

    problem = "Name a time zone by area and place, as Europe/Berlin, or write UTC."
    assert (answer.status, answer.body["errors"]) == (422, [{"field": "time_zone", "problem": problem}])


@pytest.mark.parametrize("day", ["1899-12-31", "3000-01-01", "9999-12-31", "0001-01-01"])
def test_a_day_from_which_nothing_could_be_counted_is_422(untouched: Untouched, day: str) -> None:
    """What is chased, charged and renewed later is counted from it: a day beyond the calendar would fail there."""
    lines = [{"description": "Plan", "unit_amount_minor": 4_900}]
    plan = {"plan": "Team", "amount_minor": 4_900, "interval": "annual"}
    acme = untouched.acme.customer.as_seen_by(untouched.stack.operator())
    for path, body, field in [
        ("invoices", {"lines": lines, "due_on": day}, "due_on"),
        ("invoices", {"lines": lines, "due_on": "2999-12-31", "issued_on": day}, "issued_on"),
        ("subscriptions", plan | {"starts_on": day}, "starts_on"),
    ]:
        assert fields(acme.client.post(acme.at(path), body, key="new-1")) == {field}


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"interval": "weekly"}, "interval"),
        ({"amount_minor": 0}, "amount_minor"),
        ({"plan": " "}, "plan"),
        ({"payment_terms_days": 121}, "payment_terms_days"),
        ({"payment_terms_days": -1}, "payment_terms_days"),
        ({"starts_on": "tomorrow"}, "starts_on"),
        ({"currency": "eur"}, "currency"),
    ],
)
def test_a_subscription_has_to_be_said_readably(untouched: Untouched, wish: dict[str, Any], field: str) -> None:
    body = {"plan": "Team", "amount_minor": 4_900, "interval": "monthly"} | wish
    acme = untouched.acme.customer

    assert fields(untouched.stack.operator().post(acme.at("subscriptions"), body, key="new-1")) == {field}


@pytest.mark.parametrize(
    ("wish", "code"),
    [({"starts_on": "2026-03-01"}, "starts_in_the_past"), ({"currency": "USD"}, "wrong_currency")],
)
def test_a_subscription_that_could_not_be_is_422_and_says_why(
    untouched: Untouched, wish: dict[str, Any], code: str
) -> None:
    body = {"plan": "Team", "amount_minor": 4_900, "interval": "monthly"} | wish
    acme = untouched.acme.customer

    answer = untouched.stack.operator().post(acme.at("subscriptions"), body, key="new-1")

    assert (answer.status, answer.code) == (422, code)


@pytest.mark.parametrize(
    "path", ["gardening/2026-03-02", "autopay/yesterday", "autopay/2026-02-30", "Autopay/2026-03-02"]
)
def test_a_run_nobody_could_make_is_404(untouched: Untouched, path: str) -> None:
    answer = untouched.stack.operator().get(f"/v1/runs/{path}")

    assert (answer.status, answer.code) == (404, "no_such_run")
    assert answer.body["sweeps"] == ["autopay", "reconcile", "overdue", "renewals"]
    assert "autopay, reconcile, overdue, renewals" in answer.body["detail"]
