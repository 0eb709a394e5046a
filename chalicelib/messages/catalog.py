"""Sentences for people, in their language.

English stands in sentences.py. Every folder of `locales` that holds a compiled catalogue is one more language, so a new
language needs no code: `locales/<language>/LC_MESSAGES/paydesk.po`, compiled by `make messages`.
"""

import gettext
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from chalicelib.core.money import in_words
from chalicelib.messages.field_sentences import FIELD_SENTENCES
from chalicelib.messages.sentences import SENTENCES, VARIANT_FACTS

SOURCE = "en"
_LOCALES = Path(__file__).with_name("locales")


@cache
def languages() -> frozenset[str]:
    """The languages there are: English, and each one that has a compiled catalogue."""
    return frozenset({SOURCE} | {compiled.parts[-3] for compiled in _LOCALES.glob("*/LC_MESSAGES/paydesk.mo")})


def negotiate(accept_language: str | None) -> str:
    """The answer's language: the one liked best (RFC 9110, 12.5.4) of those there are, English if there is none."""
    liked = [_read_range(part) for part in (accept_language or "")[:1000].split(",")]
    for quality, wanted in sorted(liked, key=lambda pair: -pair[0]):
        language = wanted.split("-")[0]
        if quality > 0 and language in languages():
            return language
    return SOURCE


def knows(code: str) -> bool:
    return code in SENTENCES


def sentence(code: str, locale: str, facts: Mapping[str, Any]) -> tuple[str, str]:
    """Title and detail of a code, the facts filled in. Raises KeyError for a code without a sentence."""
    title, detail = SENTENCES[_variant(code, facts)]
    return translate(title, locale), translate(detail, locale).format_map(_InWords(facts))


def field_problem(kind: str, locale: str, particulars: Mapping[str, Any]) -> str:
    """What is wrong with a field: `kind` and `particulars` as pydantic gives them. Never repeats the value."""
    if kind == "value_error":
        rule = translate(str(particulars["error"]), locale)
        return f"{rule[:1].upper()}{rule[1:]}."
    told = {name: _without_words(value) for name, value in particulars.items()}
    return translate(FIELD_SENTENCES.get(kind, FIELD_SENTENCES["other"]), locale).format_map(_InWords(told))


def translate(text: str, locale: str) -> str:
    """The text in that language; as it is where there is no translation."""
    return _catalogue(locale).gettext(text)


@cache
def _catalogue(locale: str) -> gettext.NullTranslations:
    if locale == SOURCE:
        return gettext.NullTranslations()
    return gettext.translation("paydesk", _LOCALES, [locale])


def _read_range(part: str) -> tuple[float, str]:
    """`de-CH;q=0.8` is (0.8, "de-ch"). What cannot be read is not wanted."""
    wanted, _, parameter = part.strip().lower().partition(";")
    name, _, value = parameter.strip().partition("=")
    if not parameter:
        return 1.0, wanted.strip()
    if name.strip() != "q" or not value.strip().replace(".", "", 1).isdecimal():
        return 0.0, wanted.strip()
    return float(value), wanted.strip()


def _variant(code: str, facts: Mapping[str, Any]) -> str:
    """`limit_reached` with what=payment_methods is told as `limit_reached.payment_methods`, if there is such a
    sentence."""
    values = [str(facts[name]) for name in VARIANT_FACTS if name in facts]
    candidates = (f"{code}.{variant}" for variant in (".".join(values), *values))
    return next((candidate for candidate in candidates if candidate in SENTENCES), code)


class _InWords(dict[str, Any]):
    """Facts as a sentence writes them: `{payable}` is payable_minor as money, an instant is readable, a list has
    commas."""

    def __init__(self, facts: Mapping[str, Any]) -> None:
        super().__init__({name: _word(value) for name, value in facts.items()})
        currency = facts.get("currency")
        if currency is not None:
            amounts = {name: value for name, value in facts.items() if name.endswith("_minor")}
            self.update({name.removesuffix("_minor"): in_words(value, currency) for name, value in amounts.items()})

    def __missing__(self, name: str) -> str:
        """A refusal has to reach its caller even when a fact was forgotten; tests keep that from happening."""
        return "?"


def _without_words(value: Any) -> Any:
    """pydantic lists choices as `'a', 'b' or 'c'`: the English in it goes, whatever the language."""
    return value.replace("' or '", "', '") if isinstance(value, str) else value


def _word(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    return str(value)
