"""Reading, exporting and verifying a log that is stored."""

from typing import Any

import pytest

from chalicelib.activity.models import ActivityEntry
from chalicelib.activity.rules import Flaw
from chalicelib.activity.service import Verification
from chalicelib.core.errors import Malformed, NotFound
from chalicelib.core.paging import make_cursor
from chalicelib.ledger.models import Key
from tests.support.builders import ANNA
from tests.support.memory_desk import MemoryDesk, a_desk


@pytest.fixture
def damaged() -> MemoryDesk:
    """A desk whose account's log has seven entries, for tests that break it."""
    made = a_desk()
    write(made, 6)
    return made


def write(desk: MemoryDesk, entries: int) -> None:
    for _ in range(entries):
        recipients = (f"{desk.account().version}@example.com",)
        desk.desk.accounts.put_recipients(desk.account_id, recipients, ANNA)


def verify(desk: MemoryDesk, *, limit: int = 100, cursor: str | None = None) -> Verification:
    return desk.desk.activity.verify(desk.account_id, limit=limit, cursor=cursor)


def walked(desk: MemoryDesk, limit: int) -> Verification:
    """The answer with which verifying in parts ends."""
    found = verify(desk, limit=limit)
    while found.next_cursor:
        found = verify(desk, limit=limit, cursor=found.next_cursor)
    return found


def place(desk: MemoryDesk, sequence: int) -> tuple[str, str, Any]:
    return Key(ActivityEntry, desk.account_id, sequence).place


def change(desk: MemoryDesk, sequence: int, **fields: Any) -> None:
    desk.ledger._items[place(desk, sequence)] = desk.ledger._items[place(desk, sequence)] | fields


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7, 8])
@pytest.mark.parametrize("newest_first", [True, False])
def test_pages_of_the_log_hold_each_entry_once_in_order(desk: MemoryDesk, limit: int, newest_first: bool) -> None:
    write(desk, 6)
    found: list[int] = []
    cursor = None
    while True:
        page = desk.desk.activity.list(desk.account_id, limit=limit, cursor=cursor, newest_first=newest_first)
        found += [entry.sequence for entry in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
        assert len(page.items) == limit
    assert found == sorted(range(1, 8), reverse=newest_first)


def test_a_whole_log_verifies_up_to_the_head_the_account_holds(desk: MemoryDesk) -> None:
    write(desk, 6)
    found = verify(desk)
    assert (found.flaw, found.complete, found.next_cursor) == (None, True, None)
    assert (found.first_sequence, found.last_sequence) == (1, 7)
    assert found.head == desk.account().activity


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7, 8])
def test_verifying_in_parts_comes_to_the_same_end(desk: MemoryDesk, limit: int) -> None:
    write(desk, 6)
    first = verify(desk, limit=limit)
    assert (first.flaw, first.complete) == (None, limit >= 7)
    assert (walked(desk, limit).flaw, walked(desk, limit).complete) == (None, True)


def test_entries_that_come_while_somebody_verifies_are_left_for_the_next_time(desk: MemoryDesk) -> None:
    write(desk, 3)
    desk.ledger.before_records.plan(lambda: write(desk, 2))
    found = verify(desk)
    assert (found.flaw, found.complete, found.last_sequence) == (None, True, 4)


def test_entries_that_come_between_two_parts_are_verified_too(desk: MemoryDesk) -> None:
    write(desk, 3)
    first = verify(desk, limit=2)
    write(desk, 2)
    found = verify(desk, cursor=first.next_cursor)
    assert (found.flaw, found.complete, found.last_sequence) == (None, True, 6)


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
@pytest.mark.parametrize("sequence", range(1, 8))
def test_an_entry_that_was_changed_is_named(damaged: MemoryDesk, sequence: int, limit: int) -> None:
    change(damaged, sequence, facts={"count": 99})
    found = walked(damaged, limit)
    assert (found.flaw, found.complete) == (Flaw(sequence, "altered"), False)


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
@pytest.mark.parametrize("sequence", range(1, 8))
def test_an_entry_that_was_left_out_is_named(damaged: MemoryDesk, sequence: int, limit: int) -> None:
    del damaged.ledger._items[place(damaged, sequence)]
    found = walked(damaged, limit)
    assert (found.flaw, found.complete) == (Flaw(sequence, "missing"), False)


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
@pytest.mark.parametrize("kept", range(7))
def test_a_tail_that_was_cut_off_is_found(damaged: MemoryDesk, kept: int, limit: int) -> None:
    for sequence in range(kept + 1, 8):
        del damaged.ledger._items[place(damaged, sequence)]
    found = walked(damaged, limit)
    assert (found.flaw, found.complete) == (Flaw(kept + 1, "missing"), False)


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
@pytest.mark.parametrize("sequence", range(1, 8))
def test_an_entry_that_cannot_even_be_read_is_named(damaged: MemoryDesk, sequence: int, limit: int) -> None:
    change(damaged, sequence, at="yesterday")
    found = walked(damaged, limit)
    assert (found.flaw, found.complete) == (Flaw(sequence, "altered"), False)


