"""P4: a card can be updated, removed, made the default. Exactly one is the default, and it is swapped in one step."""

import pytest

from tests.journeys.customer import Customer
from tests.support.contents import nothing_written


def default_of(customer: Customer) -> str | None:
    """The default, which account, settings and the list of methods have to agree on."""
    methods = customer.see("payment-methods")["items"]
    listed = [method["payment_method_id"] for method in methods if method["is_default"]]
    settings = customer.see("payment-settings")
    held = customer.see()["default_method"]
    assert len(listed) <= 1
    assert settings["default_payment_method_id"] == (listed[0] if listed else None)
    assert (held["payment_method_id"] if held else None) == settings["default_payment_method_id"]
    return listed[0] if listed else None


def test_the_first_card_becomes_the_default_and_the_second_does_not(acme: Customer) -> None:
    first = acme.add_card("tok_visa").body["payment_method_id"]
    second = acme.add_card("tok_mastercard").body["payment_method_id"]

    assert default_of(acme) == first
    assert acme.see(f"payment-methods/{second}")["label"] == "Mastercard •••• 4444"


def test_a_card_may_become_the_default_as_it_is_added(acme: Customer) -> None:
    acme.add_card("tok_visa")
    amex = acme.add_card("tok_amex", make_default=True).body

    assert amex["is_default"] is True
    assert default_of(acme) == amex["payment_method_id"]


def test_make_default_swaps_the_default_in_one_step(acme: Customer) -> None:
    acme.has_card("tok_visa")
    discover = acme.has_card("tok_discover")

    answer = acme.client.put(
        acme.at("payment-settings"), {"default_payment_method_id": discover, "autopay_enabled": True}
    )

    assert answer.status == 200
    assert answer.body["autopay_enabled"] is True
    assert default_of(acme) == discover
    assert acme.actions()[-1] == "payment_settings.changed"


def test_saying_the_same_settings_again_changes_nothing(acme: Customer) -> None:
    card = acme.has_card()
    settings = {"default_payment_method_id": card, "autopay_enabled": True}

    first = acme.client.put(acme.at("payment-settings"), settings)
    again = acme.client.put(acme.at("payment-settings"), settings)

    assert first.body == again.body
    assert acme.actions().count("payment_settings.changed") == 1


def test_autopay_needs_a_default_that_can_be_charged(acme: Customer) -> None:
    without = acme.client.put(acme.at("payment-settings"), {"default_payment_method_id": None, "autopay_enabled": True})
    expired = acme.has_card("tok_visa_past_expiry")
    with_expired = acme.client.put(
        acme.at("payment-settings"), {"default_payment_method_id": expired, "autopay_enabled": True}
    )

    assert (without.status, without.code) == (422, "no_payment_method")
    assert (with_expired.status, with_expired.code) == (422, "method_not_usable")
    assert with_expired.body["reason"] == "expired"
    assert acme.see("payment-settings")["autopay_enabled"] is False


def test_billing_details_and_expiry_are_updated_and_the_default_follows(acme: Customer) -> None:
    added = acme.add_card("tok_visa_past_expiry").body
    card = added["payment_method_id"]

    answer = acme.client.patch(
        acme.at(f"payment-methods/{card}"),
        {"billing_details": {"name": "Ada Byron", "country": "GB"}, "expires_month": 2, "expires_year": 2031},
    )

    assert answer.status == 200
    assert (added["unusable_reason"], answer.body["unusable_reason"]) == ("expired", None)
    assert answer.body["billing_details"]["name"] == "Ada Byron"
    assert (answer.body["expires_month"], answer.body["expires_year"]) == (2, 2031)
    assert acme.see()["default_method"]["last_usable_on"] == "2031-02-28"
    acme.owes()
    assert acme.pay().status == 201


def test_an_update_changes_what_it_names_null_clears_it_and_the_rest_stays(acme: Customer) -> None:
    answer = acme.add_card(billing_details={"name": "Ada", "email": "ada@example.com", "country": "GB"})
    method = acme.at(f"payment-methods/{answer.body['payment_method_id']}")

    updated = acme.client.patch(method, {"billing_details": {"name": "Ada Byron", "email": None}}).body

    assert updated["billing_details"] == {"name": "Ada Byron", "email": None, "postal_code": None, "country": "GB"}
    with nothing_written(acme.stack):
        assert acme.client.patch(method, {"billing_details": {"name": "Ada Byron"}}).body == updated


