"""An account's payments: newest first, pending and ended ones together, each once."""

import pytest

from chalicelib.core.errors import Malformed, NotFound
from chalicelib.core.paging import make_cursor
from tests.support.memory_desk import MemoryDesk
from tests.support.reconciling import reconcile

TOKENS = ["tok_visa", "tok_requires_action", "tok_not_sent", "tok_timeout_then_approved", "tok_visa"]


def some_payments(desk: MemoryDesk) -> list[str]:
    """Ten payments a minute apart, pending and ended in turn; their ids, newest first."""
    desk.issue(1_000)
    cards = {token: desk.add_card(token) for token in sorted(set(TOKENS))}
    ids = []
    for token in TOKENS * 2:
        desk.advance(minutes=1)
        ids.append(desk.pay(payment_method_id=cards[token], amount_minor=10).payment.payment_id)
    return ids[::-1]


def walked(desk: MemoryDesk, limit: int) -> list[str]:
    found: list[str] = []
    cursor = None
    while True:
        page = desk.desk.payments.list(desk.account_id, limit=limit, cursor=cursor)
        assert len(page.items) <= limit
        found += [payment.payment_id for payment in page.items]
        cursor = page.next_cursor
        if cursor is None:
            return found
        assert len(page.items) == limit


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 9, 10, 11, 100])
def test_pages_hold_every_payment_once_newest_first_pending_or_ended(desk: MemoryDesk, limit: int) -> None:
    ids = some_payments(desk)
    assert walked(desk, limit) == ids


def test_payments_of_the_same_moment_are_all_listed(desk: MemoryDesk) -> None:
    desk.issue(1_000)
    visa, waits = desk.add_card(), desk.add_card("tok_requires_action")
    ids = [desk.pay(payment_method_id=card, amount_minor=1).payment.payment_id for card in [visa, waits] * 4]
    assert sorted(walked(desk, 3)) == sorted(ids)


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_a_payment_that_ends_between_two_pages_keeps_its_place(desk: MemoryDesk, limit: int) -> None:
    ids = some_payments(desk)
    first = desk.desk.payments.list(desk.account_id, limit=limit, cursor=None)
    desk.advance(hours=2)
    assert reconcile(desk.desk).ended == 4
    seen = [payment.payment_id for payment in first.items]
    cursor = first.next_cursor
    while cursor:
        page = desk.desk.payments.list(desk.account_id, limit=limit, cursor=cursor)
        seen += [payment.payment_id for payment in page.items]
        cursor = page.next_cursor
    assert seen == ids


def test_a_payment_that_ends_between_the_two_reads_of_one_page_is_listed_once_as_ended(desk: MemoryDesk) -> None:
    desk.issue(100)
    payment = desk.pay_with("tok_timeout_then_approved")
    desk.ledger.before_records.plan(lambda: desk.desk.payments.check(desk.account_id, payment.payment_id))
    (listed,) = desk.desk.payments.list(desk.account_id, limit=10, cursor=None).items
    assert listed.status == "succeeded"


def test_a_payment_made_meanwhile_does_not_shift_the_pages_behind_it(desk: MemoryDesk) -> None:
    ids = some_payments(desk)
    page = desk.desk.payments.list(desk.account_id, limit=4, cursor=None)
    desk.advance(minutes=1)
    desk.pay(payment_method_id=desk.add_card(), amount_minor=1)
    behind = desk.desk.payments.list(desk.account_id, limit=100, cursor=page.next_cursor)
    assert [payment.payment_id for payment in behind.items] == ids[4:]


def test_an_account_without_payments_lists_none(desk: MemoryDesk) -> None:
    page = desk.desk.payments.list(desk.account_id, limit=10, cursor=None)
    assert (list(page.items), page.next_cursor) == ([], None)


@pytest.mark.parametrize("cursor", ["", "%", make_cursor("a", "b")])
def test_a_cursor_that_is_not_ours_is_malformed(desk: MemoryDesk, cursor: str) -> None:
    with pytest.raises(Malformed, match="bad_cursor"):
        desk.desk.payments.list(desk.account_id, limit=10, cursor=cursor)


def test_what_is_not_there_is_not_found(desk: MemoryDesk) -> None:
    with pytest.raises(NotFound):
        desk.desk.payments.list("acc_NOBODY", limit=10, cursor=None)
    with pytest.raises(NotFound):
        desk.desk.payments.get(desk.account_id, "pay_NONE")
