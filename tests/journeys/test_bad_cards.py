"""Cards that cannot be kept. Nothing is stored but the count of attempts, which keeps stolen cards from being tried."""

import pytest

from tests.journeys.customer import Customer
from tests.support.contents import contents, nothing_written


def without_counts(customer: Customer) -> object:
    """All tables, but for what counting an attempt changes in the account."""
    standing = contents(customer.stack)
    for account in standing["accounts"]:
        for counted in ("method_attempts", "version", "commit_id"):
            account.pop(counted, None)
    return standing


@pytest.mark.parametrize("gateway_token", ["tok_nothing_like_that", "tok_refused_at_attach", "x", "tok_visa "])
def test_a_token_the_gateway_refuses_is_422(acme: Customer, gateway_token: str) -> None:
    before = without_counts(acme)

    answer = acme.add_card(gateway_token)

    assert (answer.status, answer.code) == (422, "token_refused")
    assert without_counts(acme) == before


def test_a_brand_that_is_not_supported_is_422_and_the_answer_lists_those_that_are(acme: Customer) -> None:
    before = without_counts(acme)

    answer = acme.add_card("tok_diners")

    assert (answer.status, answer.code) == (422, "brand_not_supported")
    assert answer.body["brand"] == "diners_club"
    assert answer.body["supported_brands"] == ["american_express", "discover", "mastercard", "visa"]
    assert without_counts(acme) == before


@pytest.mark.parametrize("kind", ["bank_debit", "paypal", "check"])
def test_a_kind_that_is_not_offered_yet_is_422(acme: Customer, kind: str) -> None:
    with nothing_written(acme.stack):
        answer = acme.client.post(acme.at("payment-methods"), {"kind": kind, "gateway_token": "btok_debit"}, key="k")

    assert (answer.status, answer.code, answer.body["kind"]) == (422, "kind_not_supported", kind)


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "cash", "gateway_token": "tok_visa"},
        {"kind": "card"},
        {"gateway_token": "tok_visa"},
        {"kind": "card", "gateway_token": ""},
        {"kind": "card", "gateway_token": "x" * 256},
        {"kind": "card", "gateway_token": None},
        {"kind": "card", "gateway_token": "tok_visa", "make_default": "yes"},
        {"kind": "card", "gateway_token": "tok_visa", "billing_details": {"country": "Germany"}},
        {"kind": "card", "gateway_token": "tok_visa", "billing_details": {"email": "nobody"}},
        {"kind": "card", "gateway_token": "tok_visa", "billing_details": {"nickname": "Ada"}},
    ],
    ids=lambda body: str(body)[:70],
)
def test_a_card_has_to_be_described_readably(acme: Customer, body: object) -> None:
    with nothing_written(acme.stack):
        answer = acme.client.post(acme.at("payment-methods"), body, key="k")

    assert (answer.status, answer.code) == (422, "invalid_request")


def test_a_gateway_that_does_not_answer_is_503_and_the_same_request_may_be_sent_again(acme: Customer) -> None:
    with nothing_written(acme.stack):
        answer = acme.add_card("tok_timeout_at_attach")

    assert (answer.status, answer.code) == (503, "gateway_unavailable")
    assert int(answer.headers["retry-after"]) >= 1


def test_after_ten_attempts_in_a_day_the_next_has_to_wait_until_the_first_is_a_day_old(acme: Customer) -> None:
    for number in range(10):
        assert acme.add_card("tok_stolen_elsewhere", key=f"try-{number}").code == "token_refused"
        acme.stack.clock.advance(seconds=60)

    with nothing_written(acme.stack):
        eleventh = acme.add_card("tok_visa", key="try-10")
    acme.stack.clock.advance(seconds=86_400 - 600)

    assert (eleventh.status, eleventh.code) == (429, "too_many_attempts")
    assert eleventh.body["retry_at"] == "2026-03-03T09:00:00.000Z"
    assert acme.add_card("tok_visa", key="try-10").status == 201


def test_an_account_keeps_at_most_twenty_methods(acme: Customer) -> None:
    for number in range(20):
        assert acme.add_card("tok_visa", key=f"card-{number}").status == 201
        acme.stack.clock.advance(seconds=3 * 3_600)

    with nothing_written(acme.stack):
        answer = acme.add_card("tok_visa", key="card-20")

    assert (answer.status, answer.code) == (422, "limit_reached")
    assert (answer.body["what"], answer.body["limit"]) == ("payment_methods", 20)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"expires_month": 5},
        {"expires_year": 2031},
        {"expires_month": 13, "expires_year": 2031},
        {"expires_month": 0, "expires_year": 2031},
        {"expires_month": 5, "expires_year": 31},
        {"expires_month": "05", "expires_year": 2031},
        {"brand": "visa"},
        {"last4": "4242"},
    ],
    ids=str,
)
def test_an_update_has_to_say_readably_what_changes(acme: Customer, changes: object) -> None:
    card = acme.has_card()

    with nothing_written(acme.stack):
        answer = acme.client.patch(acme.at(f"payment-methods/{card}"), changes)

    assert (answer.status, answer.code) == (422, "invalid_request")