def test_the_first_of_several_flaws_is_named(damaged: MemoryDesk) -> None:
    change(damaged, 6, at="yesterday")
    change(damaged, 5, facts={})
    del damaged.ledger._items[place(damaged, 3)]
    assert verify(damaged).flaw == Flaw(3, "missing")


@pytest.mark.parametrize("limit", [1, 3, 7, 100])
def test_a_log_rewritten_as_a_whole_does_not_match_the_account(damaged: MemoryDesk, limit: int) -> None:
    other = a_desk()
    for number in range(6):
        other.desk.accounts.put_recipients(other.account_id, (f"{number}@forged.example.com",) * 2, ANNA)
    assert other.account_id == damaged.account_id
    for sequence in range(1, 8):
        damaged.ledger._items[place(damaged, sequence)] = other.ledger._items[place(other, sequence)]
    found = walked(damaged, limit)
    assert (found.flaw, found.complete) == (Flaw(7, "does_not_match_the_account"), False)


def test_what_stands_behind_the_head_does_not_count(damaged: MemoryDesk) -> None:
    damaged.ledger._items[place(damaged, 8)] = damaged.ledger._items[place(damaged, 7)] | {"sequence": 8, "at": "never"}
    found = verify(damaged)
    assert (found.flaw, found.complete, found.last_sequence) == (None, True, 7)


def test_names_can_be_erased_and_the_log_still_verifies(desk: MemoryDesk) -> None:
    write(desk, 2)
    for sequence in range(1, 4):
        change(desk, sequence, personal={})
    assert verify(desk).complete


@pytest.mark.parametrize("cursor", ["", "%", make_cursor("a"), make_cursor("-1"), make_cursor("1", "2")])
@pytest.mark.parametrize("position", [make_cursor("1.0"), make_cursor("٣"), make_cursor("9" * 16)])
def test_a_cursor_that_is_not_ours_is_malformed(desk: MemoryDesk, cursor: str, position: str) -> None:
    for bad in (cursor, position):
        with pytest.raises(Malformed, match="bad_cursor"):
            desk.desk.activity.list(desk.account_id, limit=1, cursor=bad, newest_first=True)
        with pytest.raises(Malformed, match="bad_cursor"):
            verify(desk, cursor=bad)


def test_verifying_cannot_go_on_behind_an_entry_that_is_not_there(desk: MemoryDesk) -> None:
    with pytest.raises(Malformed, match="bad_cursor"):
        verify(desk, cursor=make_cursor("50"))


def test_a_log_of_nobody_is_not_found(desk: MemoryDesk) -> None:
    with pytest.raises(NotFound):
        desk.desk.activity.list("acc_NOBODY", limit=1, cursor=None, newest_first=True)
    with pytest.raises(NotFound):
        desk.desk.activity.verify("acc_NOBODY", limit=1, cursor=None)


def test_everything_that_changes_money_or_methods_leaves_its_entry(desk: MemoryDesk) -> None:
    first = desk.issue(100, due_in_days=-1)
    desk.issue(100)
    visa = desk.add_card()
    desk.suspend()
    desk.choose(visa, autopay=True)
    waits = desk.pay_with("tok_requires_action", amount_minor=10)
    desk.desk.payments.cancel(desk.account_id, waits.payment_id, ANNA)
    desk.pay(invoice_ids=(first,))
    desk.pay_with("tok_stolen_card")
    desk.desk.payment_methods.remove(desk.account_id, visa, ANNA, on_default="disable_autopay", promote=None)
    desk.desk.accounts.put_recipients(desk.account_id, ("ap@example.com",), ANNA)
    desk.desk.invoices.void(desk.account_id, desk.issue(), ANNA)
    assert desk.actions() == [
        "account.opened",
        "invoice.issued",
        "invoice.issued",
        "payment_method.added",
        "payment_settings.changed",
        "payment_method.added",
        "payment.canceled",
        "payment.succeeded",
        "services.reactivated",
        "payment_method.added",
        "payment.declined",
        "payment_method.removed",
        "invoice_recipients.changed",
        "invoice.issued",
        "invoice.voided",
    ]


def test_no_card_token_and_no_secret_stands_in_the_log(desk: MemoryDesk) -> None:
    desk.issue(100)
    desk.pay_with("tok_visa")
    assert "tok_" not in str([entry.model_dump() for entry in desk.log()])
