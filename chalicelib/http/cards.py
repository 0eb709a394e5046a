"""Finding card numbers, so that none is ever taken in.

A card number is 13 to 19 digits that begin as a card brand's numbers do, have a length that brand uses, and pass the
Luhn check (ISO/IEC 7812-1). Its digits may be grouped in any way by blanks and dashes; it is not glued to other
letters or digits, for a bare window of 16 digits would find "cards" in most IBANs and in many ids. What is provably
something else is set aside first: an IBAN with right check digits, a UUID, a telephone number after `+`.
"""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

# How the numbers of a brand begin, and how long they are.
_BRANDS: tuple[tuple[re.Pattern[str], set[int]], ...] = (
    (re.compile("4"), {13, 16, 19}),  # visa
    (re.compile("5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720"), {16}),  # mastercard
    (re.compile("3[47]"), {15}),  # american_express
    (re.compile("6011|64[4-9]|65"), {16, 19}),  # discover
    (re.compile("30[0-5]|3095|36|3[89]"), {14, 16, 19}),  # diners_club
    (re.compile("35(2[89]|[3-8])"), {16, 19}),  # jcb
    (re.compile("62|81"), {16, 17, 18, 19}),  # unionpay
    (re.compile("5018|5020|5038|5893|6304|6759|676[1-3]"), {13, 14, 15, 16, 17, 18, 19}),  # maestro
)
_TELEPHONE_DIGITS_MAX = 15  # ITU-T E.164

_GAP = r"[\s\-\u2010-\u2015\u2212]{0,3}"  # blanks, dashes, minus
_RUN = re.compile(rf"\d(?:{_GAP}\d){{12,}}")
_UUID = re.compile(r"(?<![0-9A-Za-z])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9A-Za-z])", re.IGNORECASE)
_IBAN_START = re.compile(r"(?<![0-9A-Za-z])[A-Z]{2}\d{2}(?=[ -]?[0-9A-Z])", re.IGNORECASE | re.ASCII)
_IBAN_LENGTHS = dict(
    re.findall(
        r"([A-Z]{2})(\d{2})",  # SWIFT's IBAN registry
        "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 "
        "ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 "
        "LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 "
        "PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 "
        "YE30",
    )
)


def found_in(text: str, parsed: Any) -> bool:
    """Whether a JSON document carries a card number: in its text, or in a name, string or number once escapes are
    read."""
    return has_card_number(text) or any(has_card_number(value) for value in _texts(parsed))


def has_card_number(text: str) -> bool:
    """Whether a card number stands anywhere in the text."""
    text = _without_other_numbers(text)
    return any(_has_card(text, run.start(), run.end()) for run in _RUN.finditer(text))


def _has_card(text: str, start: int, end: int) -> bool:
    """Whether some digits of a run, taken from gap to gap, make a card number: `4111 1111 1111 1111 12/29` is one."""
    places = [place for place in range(start, end) if text[place].isdecimal()]
    digits = "".join(str(int(text[place])) for place in places)
    for first, place in enumerate(places):
        before = text[place - 1] if place > 0 else " "
        if before.isalnum():
            continue
        for length in _lengths(digits, first):
            past = first + length
            if past > len(places) or (before == "+" and length <= _TELEPHONE_DIGITS_MAX):
                continue
            after = text[places[past - 1] + 1 : places[past - 1] + 2]
            if not after.isalnum() and _luhn(digits[first:past]):
                return True
    return False


def _lengths(digits: str, first: int) -> set[int]:
    """How long a card number that begins there may be."""
    return {length for begins, lengths in _BRANDS if begins.match(digits, first) for length in lengths}


def _luhn(digits: str) -> bool:
    doubled = (divmod(2 * int(digit), 10) for digit in digits[-2::-2])
    return (sum(map(int, digits[-1::-2])) + sum(tens + ones for tens, ones in doubled)) % 10 == 0


def _without_other_numbers(text: str) -> str:
    """The text with every UUID and every valid IBAN painted over."""
    text = _UUID.sub(_paint, text)
    for start in list(_IBAN_START.finditer(text)):
        length = int(_IBAN_LENGTHS.get(start.group()[:2].upper(), 0))
        iban = re.compile(rf"(?:[0-9A-Za-z][ -]?){{{length - 1}}}[0-9A-Za-z](?![0-9A-Za-z])").match(text, start.start())
        if length and iban and _iban_checks(re.sub("[ -]", "", iban.group())):
            text = text[: iban.start()] + _paint(iban) + text[iban.end() :]
    return text


def _paint(match: re.Match[str]) -> str:
    return "x" * len(match.group())


def _iban_checks(iban: str) -> bool:
    """ISO 13616: the number that letters and digits spell leaves 1 when divided by 97."""
    return int("".join(str(int(sign, 36)) for sign in iban[4:] + iban[:4])) % 97 == 1


def _texts(value: Any) -> Iterator[str]:
    """Every name, string and number inside a parsed document, numbers in plain digits."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield str(name)
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    elif isinstance(value, str):
        yield value
    elif isinstance(value, float):
        yield f"{Decimal(value):f}"
    elif isinstance(value, int):
        yield str(value)
