"""Adding a card behind a gateway's token."""

import pytest

from chalicelib.core.errors import Invalid, NotFound, TooSoon, Unavailable
from chalicelib.payment_methods.models import BillingDetails, Card
from chalicelib.payment_methods.service import AddCard
from tests.support.builders import ANNA, NOW
from tests.support.memory_desk import MemoryDesk, a_desk


def test_the_first_card_becomes_the_default(desk: MemoryDesk) -> None:
    added = desk.add("tok_visa")
    assert isinstance(added.method, Card)
    assert (added.method.brand, added.method.last4, added.method.status) == ("visa", "4242", "active")
    assert (added.method.expires_month, added.method.expires_year) == (12, 2039)
    assert desk.default_id() == added.method.payment_method_id
    assert desk.account().method_count == 1


def test_a_second_card_becomes_the_default_only_when_asked(desk: MemoryDesk) -> None:
    first = desk.add_card()
    desk.add_card("tok_mastercard")
    assert desk.default_id() == first
    third = desk.add_card("tok_amex", make_default=True)
    assert desk.default_id() == third


def test_the_log_says_who_added_what_and_names_the_card_outside_the_hashed_facts(desk: MemoryDesk) -> None:
    added = desk.add()
    entry = desk.log()[-1]
    assert (entry.action, entry.actor) == ("payment_method.added", "user-anna")
    assert entry.facts == {
        "payment_method_id": added.method.payment_method_id,
        "kind": "card",
        "became_default": True,
    }
    assert entry.personal == {"actor": "anna@example.com", "payment_method": "Visa •••• 4242"}


@pytest.mark.parametrize("token", ["tok_visa", "tok_mastercard", "tok_amex", "tok_discover"])
def test_the_four_brands_are_kept(desk: MemoryDesk, token: str) -> None:
    assert desk.add(token).method.status == "active"


def test_a_brand_that_is_not_on_the_list_is_refused_and_nothing_is_kept(desk: MemoryDesk) -> None:
    with pytest.raises(Invalid) as refused:
        desk.add("tok_diners")
    assert refused.value.code == "brand_not_supported"
    assert refused.value.facts == {
        "brand": "diners_club",
        "supported_brands": ["american_express", "discover", "mastercard", "visa"],
    }
    assert (desk.account().method_count, desk.account().default_method) == (0, None)
    assert desk.actions() == ["account.opened"]


def test_which_brands_are_accepted_is_static_config() -> None:
    desk = a_desk(PAYDESK_CARD_BRANDS="diners_club")
    assert desk.add("tok_diners").method.status == "active"
    with pytest.raises(Invalid, match="brand_not_supported"):
        desk.add("tok_visa")


@pytest.mark.parametrize(
    ("token", "gateway_code"), [("tok_refused_at_attach", "incorrect_cvc"), ("no such token", "token_unknown")]
)
def test_a_token_the_gateway_refuses_is_refused_with_its_code(desk: MemoryDesk, token: str, gateway_code: str) -> None:
    with pytest.raises(Invalid) as refused:
        desk.add(token)
    assert (refused.value.code, refused.value.facts) == ("token_refused", {"gateway_code": gateway_code})
    assert desk.account().method_count == 0


def test_a_gateway_that_does_not_answer_leaves_nothing_and_the_same_request_may_come_again(desk: MemoryDesk) -> None:
    before = desk.account()
    with pytest.raises(Unavailable) as unavailable:
        desk.add("tok_timeout_at_attach")
    assert unavailable.value.code == "gateway_unavailable"
    assert desk.account() == before


def test_an_account_that_is_not_there_gets_no_card(desk: MemoryDesk) -> None:
    with pytest.raises(NotFound):
        desk.desk.payment_methods.add_card(
            AddCard("acc_NOBODY", "k", "f", ANNA, "tok_visa", make_default=False, billing_details=BillingDetails())
        )


def test_the_same_request_again_answers_the_card_it_added(desk: MemoryDesk) -> None:
    first = desk.add("tok_visa", key="once")
    again = desk.add("tok_visa", key="once")
    assert (again.replayed, again.method) == (True, first.method)
    assert desk.account().method_count == 1


