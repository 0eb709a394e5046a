"""P9: a declined payment may be tried again after one hour. The server holds to it and says when the hour is over."""

from collections.abc import Callable

import pytest

from tests.journeys.customer import Customer
from tests.support.contents import nothing_written
from tests.support.stack import Stack

MINUTE = 60


@pytest.fixture
def declined(acme: Customer) -> Customer:
    """Acme, who owes 120.00 EUR and whose payment was declined at 9:00."""
    acme.owes()
    acme.has_card("tok_insufficient_funds")
    answer = acme.pay("declined")
    assert (answer.status, answer.code) == (402, "payment_declined")
    return acme


def test_a_decline_says_why_what_helps_and_when_to_try_again(acme: Customer) -> None:
    invoice_id = acme.owes()
    acme.has_card("tok_insufficient_funds")

    answer = acme.pay()

    assert (answer.status, answer.code) == (402, "payment_declined")
    problem = answer.body
    assert problem["decline_code"] == "insufficient_funds"
    assert problem["decline_class"] == "retry_later"
    assert problem["next_best_action"] == "retry_later"
    assert problem["retry_at"] == "2026-03-02T10:00:00.000Z"
    assert answer.headers["retry-after"] == "3600"
    assert acme.see(f"payments/{problem['payment_id']}")["status"] == "declined"
    assert acme.see()["cooldown_until"] == "2026-03-02T10:00:00.000Z"
    assert acme.invoice(invoice_id)["status"] == "unpaid"
    assert acme.balance()["payable_minor"] == 12_000


@pytest.mark.parametrize(
    "token", ["tok_insufficient_funds", "tok_incorrect_number", "tok_stolen_card", "tok_processor_error"]
)
@pytest.mark.parametrize("scope", ["account", "payment_method"])
def test_the_receipt_says_what_the_answer_said(make_stack: Callable[..., Stack], token: str, scope: str) -> None:
    acme = Customer.of(make_stack(PAYDESK_COOLDOWN_SCOPE=scope))
    acme.owes()
    acme.has_card(token)

    told = acme.pay().body

    receipt = acme.see(f"payments/{told['payment_id']}")
    assert receipt["message"] == told["detail"]
    assert ("2026-03-02 10:00:00 UTC" in receipt["message"]) != (
        (token, scope) == ("tok_stolen_card", "payment_method")
    )


def test_after_59_minutes_it_is_too_early(declined: Customer) -> None:
    declined.stack.clock.advance(seconds=59 * MINUTE)

    with nothing_written(declined.stack):
        answer = declined.pay("again")

    assert (answer.status, answer.code) == (429, "cooling_down")
    assert answer.body["retry_at"] == "2026-03-02T10:00:00.000Z"
    assert answer.headers["retry-after"] == "60"
    assert answer.body["scope"] == "account"
    assert "2026-03-02 10:00:00 UTC" in answer.body["detail"]


def test_after_60_minutes_it_is_accepted(declined: Customer) -> None:
    good = declined.has_card("tok_visa")
    declined.stack.clock.advance(seconds=60 * MINUTE)

    assert declined.pay("again", payment_method_id=good).status == 201
    assert declined.see()["cooldown_until"] is None


def test_a_second_before_the_hour_is_over_retry_after_is_one_second(declined: Customer) -> None:
    declined.stack.clock.advance(seconds=60 * MINUTE - 1)

    assert declined.pay("again").headers["retry-after"] == "1"


def test_the_decline_itself_stays_the_answer_to_its_key(declined: Customer) -> None:
    good = declined.has_card("tok_visa")
    replay = declined.pay("declined")
    declined.stack.clock.advance(seconds=60 * MINUTE)
    later = declined.pay("declined")

    assert (replay.status, replay.headers["idempotent-replayed"]) == (402, "true")
    assert (later.status, later.code) == (402, "payment_declined")
    assert "retry-after" in replay.headers
    assert "retry-after" not in later.headers, "its hour is over: waiting helps no more, a new key does"
    assert declined.pay("new key", payment_method_id=good).status == 201


def test_another_decline_starts_another_hour(declined: Customer) -> None:
    declined.stack.clock.advance(seconds=60 * MINUTE)

    answer = declined.pay("again")

    assert answer.status == 402
    assert answer.body["retry_at"] == "2026-03-02T11:00:00.000Z"


def test_by_default_the_hour_holds_for_every_card_of_the_account_and_for_no_other_account(declined: Customer) -> None:
    other_card = declined.has_card("tok_visa")
    neighbour = Customer.of(declined.stack, "globex")
    neighbour.owes()
    neighbour.has_card()

    assert declined.pay("again", payment_method_id=other_card).code == "cooling_down"
    assert neighbour.pay().status == 201


def test_a_stage_may_let_only_the_declined_card_cool_down(make_stack: Callable[..., Stack]) -> None:
    acme = Customer.of(make_stack(PAYDESK_COOLDOWN_SCOPE="payment_method"))
    acme.owes()
    empty = acme.has_card("tok_insufficient_funds")
    acme.has_card("tok_visa")
    same_card_again = acme.has_card("tok_insufficient_funds")

    assert acme.pay("first", payment_method_id=empty).status == 402
    refused = acme.pay("second", payment_method_id=empty)
    readded = acme.pay("third", payment_method_id=same_card_again)
    other = acme.pay("fourth", payment_method_id=acme.has_card("tok_mastercard"))

    assert (refused.status, refused.body["scope"]) == (429, "payment_method")
    assert readded.status == 429, "adding the same card once more is no way around"
    assert other.status == 201
    assert acme.see(f"payment-methods/{empty}")["cooldown_until"] == "2026-03-02T10:00:00.000Z"
    assert acme.see()["cooldown_until"] is None, "the account as a whole does not cool down"


def test_a_stage_may_choose_another_length(make_stack: Callable[..., Stack]) -> None:
    acme = Customer.of(make_stack(PAYDESK_COOLDOWN_SECONDS="90"))
    acme.owes()
    acme.has_card("tok_insufficient_funds")
    acme.pay("first")
    acme.stack.clock.advance(seconds=89)

    assert acme.pay("second").headers["retry-after"] == "1"
    acme.stack.clock.advance(seconds=1)
    assert acme.pay("third").status == 402


@pytest.mark.parametrize(
    ("gateway_token", "decline_class", "next_best_action"),
    [
        ("tok_do_not_honor", "retry_later", "retry_later"),
        ("tok_expired_card", "fix_method", "update_payment_method"),
        ("tok_incorrect_number", "fix_method", "update_payment_method"),
        ("tok_authentication_required", "needs_customer", "authenticate"),
        ("tok_stolen_card", "never_again", "use_another_method"),
        ("tok_lost_card", "never_again", "use_another_method"),
        ("tok_processor_error", "technical", "retry_later"),
    ],
)
def test_every_kind_of_decline_names_its_class_and_what_helps_most(
    acme: Customer, gateway_token: str, decline_class: str, next_best_action: str
) -> None:
    acme.owes()
    acme.has_card(gateway_token)

    problem = acme.pay().body

    assert problem["decline_code"] == gateway_token.removeprefix("tok_")
    assert problem["decline_class"] == decline_class
    assert problem["next_best_action"] == next_best_action
