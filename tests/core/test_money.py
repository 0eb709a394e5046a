"""Money: integers of minor units, and how many digits those have."""

import pytest
from babel.numbers import get_currency_precision
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from chalicelib.core.money import (
    CURRENCIES,
    MINOR_MAX,
    Currency,
    MinorUnits,
    PositiveMinorUnits,
    exponent,
    in_words,
    known_currency,
)


class Amounts(BaseModel):
    currency: Currency = "EUR"
    owed: MinorUnits = 0
    paid: PositiveMinorUnits = 1


@pytest.mark.parametrize(
    ("currency", "digits"),
    [("JPY", 0), ("KRW", 0), ("CLP", 0), ("EUR", 2), ("USD", 2), ("HUF", 2), ("RSD", 2), ("KWD", 3), ("TND", 3)],
)
def test_each_currency_has_the_digits_of_iso_4217(currency: str, digits: int) -> None:
    assert exponent(currency) == digits


@pytest.mark.parametrize("currency", sorted(CURRENCIES - {"RSD"}))  # people write dinars without the two that ISO has
def test_the_digits_are_those_that_people_are_shown(currency: str) -> None:
    assert exponent(currency) == get_currency_precision(currency)


@pytest.mark.parametrize("code", ["", "EU", "eur", "XXX", "BTC", "EURO"])
def test_a_currency_whose_digits_are_not_known_is_refused(code: str) -> None:
    with pytest.raises(ValueError, match="not a supported ISO 4217 currency code"):
        exponent(code)
    with pytest.raises(ValueError, match="not a supported"):
        known_currency(code)
    with pytest.raises(ValidationError):
        Amounts(currency=code)


@pytest.mark.parametrize(
    ("amount_minor", "currency", "words"),
    [
        (12000, "EUR", "120.00 EUR"),
        (5, "USD", "0.05 USD"),
        (-5, "USD", "-0.05 USD"),
        (-12345, "EUR", "-123.45 EUR"),
        (0, "EUR", "0.00 EUR"),
        (1500, "JPY", "1500 JPY"),
        (-1, "JPY", "-1 JPY"),
        (1500, "KWD", "1.500 KWD"),
        (7, "KWD", "0.007 KWD"),
        (MINOR_MAX, "EUR", "10000000000.00 EUR"),
    ],
)
def test_an_amount_in_words_has_the_digits_of_its_currency(amount_minor: int, currency: str, words: str) -> None:
    assert in_words(amount_minor, currency) == words


@given(amount_minor=st.integers(), currency=st.sampled_from(sorted(CURRENCIES)))
def test_no_cent_is_lost_in_words(amount_minor: int, currency: str) -> None:
    number, _, code = in_words(amount_minor, currency).partition(" ")
    assert int(number.replace(".", "")) == amount_minor
    assert (len(number.partition(".")[2]), code) == (exponent(currency), currency)


@pytest.mark.parametrize("field", ["owed", "paid"])
def test_an_amount_is_bounded_on_both_sides(field: str) -> None:
    least = 0 if field == "owed" else 1
    for inside in (least, MINOR_MAX):
        assert getattr(Amounts.model_validate({field: inside}), field) == inside
    for outside in (least - 1, MINOR_MAX + 1, 1.5):
        with pytest.raises(ValidationError):
            Amounts.model_validate({field: outside})


def test_no_amount_is_so_large_that_a_json_reader_could_round_it() -> None:
    assert MINOR_MAX < 2**53
