"""Ids derive from what caused a record: the same cause meets its own record, another cause never does."""

import string
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chalicelib.core.ids import canonical_json, derived_id, fingerprint, random_id

# Any text, with many separators and characters that need escapes.
TEXT = st.text(st.characters() | st.sampled_from('",[]\\#:_ \x00\ud800'), max_size=6)
CAUSES = st.lists(TEXT, max_size=4)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)


@given(CAUSES)
def test_the_same_cause_gives_the_same_id(cause: list[str]) -> None:
    assert derived_id("pay", *cause) == derived_id("pay", *list(cause))


@given(CAUSES, CAUSES)
@example(["a", "b"], ["ab"])
@example(["a,b"], ["a", "b"])
@example(['a","b'], ["a", "b"])
@example(["a", ""], ["a"])
@example(["", "a"], ["a", ""])
@example(["\ud800"], ["?"])
def test_another_cause_gives_another_id(one: list[str], other: list[str]) -> None:
    assert (derived_id("pay", *one) == derived_id("pay", *other)) == (one == other)


@given(CAUSES)
def test_an_id_is_its_prefix_and_26_plain_characters(cause: list[str]) -> None:
    prefix, _, rest = derived_id("pay", *cause).partition("_")
    assert (prefix, len(rest)) == ("pay", 26)
    assert set(rest) <= set(string.ascii_uppercase + "234567")


def test_an_id_never_changes_from_one_release_to_the_next() -> None:
    assert derived_id("pay", "acc_one", "pay", "key-1") == "pay_L3OHCNXO4XOKEPIALXFYJG43X3"
    assert fingerprint({"amount_minor": 1}) == ("0b95486bb7924c3bafa353122fefd2c23db50052aa989653ce8ff745ff4a6fa1")


def test_equal_keys_of_two_customers_or_two_operations_never_meet() -> None:
    ids = {
        derived_id("pay", account, operation, "key-1")
        for account in ("acc_one", "acc_two")
        for operation in ("pay", "autopay", "check", "refund")
    }
    assert len(ids) == 8


@given(JSON, JSON)
@example(one=1, other=True)
@example(one=0, other=False)
@example(one="1", other=1)
@example(one=None, other="null")
def test_two_bodies_have_one_fingerprint_only_if_they_mean_the_same(one: Any, other: Any) -> None:
    assert (fingerprint(one) == fingerprint(other)) == (same(one, other))


def same(one: Any, other: Any) -> bool:
    """Equal as JSON: unlike in Python, true is not 1."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(type(one) is type(other) and one == other)


def test_the_order_of_fields_does_not_change_a_fingerprint() -> None:
    assert fingerprint({"a": 1, "b": {"c": 2, "d": 3}}) == fingerprint({"b": {"d": 3, "c": 2}, "a": 1})


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": 1, "a": [None, True, -1]}, '{"a":[null,true,-1],"b":1}'),
        ({"name": "Äther „GmbH“"}, '{"name":"Äther „GmbH“"}'),
        ({"quote": 'a"b\\c\n\x01'}, '{"quote":"a\\"b\\\\c\\n\\u0001"}'),
        ({}, "{}"),
    ],
)
def test_canonical_json_has_one_spelling(value: Any, text: str) -> None:
    assert canonical_json(value) == text


def test_random_ids_differ_and_fit_a_request_token() -> None:
    ids = {random_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(1 <= len(one) <= 36 for one in ids), "DynamoDB's ClientRequestToken has up to 36 characters"
