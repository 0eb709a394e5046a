"""Each catalogue says everything, and says it with the same facts; each refusal in the code has a sentence."""

import ast
import string
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

from chalicelib.core import errors
from chalicelib.http.problem_examples import EXAMPLES
from chalicelib.http.problems import STATUS
from chalicelib.messages import catalog
from chalicelib.messages.field_sentences import FIELD_SENTENCES, RULE_SENTENCES
from chalicelib.messages.sentences import SENTENCES
from local.stage import REPOSITORY

LOCALES = REPOSITORY / "chalicelib/messages/locales"
LANGUAGES = sorted(folder.name for folder in LOCALES.iterdir() if folder.is_dir())
EVERYTHING_SAID = {text for pair in SENTENCES.values() for text in pair} | {*FIELD_SENTENCES.values(), *RULE_SENTENCES}
NOT_PROBLEMS = {code for code in SENTENCES if code.startswith("payment_status_")}
DEFECTS = {"illegal_move", "gateway_key_reused"}
"""Codes of Broken that nobody outside sees: they show as internal_error."""


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def source_catalogue(language: str) -> Catalog:
    with (LOCALES / language / "LC_MESSAGES/paydesk.po").open("rb") as source:
        return read_po(source)


def compiled_catalogue(language: str) -> Catalog:
    with (LOCALES / language / "LC_MESSAGES/paydesk.mo").open("rb") as compiled:
        return read_mo(compiled)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_catalogue_translates_every_sentence_and_no_other(language: str) -> None:
    translated = {message.id: message for message in source_catalogue(language) if message.id}

    assert translated.keys() == EVERYTHING_SAID
    assert [text for text, message in translated.items() if not message.string or message.fuzzy] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_names_the_same_facts(language: str) -> None:
    differing = [
        message.id
        for message in source_catalogue(language)
        if message.id and message.id not in RULE_SENTENCES
        if placeholders(str(message.id)) != placeholders(str(message.string))
    ]

    assert differing == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_compiled_is_what_was_translated(language: str) -> None:
    """`make messages` compiles; a stale file would tell yesterday's sentences."""
    translated = {message.id: message.string for message in source_catalogue(language) if message.id}

    assert {message.id: message.string for message in compiled_catalogue(language) if message.id} == translated
    assert language in catalog.languages()


def test_every_code_with_a_status_has_a_sentence_and_the_other_way_round() -> None:
    codes = {code.partition(".")[0] for code in SENTENCES} - NOT_PROBLEMS

    assert codes == STATUS.keys()


@pytest.mark.parametrize("language", ["en", *LANGUAGES])
@pytest.mark.parametrize("code", sorted(STATUS))
def test_the_documented_facts_fill_every_sentence(code: str, language: str) -> None:
    assert "?" not in catalog.sentence(code, language, EXAMPLES.get(code, {}))[1]


def test_every_detail_ends_with_a_full_stop_and_no_title_does() -> None:
    for title, detail in SENTENCES.values():
        assert not title.endswith(".")
        assert detail.endswith((".", ">."))


@pytest.mark.parametrize("code", ["nothing_to_pay", "method_in_use", "payment_not_cancelable"])
def test_who_is_told_of_canceling_a_payment_is_told_which_one_can_be(code: str) -> None:
    """Not one that is under way: only the gateway knows what becomes of it."""
    _, detail = SENTENCES[code]

    assert "(requires_action) can" in detail


@dataclass(frozen=True)
class Refusal:
    """A place in the code that makes an error of the tree."""

    where: str
    kind: type[errors.PaydeskError]
    code: str
    facts: frozenset[str]


def raised() -> Iterator[Refusal]:
    """Every such place that names its code and its facts."""
    for path in sorted(Path(REPOSITORY / "chalicelib").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
                continue
            kind = getattr(errors, node.func.id, None)
            if not (isinstance(kind, type) and issubclass(kind, errors.PaydeskError)):
                continue
            first = node.args[0] if node.args else ast.Constant(kind.default_code)
            if isinstance(first, ast.Constant) and not any(keyword.arg is None for keyword in node.keywords):
                where = f"{path.relative_to(REPOSITORY)}:{node.lineno}"
                yield Refusal(where, kind, str(first.value), frozenset(k.arg or "" for k in node.keywords))


REFUSALS = list(raised())


def test_the_code_was_really_searched() -> None:
    assert len(REFUSALS) > 40


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: f"{refusal.where} {refusal.code}")
def test_every_refusal_in_the_code_has_a_sentence_and_the_facts_it_names(refusal: Refusal) -> None:
    if refusal.code in DEFECTS:
        return
    needed = {
        name
        for variant, (_, detail) in SENTENCES.items()
        if variant.partition(".")[0] == refusal.code
        for name in placeholders(detail)
    }
    available = refusal.facts | {fact.removesuffix("_minor") for fact in refusal.facts if "currency" in refusal.facts}

    assert refusal.code in STATUS
    assert needed <= available


def test_facts_never_take_the_name_of_a_problems_own_members() -> None:
    """RFC 9457 gives type, title, status and detail a meaning of their own."""
    taken = {"type", "title", "status", "detail", "instance", "code"}

    assert [refusal for refusal in REFUSALS if refusal.facts & taken] == []
    assert [code for code, facts in EXAMPLES.items() if facts.keys() & taken] == []
