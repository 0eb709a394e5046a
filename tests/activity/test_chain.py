"""The hash chain: whatever is changed, swapped, left out or cut off in an account's log is found."""

import hashlib
import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.accounts.models import Account
from chalicelib.activity.models import GENESIS, ActivityEntry, ActivityHead
from chalicelib.activity.rules import Flaw, first_flaw, logged, resealed
from chalicelib.ledger.marshalling import marshal, unmarshal
from tests.support.builders import ANNA, BEN, NOW, an_account


def a_log(*facts: dict[str, Any]) -> tuple[Account, list[ActivityEntry]]:
    """An account with one entry for each of the facts, a minute apart."""
    account, entries = an_account(), []
    for number, fact in enumerate(facts):
        account, entry = logged(account, "payment.succeeded", ANNA, NOW + timedelta(minutes=number), **fact)
        entries.append(entry)
    return account, entries


def test_the_first_entry_follows_nothing_and_the_account_holds_the_last_hash() -> None:
    account, (first, second) = a_log({"amount_minor": 1}, {"amount_minor": 2})
    assert (first.sequence, first.previous_hash) == (1, GENESIS)
    assert (second.sequence, second.previous_hash) == (2, first.hash)
    assert account.activity == ActivityHead(count=2, head_hash=second.hash)


def test_a_hash_can_be_recomputed_from_the_documented_form_by_anybody() -> None:
    _, (first,) = a_log({"amount_minor": 12_000, "note": 'Größe ½ "quoted"', "invoices": {"inv_2": 1, "inv_1": 2}})
    body = (
        '{"account_id":"acc_ACME","action":"payment.succeeded","actor":"user-anna","at":"2026-03-02T09:00:00.000Z",'
        '"facts":{"amount_minor":12000,"invoices":{"inv_1":2,"inv_2":1},"note":"Größe ½ \\"quoted\\""},"sequence":1}'
    )
    assert first.hash == hashlib.sha256(f"{'0' * 64}\n{body}".encode()).hexdigest()


def test_who_it_was_by_name_stands_outside_the_hash_and_can_be_erased() -> None:
    account, entries = a_log({"amount_minor": 1}, {"amount_minor": 2})
    erased = [entry.model_copy(update={"personal": {}}) for entry in entries]
    assert first_flaw(erased, ActivityHead()) is None
    assert resealed(erased[-1]) == account.activity.head_hash


def test_the_same_deed_by_another_person_has_another_hash() -> None:
    _, by_anna = logged(an_account(), "account.opened", ANNA, NOW)
    _, by_ben = logged(an_account(), "account.opened", BEN, NOW)
    assert by_anna.hash != by_ben.hash


def test_a_fact_that_is_not_known_is_left_out() -> None:
    _, (entry,) = a_log({"amount_minor": 1, "code": None})
    assert entry.facts == {"amount_minor": 1}


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abcäé_", min_size=1), inner, max_size=3),
    max_leaves=8,
)
facts = st.dictionaries(st.sampled_from(["amount_minor", "code", "invoices", "fields", "note"]), plain, max_size=4)
logs = st.lists(facts, min_size=2, max_size=8)


@given(logs)
def test_any_log_verifies_as_it_was_written_and_as_a_store_gives_it_back(log: list[dict[str, Any]]) -> None:
    account, entries = a_log(*log)
    assert first_flaw(entries, ActivityHead()) is None
    stored = [ActivityEntry.parse(unmarshal(marshal(entry.item()))) for entry in entries]
    assert stored == entries
    assert first_flaw(stored, ActivityHead()) is None
    assert account.activity == ActivityHead(count=len(log), head_hash=stored[-1].hash)


@given(logs, st.data())
def test_any_log_verifies_in_parts_of_any_size(log: list[dict[str, Any]], data: st.DataObject) -> None:
    _, entries = a_log(*log)
    cut = data.draw(st.integers(1, len(entries) - 1))
    anchor = ActivityHead(count=cut, head_hash=entries[cut - 1].hash)
    assert first_flaw(entries[:cut], ActivityHead()) is None
    assert first_flaw(entries[cut:], anchor) is None


CHANGES: dict[str, Any] = {
    "at": NOW + timedelta(days=1),
    "action": "payment.declined",
    "actor": "user-mallory",
    "facts": {"amount_minor": -1},
    "account_id": "acc_OTHER",
    "hash": "f" * 64,
    "previous_hash": "e" * 64,
    "sequence": 99,
}


@given(logs, st.data(), st.sampled_from(sorted(CHANGES)))
def test_any_change_of_any_entry_is_found(log: list[dict[str, Any]], data: st.DataObject, field: str) -> None:
    _, entries = a_log(*log)
    at = data.draw(st.integers(0, len(entries) - 1))
    entries[at] = entries[at].model_copy(update={field: CHANGES[field]})
    flaw = first_flaw(entries, ActivityHead())
    assert flaw
    assert flaw.sequence == at + 1


@given(logs, st.data(), st.sampled_from(["facts", "actor", "action"]))
def test_a_change_that_is_sealed_again_is_found_at_the_next_entry_or_by_the_account(
    log: list[dict[str, Any]], data: st.DataObject, field: str
) -> None:
    account, entries = a_log(*log)
    at = data.draw(st.integers(0, len(entries) - 1))
    forged = entries[at].model_copy(update={field: CHANGES[field]})
    entries[at] = forged.model_copy(update={"hash": resealed(forged)})
    if at + 1 < len(entries):
        assert first_flaw(entries, ActivityHead()) == Flaw(at + 2, "does_not_follow")
    else:
        assert entries[-1].hash != account.activity.head_hash


@given(logs, st.data())
def test_any_entry_left_out_is_found(log: list[dict[str, Any]], data: st.DataObject) -> None:
    account, entries = a_log(*log)
    at = data.draw(st.integers(0, len(entries) - 1))
    del entries[at]
    if at == len(log) - 1:
        assert len(entries) < account.activity.count, "a cut tail shows in the account's count"
    else:
        assert first_flaw(entries, ActivityHead()) == Flaw(at + 1, "missing")


@given(logs, st.data())
def test_any_two_entries_swapped_are_found_even_when_renumbered(log: list[dict[str, Any]], data: st.DataObject) -> None:
    _, entries = a_log(*log)
    one = data.draw(st.integers(0, len(entries) - 2))
    other = data.draw(st.integers(one + 1, len(entries) - 1))
    entries[one], entries[other] = (
        entries[other].model_copy(update={"sequence": one + 1}),
        entries[one].model_copy(update={"sequence": other + 1}),
    )
    assert first_flaw(entries, ActivityHead()) is not None


def test_an_entry_put_in_between_is_found() -> None:
    _, entries = a_log({"amount_minor": 1}, {"amount_minor": 2})
    inserted = [entries[0], entries[1].model_copy(update={"facts": {}}), entries[1]]
    assert first_flaw(inserted, ActivityHead()) == Flaw(2, "altered")


def test_no_entries_at_all_have_no_flaw_of_their_own() -> None:
    assert first_flaw([], ActivityHead()) is None


@pytest.mark.parametrize("value", ["1", 1, True, [1], {"a": 1}])
def test_values_that_look_alike_are_told_apart(value: object) -> None:
    others = [other for other in ("1", 1, True, [1], {"a": 1}) if json.dumps(other) != json.dumps(value)]
    _, (entry,) = a_log({"fact": value})
    assert all(a_log({"fact": other})[1][0].hash != entry.hash for other in others)
