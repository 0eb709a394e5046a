"""Choosing the language, and what becomes of facts in a sentence."""

from datetime import UTC, datetime

import pytest

from chalicelib.messages import catalog


@pytest.mark.parametrize(
    ("accept_language", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("de", "de"),
        ("DE-at", "de"),
        ("de-CH, fr;q=0.9", "de"),
        ("en-GB,en;q=0.9,de;q=0.8", "en"),
        ("en;q=0.2, de;q=0.7", "de"),
        ("tlh, de;q=0.1", "de"),
        ("tlh", "en"),
        ("*", "en"),
        ("de;q=0", "en"),
        ("de;q=viel", "en"),
        ("de;level=1", "en"),
        (";;;,,,=", "en"),
        ("../../etc/passwd", "en"),
        ("de," * 5000, "de"),
    ],
)
def test_the_language_liked_best_is_chosen_of_those_there_are(accept_language: str | None, language: str) -> None:
    assert catalog.negotiate(accept_language) == language


def test_a_language_is_there_when_its_catalogue_is() -> None:
    assert catalog.languages() == {"en", "de"}


def test_an_amount_is_written_as_money() -> None:
    _, detail = catalog.sentence("amount_too_high", "en", {"payable_minor": 123456, "currency": "JPY"})
    assert "123456 JPY" in detail

    _, detail = catalog.sentence("amount_too_high", "de", {"payable_minor": 123456, "currency": "EUR"})
    assert "1234.56 EUR" in detail


def test_an_instant_is_written_so_that_people_can_read_it() -> None:
    later = datetime(2026, 11, 23, 16, 36, 15, 123000, tzinfo=UTC)

    assert "2026-11-23 16:36:15 UTC" in catalog.sentence("cooling_down", "en", {"retry_at": later})[1]


def test_a_list_is_written_with_commas() -> None:
    _, detail = catalog.sentence("brand_not_supported", "en", {"supported_brands": ["visa", "discover"]})

    assert "visa, discover" in detail


def test_a_code_has_sentences_of_its_own_for_what_makes_a_difference() -> None:
    expired, _ = catalog.sentence("method_not_usable", "en", {"reason": "expired"})
    unheard_of, _ = catalog.sentence("method_not_usable", "en", {"reason": "unheard_of"})

    assert expired == "This payment method has expired"
    assert unheard_of == "This payment method cannot be used"


@pytest.mark.parametrize(
    ("gateway_code", "title"),
    [
        ("token_unknown", "The payment gateway does not accept this token"),
        ("incorrect_cvc", "The security code of the card is wrong"),
        ("new_at_the_gateway", "The payment gateway does not keep this payment method"),
    ],
)
def test_why_a_card_was_not_stored_is_told_as_the_gateway_says_it(gateway_code: str, title: str) -> None:
    assert catalog.sentence("token_refused", "en", {"gateway_code": gateway_code})[0] == title


@pytest.mark.parametrize(
    ("decline_class", "advice"),
    [
        ("retry_later", "when autopay tries again"),
        ("technical", "when autopay tries again"),
        ("fix_method", "update its expiry date"),
        ("needs_customer", "confirm when it asks"),
        ("never_again", "pay with another one"),
    ],
)
def test_after_autopays_decline_the_payer_hears_what_he_can_do(decline_class: str, advice: str) -> None:
    facts = {"amount_minor": 12_000, "currency": "EUR", "decline_class": decline_class, "what": "autopay"}

    assert advice in catalog.sentence("payment_status_declined", "en", facts)[1]


def test_a_forgotten_fact_does_not_keep_a_refusal_from_its_caller() -> None:
    assert "?" in catalog.sentence("cooling_down", "en", {})[1]


def test_facts_are_words_never_formats() -> None:
    _, detail = catalog.sentence("invoice_not_payable", "en", {"invoice_id": "{currency.__class__}"})

    assert "{currency.__class__}" in detail


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_field_problem_is_a_sentence(language: str) -> None:
    told = catalog.field_problem("value_error", language, {"error": "not a supported ISO 4217 currency code"})

    assert told[0].isupper()
    assert told.endswith(".")


def test_choices_are_told_without_a_word_of_english() -> None:
    told = catalog.field_problem("literal_error", "de", {"expected": "'monthly', 'quarterly' or 'annual'"})

    assert told == "Möglich sind: 'monthly', 'quarterly', 'annual'."


def test_a_problem_nobody_thought_of_is_told_all_the_same() -> None:
    assert catalog.field_problem("new_in_pydantic_9", "en", {}) == "This is not acceptable."
