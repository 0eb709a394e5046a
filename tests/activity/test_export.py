"""The log as a file: JSON lines that can be hashed again, and CSV that no spreadsheet runs."""

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.activity.export import COLUMNS, as_csv, as_json_lines
from chalicelib.activity.models import ActivityEntry, Actor
from chalicelib.activity.rules import logged, seal
from chalicelib.core.ids import canonical_json
from tests.support.builders import ANNA, NOW, an_account


def an_entry(actor: Actor = ANNA, action: str = "payment.succeeded", **facts: Any) -> ActivityEntry:
    return logged(an_account(), action, actor, NOW, **facts)[1]


def cells(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


texts = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.lists(st.tuples(texts, texts, st.integers(0, 10**12)), max_size=4))
def test_what_a_json_line_says_can_be_hashed_again_as_it_stands(deeds: list[tuple[str, str, int]]) -> None:
    account, entries = an_account(), []
    for name, note, amount in deeds:
        account, entry = logged(account, "note", Actor(subject="s", name=name), NOW, note=note, amount_minor=amount)
        entries.append(entry)
    lines = as_json_lines(entries).split("\n")
    assert lines.pop() == ""
    assert len(lines) == len(deeds)
    for line, entry in zip(lines, entries, strict=True):
        told = json.loads(line)
        body = {name: told[name] for name in ("account_id", "sequence", "at", "action", "actor", "facts")}
        assert seal(told["previous_hash"], body) == told["hash"] == entry.hash
        assert line == canonical_json(told), "the line itself is canonical"
        assert ActivityEntry.model_validate(told) == entry


def test_no_entries_are_an_empty_file() -> None:
    assert as_json_lines([]) == ""
    assert as_csv([], with_header=False) == ""


def test_the_first_part_of_a_csv_file_has_a_header_and_the_others_have_none() -> None:
    entry = an_entry(amount_minor=1)
    first, second = as_csv([entry], with_header=True), as_csv([entry], with_header=False)
    assert cells(first)[0] == list(COLUMNS)
    assert cells(first + second)[1:] == cells(second) * 2
    assert first.count("\r\n") == 2


def test_a_csv_row_holds_every_field() -> None:
    entry = an_entry(amount_minor=12_000)
    ((account, sequence, at, action, actor, facts, personal, previous, sealed),) = cells(
        as_csv([entry], with_header=False)
    )
    assert (account, sequence, at) == ("acc_ACME", "1", "2026-03-02T09:00:00.000Z")
    assert (action, actor) == ("payment.succeeded", "user-anna")
    assert json.loads(facts) == {"amount_minor": 12_000}
    assert json.loads(personal) == {"actor": "anna@example.com"}
    assert (previous, sealed) == (entry.previous_hash, entry.hash)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_a_cell_that_a_spreadsheet_would_run_is_disarmed(start: str) -> None:
    evil = f'{start}HYPERLINK("https://evil.example.com","click")'
    (row,) = cells(as_csv([an_entry(Actor(subject=evil, name=evil), action=evil)], with_header=False))
    assert row[COLUMNS.index("actor")] == "'" + evil
    assert row[COLUMNS.index("action")] == "'" + evil


@given(texts, texts, texts)
def test_whatever_people_are_called_no_cell_starts_a_formula_and_no_row_is_torn(a: str, b: str, c: str) -> None:
    (row,) = cells(as_csv([an_entry(Actor(subject=a, name=b), action=c)], with_header=False))
    assert len(row) == len(COLUMNS)
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) for cell in row)
    assert json.loads(row[COLUMNS.index("personal")]) == {"actor": b}