def test_a_card_that_is_not_the_default_is_removed_at_once(acme: Customer) -> None:
    visa = acme.has_card("tok_visa")
    mastercard = acme.has_card("tok_mastercard")

    answer = acme.client.delete(acme.at(f"payment-methods/{mastercard}"))

    assert answer.status == 204
    assert acme.client.get(acme.at(f"payment-methods/{mastercard}")).code == "not_found"
    assert [method["payment_method_id"] for method in acme.see("payment-methods")["items"]] == [visa]
    assert acme.client.delete(acme.at(f"payment-methods/{mastercard}")).status == 204, "removing twice is no mistake"


def test_removing_the_default_takes_a_choice(acme: Customer) -> None:
    visa = acme.has_card("tok_visa")

    answer = acme.client.delete(acme.at(f"payment-methods/{visa}"))

    assert (answer.status, answer.code) == (409, "default_method")
    assert set(answer.body["choices"]) == {"disable_autopay", "promote"}
    assert default_of(acme) == visa


def test_removing_the_default_may_promote_another_card(acme: Customer) -> None:
    visa = acme.has_card("tok_visa")
    mastercard = acme.has_card("tok_mastercard")

    answer = acme.client.delete(acme.at(f"payment-methods/{visa}"), on_default="promote", promote=mastercard)

    assert answer.status == 204
    assert default_of(acme) == mastercard


def test_removing_the_default_may_leave_none_which_switches_autopay_off(acme: Customer) -> None:
    visa = acme.has_card("tok_visa")
    acme.client.put(acme.at("payment-settings"), {"default_payment_method_id": visa, "autopay_enabled": True})

    answer = acme.client.delete(acme.at(f"payment-methods/{visa}"), on_default="disable_autopay")

    assert answer.status == 204
    assert default_of(acme) is None
    assert acme.see()["autopay"]["enabled"] is False


@pytest.mark.parametrize("itself", [True, False], ids=["the one that goes", "one that is not there"])
def test_only_another_card_of_the_account_can_be_promoted(acme: Customer, itself: bool) -> None:
    visa = acme.has_card("tok_visa")
    promoted = visa if itself else "pm_AAAAAAAAAAAAAAAAAAAAAAAAAA"

    answer = acme.client.delete(acme.at(f"payment-methods/{visa}"), on_default="promote", promote=promoted)

    assert (answer.status, answer.code) == (422, "method_not_usable")
    assert default_of(acme) == visa


def test_a_card_with_a_payment_under_way_cannot_be_removed(acme: Customer) -> None:
    acme.owes()
    card = acme.has_card("tok_requires_action")
    payment_id = acme.pay().body["payment_id"]

    answer = acme.client.delete(acme.at(f"payment-methods/{card}"), on_default="disable_autopay")

    assert (answer.status, answer.code) == (409, "method_in_use")
    assert answer.body["payment_ids"] == [payment_id]


def test_adding_a_card_again_under_its_key_adds_no_second_one(acme: Customer) -> None:
    first = acme.add_card(key="once")
    again = acme.add_card(key="once")
    other = acme.add_card("tok_mastercard", key="once")

    assert (again.status, again.body) == (first.status, first.body)
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    assert (other.status, other.code) == (422, "key_reused")
    assert len(acme.see("payment-methods")["items"]) == 1


def test_a_removed_card_does_not_come_back_when_its_request_is_repeated(acme: Customer) -> None:
    card = acme.add_card(key="once").body["payment_method_id"]
    acme.client.delete(acme.at(f"payment-methods/{card}"), on_default="disable_autopay")

    again = acme.add_card(key="once")

    assert again.body["status"] == "removed"
    assert acme.see("payment-methods")["items"] == []


def test_the_cards_are_listed_page_by_page(acme: Customer) -> None:
    for token in ("tok_visa", "tok_mastercard", "tok_amex"):
        acme.has_card(token)

    first = acme.see("payment-methods", limit=2)
    second = acme.see("payment-methods", limit=2, cursor=first["next_cursor"])

    assert [len(page["items"]) for page in (first, second)] == [2, 1]
    assert second["next_cursor"] is None
    assert {method["brand"] for page in (first, second) for method in page["items"]} == {
        "visa",
        "mastercard",
        "american_express",
    }
