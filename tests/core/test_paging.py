"""Cursors: a position goes out and comes back; anything else is refused before it is used."""

import base64
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chalicelib.core.errors import Malformed
from chalicelib.core.paging import PART_BYTES_MAX, make_cursor, read_cursor

PARTS = st.text(min_size=1, max_size=20).filter(lambda text: len(text.encode()) <= PART_BYTES_MAX)


def spelled(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


@given(st.lists(PARTS, min_size=1, max_size=3))
def test_a_position_comes_back_as_it_went_out(position: list[str]) -> None:
    assert read_cursor(make_cursor(*position), len(position)) == position


@given(st.lists(PARTS, min_size=1, max_size=3))
def test_a_cursor_needs_no_escape_in_an_address(position: list[str]) -> None:
    assert set(make_cursor(*position)) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def test_no_cursor_is_the_beginning() -> None:
    assert read_cursor(None, 1) is None


def test_a_cursor_of_another_list_is_refused() -> None:
    with pytest.raises(Malformed) as refusal:
        read_cursor(make_cursor("a", "b"), 1)
    assert refusal.value.code == "bad_cursor"
    assert refusal.value.facts == {}, "nothing of it is echoed"


@given(st.text() | st.binary().map(spelled))
@example("")
@example("=")
@example("A")
@example("====")
@example("é")
@example("\ud800")
@example(spelled(b"[" * 7000))
@example(spelled(b"9" * 7000))
@example(spelled(b'{"a": "b"}'))
@example(spelled(b"[NaN]"))
@example(spelled(b"\xff\xfe"))
def test_garbage_is_refused_and_nothing_else_happens(cursor: str) -> None:
    with pytest.raises(Malformed, match="bad_cursor"):
        read_cursor(cursor, 3)


@pytest.mark.parametrize(
    "position",
    [[1], [None], [["a"]], [{"a": "b"}], [True], "a", {"0": "a"}, [], ["a", "b"], [""], ["\ud800"], ["é" * 513]],
    ids=repr,
)
def test_a_position_the_store_could_not_have_given_is_refused(position: object) -> None:
    with pytest.raises(Malformed, match="bad_cursor"):
        read_cursor(spelled(json.dumps(position).encode()), 1)


def test_the_longest_sort_value_fits() -> None:
    longest = "é" * (PART_BYTES_MAX // 2)
    assert read_cursor(make_cursor(longest), 1) == [longest]