def test_a_key_used_for_another_card_is_refused(desk: MemoryDesk) -> None:
    desk.add("tok_visa", key="once")
    with pytest.raises(Invalid, match="key_reused"):
        desk.add("tok_mastercard", key="once")


def test_the_same_request_twice_at_once_keeps_one_card(desk: MemoryDesk) -> None:
    desk.ledger.before_commit.plan(lambda: desk.add("tok_visa", key="once"))
    assert desk.add("tok_visa", key="once").replayed
    assert desk.account().method_count == 1
    assert desk.actions() == ["account.opened", "payment_method.added"]


def test_two_first_cards_at_once_leave_one_default(desk: MemoryDesk) -> None:
    desk.ledger.before_commit.plan(lambda: desk.add("tok_mastercard", key="theirs"))
    desk.add("tok_visa", key="ours")
    account = desk.account()
    assert account.method_count == 2
    assert account.default_method
    assert account.default_method.label == "Mastercard •••• 4444"


def test_a_removed_card_does_not_come_back_when_its_request_is_replayed(desk: MemoryDesk) -> None:
    desk.add_card("tok_mastercard")
    added = desk.add("tok_visa", key="once").method
    desk.desk.payment_methods.remove(desk.account_id, added.payment_method_id, ANNA, on_default="refuse", promote=None)
    again = desk.add("tok_visa", key="once")
    assert (again.replayed, again.method.status) == (True, "removed")
    assert desk.account().method_count == 1


def test_the_same_card_added_twice_carries_the_same_fingerprint(desk: MemoryDesk) -> None:
    first, second = desk.add("tok_visa").method, desk.add("tok_visa").method
    assert first.payment_method_id != second.payment_method_id
    assert first.fingerprint == second.fingerprint != desk.add("tok_amex").method.fingerprint


def test_the_twentieth_method_is_kept_and_the_next_refused() -> None:
    desk = a_desk(PAYDESK_LIMIT_METHOD_ATTEMPTS_PER_DAY="100")
    cards = [desk.add_card() for _ in range(20)]
    with pytest.raises(Invalid) as refused:
        desk.add()
    assert (refused.value.code, refused.value.facts) == ("limit_reached", {"what": "payment_methods", "limit": 20})
    desk.desk.payment_methods.remove(desk.account_id, cards[-1], ANNA, on_default="refuse", promote=None)
    desk.add()


def test_ten_attempts_a_day_are_let_through_and_the_next_says_when_to_come_back(desk: MemoryDesk) -> None:
    for number in range(10):
        desk.advance(minutes=1)
        if number % 2:
            desk.add()
        else:
            with pytest.raises(Invalid):
                desk.add("tok_refused_at_attach")
    desk.advance(hours=1)
    with pytest.raises(TooSoon) as too_soon:
        desk.add()
    assert too_soon.value.code == "too_many_attempts"
    retry_at = too_soon.value.facts["retry_at"]
    assert (retry_at - NOW).total_seconds() == 60 + 24 * 3600
    desk.clock.advance(seconds=int((retry_at - desk.clock.now()).total_seconds()) - 1)
    with pytest.raises(TooSoon):
        desk.add()
    desk.advance(seconds=1)
    desk.add()
    with pytest.raises(TooSoon):
        desk.add()


def test_a_refused_attempt_is_counted_though_the_account_changes_in_that_moment(desk: MemoryDesk) -> None:
    desk.ledger.before_commit.plan(lambda: desk.add("tok_visa"))
    with pytest.raises(Invalid, match="token_refused"):
        desk.add("tok_refused_at_attach")
    assert (len(desk.account().method_attempts), desk.account().method_count) == (2, 1)


def test_replaying_a_request_is_no_attempt(desk: MemoryDesk) -> None:
    for _ in range(30):
        desk.add(key="once")
    assert len(desk.account().method_attempts) == 1


def test_a_card_whose_account_changes_every_time_is_unavailable_and_not_kept(desk: MemoryDesk) -> None:
    def somebody_else_commits() -> None:
        desk.desk.accounts.put_recipients(desk.account_id, (f"{desk.account().version}@example.com",), ANNA)

    desk.ledger.before_commit.plan(*[somebody_else_commits] * 50)
    with pytest.raises(Unavailable):
        desk.add()
    assert desk.account().method_count == 0
