"""The ledger in memory and the one on DynamoDB are the same: random changes and questions, answered alike.

What a simulation finds on the one has to be true of the other.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.accounts.models import Account
from chalicelib.activity.models import ActivityEntry
from chalicelib.invoices.models import Invoice
from chalicelib.ledger.dynamodb import Ledger
from chalicelib.ledger.memory import MemoryLedger
from chalicelib.ledger.models import Change, FieldSet, Key, Record, Stale, Unwritable
from chalicelib.ledger.port import LedgerPort
from tests.ledger.conftest import Tables
from tests.ledger.records import an_account, an_entry, an_invoice

_account_numbers = itertools.count(1)


@dataclass(frozen=True)
class Pair:
    memory: MemoryLedger
    dynamodb: Ledger


@pytest.fixture(scope="module")
def pair(ministack_tables: Tables) -> Iterator[Pair]:
    yield Pair(MemoryLedger(), Ledger(ministack_tables.engine.ledger_client(), ministack_tables.prefix))
    ministack_tables.empty()


@dataclass(frozen=True)
class Step:
    """One change, as a sketch: what it is decided on, and what it does to which of few records."""

    versions_late: int
    puts: tuple[str, ...]
    sets: tuple[tuple[str, tuple[tuple[str, Any], ...]], ...]
    deletes: tuple[str, ...]

    def change(self, standing: Account | None, account_id: str) -> Change[Account]:
        account = standing or an_account(account_id)
        return Change(
            account.model_copy(update={"version": max(0, account.version - self.versions_late)}),
            puts=tuple(an_invoice(invoice_id, account_id) for invoice_id in self.puts),
            sets=tuple(FieldSet(Key(Invoice, account_id, name), dict(values)) for name, values in self.sets),
            deletes=tuple(Key(Invoice, account_id, invoice_id) for invoice_id in self.deletes),
        )


INVOICE_IDS = st.sampled_from(["inv_1", "inv_2", "inv_3"])
VALUES = st.sampled_from(
    [
        ("status", "paid"),
        ("remaining_minor", 0),
        ("payments.pay_A", 5),
        ("payments.pay_B", 7),
        ("payments.pay_A", None),
        ("payments", {"pay_C": 1}),
        ("payments.pay_Z.amount_minor", 1),
        ("voided_at", None),
        ("surprise", 1),
        ("invoice_id", "inv_9"),
        ("number", 1.5),
    ]
)
STEPS = st.builds(
    Step,
    versions_late=st.sampled_from([0, 0, 0, 1]),
    puts=st.lists(INVOICE_IDS, max_size=2).map(tuple),
    sets=st.lists(st.tuples(INVOICE_IDS, st.lists(VALUES, max_size=3).map(tuple)), max_size=2).map(tuple),
    deletes=st.lists(INVOICE_IDS, max_size=1).map(tuple),
)


def outcome(ledger: LedgerPort, step: Step, account_id: str) -> str:
    try:
        return f"version {ledger.commit(step.change(ledger.get(Key(Account, account_id)), account_id)).version}"
    except (Stale, Unwritable) as error:
        return type(error).__name__


def standing(ledger: LedgerPort, account_id: str) -> tuple[Record | None, list[Invoice]]:
    account = ledger.get(Key(Account, account_id))
    return (
        account and account.model_copy(update={"commit_id": ""}),
        list(ledger.records(Invoice, account_id, limit=10)),
    )


@settings(max_examples=60, deadline=None)
@given(steps=st.lists(STEPS, min_size=1, max_size=5))
def test_both_ledgers_take_and_refuse_the_same_changes(pair: Pair, steps: list[Step]) -> None:
    account_id = f"acc_{next(_account_numbers)}"
    for step in steps:
        assert outcome(pair.memory, step, account_id) == outcome(pair.dynamodb, step, account_id)
        assert standing(pair.memory, account_id) == standing(pair.dynamodb, account_id)


KEYS = st.text(alphabet="abc#_\x00é\U0001f600", max_size=4)


@settings(max_examples=60, deadline=None)
@given(
    keys=st.sets(KEYS.filter(bool), min_size=1, max_size=6),
    prefix=KEYS,
    after=st.none() | KEYS,
    newest_first=st.booleans(),
    limit=st.integers(1, 4),
)
def test_both_ledgers_list_the_same_records_and_those_that_were_asked_for(
    pair: Pair, keys: set[str], prefix: str, after: str | None, newest_first: bool, limit: int
) -> None:
    account_id = f"acc_{next(_account_numbers)}"
    expected = [
        key
        for key in sorted(keys, reverse=newest_first)
        if key.startswith(prefix) and (after is None or (key < after if newest_first else key > after))
    ][:limit]
    for ledger in (pair.memory, pair.dynamodb):
        ledger.commit(Change(an_account(account_id), puts=tuple(an_invoice(key, account_id) for key in keys)))
        found = ledger.records(Invoice, account_id, limit=limit, prefix=prefix, after=after, newest_first=newest_first)
        assert [invoice.invoice_id for invoice in found] == expected


@settings(max_examples=40, deadline=None)
@given(
    sequences=st.sets(st.integers(1, 30), min_size=1, max_size=6),
    after=st.none() | st.integers(-5, 40) | st.integers(),
    newest_first=st.booleans(),
    limit=st.integers(1, 4),
)
def test_both_ledgers_list_the_same_entries_by_number(
    pair: Pair, sequences: set[int], after: int | None, newest_first: bool, limit: int
) -> None:
    account_id = f"acc_{next(_account_numbers)}"
    expected = [
        sequence
        for sequence in sorted(sequences, reverse=newest_first)
        if after is None or (sequence < after if newest_first else sequence > after)
    ][:limit]
    for ledger in (pair.memory, pair.dynamodb):
        puts = tuple(an_entry(sequence, account_id) for sequence in sequences)
        ledger.commit(Change(an_account(account_id), puts=puts))
        found = ledger.records(ActivityEntry, account_id, limit=limit, after=after, newest_first=newest_first)
        assert [entry.sequence for entry in found] == expected
