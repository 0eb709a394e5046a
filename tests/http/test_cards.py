"""A card number is found wherever it stands; what only looks like one is let pass."""

import json
import time
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.core.clock import format_instant
from chalicelib.core.ids import derived_id
from chalicelib.core.money import MINOR_MAX
from chalicelib.http.cards import _IBAN_LENGTHS, found_in, has_card_number

BRANDS = {
    "visa": (["4"], [13, 16, 19]),
    "mastercard": ([*map(str, range(51, 56)), *map(str, range(2221, 2721))], [16]),
    "american_express": (["34", "37"], [15]),
    "discover": (["6011", "65", *map(str, range(644, 650))], [16, 19]),
    "diners_club": (["36", "38", "39", *map(str, range(300, 306))], [14, 16, 19]),
    "jcb": (list(map(str, range(3528, 3590))), [16, 19]),
    "unionpay": (["62", "81"], [16, 17, 18, 19]),
}
SEPARATORS = ["", "", "", " ", "-", "  ", " - ", "\u00a0", "\u2009", "\u2013", "\t"]
IN_FRONT = ["", "Card: ", "(", "no.", "pan_", "#", '"', "7 ", "2026-11-23 ", "Zahlung mit\n", "x "]
BEHIND = ["", ".", ")", " 12/29", " 123", "_", ", thanks", "\n", " exp 0129"]


def with_check_digit(digits: str) -> str:
    """The digits and the one that makes them pass the Luhn check."""
    return next(digits + last for last in "0123456789" if luhn(digits + last))


def luhn(digits: str) -> bool:
    """The check as ISO/IEC 7812-1 tells it, digit by digit from the right."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


@st.composite
def card_numbers(draw: st.DrawFn) -> str:
    prefixes, lengths = BRANDS[draw(st.sampled_from(sorted(BRANDS)))]
    prefix, length = draw(st.sampled_from(prefixes)), draw(st.sampled_from(lengths))
    rest = draw(st.text("0123456789", min_size=length - len(prefix) - 1, max_size=length - len(prefix) - 1))
    return with_check_digit(prefix + rest)


@st.composite
def written_cards(draw: st.DrawFn) -> str:
    """A card number as people write it: grouped in any way, with something around it."""
    digits = draw(card_numbers())
    gaps = draw(st.lists(st.sampled_from(SEPARATORS), min_size=len(digits) - 1, max_size=len(digits) - 1))
    number = digits[0] + "".join(gap + digit for gap, digit in zip(gaps, digits[1:], strict=True))
    return draw(st.sampled_from(IN_FRONT)) + number + draw(st.sampled_from(BEHIND))


@st.composite
def bodies(draw: st.DrawFn, leaf: st.SearchStrategy[Any]) -> Any:
    """A JSON object with the leaf somewhere in it: deep, in a list, or as a name."""
    value = draw(leaf)
    for _ in range(draw(st.integers(0, 3))):
        value = draw(st.sampled_from([[7, value], {"note": "paid", "inner": value}]))
    if isinstance(value, str) and draw(st.booleans()):
        return {value: draw(st.integers(0, 99))}
    return {"amount_minor": 5, "value": value}


def written(body: Any, *, escaped: bool) -> str:
    """The body as JSON; `escaped`: every character of a string as \\u...., so that no digit shows."""
    text = json.dumps(body, ensure_ascii=False)
    if not escaped:
        return text
    parts = text.split('"')
    parts[1::2] = ["".join(f"\\u{ord(sign):04x}" for sign in part) for part in parts[1::2]]
    return '"'.join(parts)


@given(bodies(written_cards()), st.booleans())
def test_a_card_number_is_found_anywhere_in_a_body(body: Any, escaped: bool) -> None:
    if any(sign in json.dumps(body) for sign in ('\\"', "\\n", "\\t")):
        escaped = False  # the writer above does not know escapes inside escapes
    text = written(body, escaped=escaped)

    assert found_in(text, json.loads(text))


@given(bodies(card_numbers().map(int)))
def test_a_card_number_written_as_a_number_is_found(body: Any) -> None:
    assert found_in(json.dumps(body), body)


@given(card_numbers(), st.sampled_from(["a", "Z", "ü", "0", "9"]))
def test_a_number_glued_to_letters_or_digits_is_something_else(number: str, glue: str) -> None:
    if not glue.isdigit():
        assert not has_card_number(glue + number)
        assert not has_card_number(number + glue)
    assert has_card_number(number)


@given(st.text("0123456789", min_size=1, max_size=30))
def test_only_numbers_that_pass_the_check_and_begin_as_a_brand_does_are_cards(digits: str) -> None:
    known = luhn(digits) and any(
        len(digits) in lengths and digits.startswith(tuple(prefixes)) for prefixes, lengths in BRANDS.values()
    )
    maestro = digits.startswith(("5018", "5020", "5038", "5893", "6304", "6759", "6761", "6762", "6763", "3095"))

    if not maestro:
        assert has_card_number(digits) == known


@st.composite
def ibans(draw: st.DrawFn) -> str:
    country = draw(st.sampled_from(sorted(_IBAN_LENGTHS)))
    length = int(_IBAN_LENGTHS[country]) - 4
    signs = draw(st.sampled_from(["0123456789", "0123456789ABCXYZ"]))
    account = draw(st.text(signs, min_size=length, max_size=length))
    remainder = int("".join(str(int(sign, 36)) for sign in account + country + "00")) % 97
    return f"{country}{98 - remainder:02d}{account}"


@st.composite
def written_ibans(draw: st.DrawFn) -> str:
    iban = draw(ibans())
    gap = draw(st.sampled_from(["", " ", "-"]))
    grouped = gap.join(iban[place : place + 4] for place in range(0, len(iban), 4))
    grouped = grouped.lower() if draw(st.booleans()) else grouped
    return draw(st.sampled_from(["", "IBAN: ", "(", "pay to "])) + grouped + draw(st.sampled_from(["", ".", ", BIC"]))


@given(bodies(written_ibans()))
def test_an_iban_is_never_taken_for_a_card(body: Any) -> None:
    text = json.dumps(body)

    assert not found_in(text, body)


@given(written_ibans(), card_numbers())
def test_a_card_number_beside_an_iban_is_found_all_the_same(iban: str, number: str) -> None:
    assert has_card_number(f"{iban}; {number}")
    assert has_card_number(f"{number}; {iban}")


@given(st.lists(st.text(), min_size=1, max_size=3), st.sampled_from(["pay", "pm", "acc", "inv_20261123"]))
def test_an_id_of_ours_is_never_taken_for_a_card(cause: list[str], prefix: str) -> None:
    assert not has_card_number(json.dumps({"id": derived_id(prefix, *cause)}))


@given(st.uuids())
def test_a_uuid_is_never_taken_for_a_card(value: uuid.UUID) -> None:
    assert not has_card_number(f"order {value}")
    assert not has_card_number(str(uuid.UUID(int=int("4111111111111111" * 2, 16))))


@given(st.integers(-MINOR_MAX, MINOR_MAX))
def test_an_amount_is_never_taken_for_a_card(amount: int) -> None:
    body = {"amount_minor": amount, "expected_payable_minor": amount}

    assert not found_in(json.dumps(body), body)


@given(st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31), timezones=st.just(UTC)))  # noqa: DTZ001  # bounds
def test_dates_and_instants_are_never_taken_for_cards(moment: datetime) -> None:
    body = {"due_on": moment.date().isoformat(), "at": format_instant(moment), "span": f"{moment} - {moment}"}

    assert not found_in(json.dumps(body), body)


@pytest.mark.parametrize(
    "text",
    [
        "+4915123456789",
        "+49 151 23456789",
        "invoice 2026-0004-1111",
        "4111111111111112",
        "41111111111111111111111",
        "0000 0000 0000 0000",
        "1111111111111111",
        "9999 9999 9999 9999",
        "411111111111",
        "4111,1111,1111,1111",
        "4111.1111.1111.1111",
        "",
    ],
)
def test_what_is_no_card_number_is_let_pass(text: str) -> None:
    assert not has_card_number(text)


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111111",
        "5555 5555 5555 4444",
        "3782 822463 10005",
        "6011-1111-1111-1117",
        "2223003122003222",
        "4222222222222",
        "4111 1111 1111 1111 12/29 123",
        "1 4111 1111 1111 1111",
        "pan_4111111111111111",
        "+4111111111111111",
        "-4111111111111111",
        "４１１１ １１１１ １１１１ １１１１",
        "٤١١١١١١١١١١١١١١١",
    ],
)
def test_known_card_numbers_are_found(text: str) -> None:
    assert has_card_number(text)


def test_a_telephone_number_that_would_pass_for_a_card_is_none() -> None:
    assert has_card_number("378282246310005")
    assert not has_card_number("+378282246310005")


def test_what_begins_as_an_iban_and_is_none_hides_no_card_number() -> None:
    assert has_card_number("DE00 4111 1111 1111 1111 12")


def test_a_card_number_that_loses_digits_when_it_is_read_is_found_in_the_text() -> None:
    text = '{"n": 4000000000000001236.0}'
    assert not has_card_number(f"{json.loads(text)['n']:.0f}")
    assert found_in(text, json.loads(text))


@pytest.mark.parametrize(
    "text", ["4 " * 32_000, "4" * 64_000, "DE00" + "1 " * 30_000, "4 - " * 16_000, "DE12 43 " * 8_000]
)
def test_a_body_made_to_be_slow_is_not(text: str) -> None:
    started = time.perf_counter()

    assert has_card_number(text) is False

    assert time.perf_counter() - started < 5
