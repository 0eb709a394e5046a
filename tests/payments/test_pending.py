"""Pending payments are found in their accounts, whatever they wait for, and by nothing that paying writes for it."""

import pytest

from chalicelib.accounts.models import Account
from chalicelib.core.errors import Malformed
from chalicelib.core.paging import Page, make_cursor
from chalicelib.ledger.models import Change
from chalicelib.payments.models import Payment, PaymentStatus
from chalicelib.payments.moves import PENDING
from chalicelib.payments.pending import ACCOUNTS_PER_PAGE
from tests.support.builders import a_payment, an_account
from tests.support.memory_desk import MemoryDesk


def stands(desk: MemoryDesk, account_id: str, *payment_ids: str, status: PaymentStatus = "parked") -> None:
    """An account that holds these pending payments."""
    pending = [a_payment(one, status=status, account_id=account_id) for one in payment_ids]
    desk.ledger.commit(Change(an_account(pending=pending, account_id=account_id)))


def every_page(desk: MemoryDesk, limit: int) -> list[Page[Payment]]:
    pages = [desk.desk.pending_payments.page(lambda _: True, limit=limit, cursor=None)]
    while cursor := pages[-1].next_cursor:
        assert len(pages) < 100, "the list ends"
        pages.append(desk.desk.pending_payments.page(lambda _: True, limit=limit, cursor=cursor))
    return pages


@pytest.mark.parametrize("status", sorted(PENDING))
def test_a_payment_is_found_by_its_id_and_by_its_reference_whatever_it_waits_for(
    desk: MemoryDesk, status: PaymentStatus
) -> None:
    payment = a_payment("pay_WAITS", status=status, account_id="acc_WAITS", gateway_reference="ch_1")
    account = an_account(pending=[payment], account_id="acc_WAITS")
    desk.ledger.commit(Change(account))
    stands(desk, "acc_OTHER", "pay_OTHER")
    for page in (desk.desk.accounts.of_payment("pay_WAITS"), desk.desk.accounts.of_gateway_reference("ch_1")):
        assert ([one.account_id for one in page.items], page.next_cursor) == (["acc_WAITS"], None)


def test_what_is_nowhere_is_not_found(desk: MemoryDesk) -> None:
    stands(desk, "acc_OTHER", "pay_OTHER")
    for page in (desk.desk.accounts.of_payment("pay_NONE"), desk.desk.accounts.of_gateway_reference("none")):
        assert (list(page.items), page.next_cursor) == ([], None)


def test_only_those_wanted_are_listed(desk: MemoryDesk) -> None:
    stands(desk, "acc_1", "pay_PARKED")
    stands(desk, "acc_2", "pay_PROCESSING", status="processing")
    page = desk.desk.pending_payments.page(lambda payment: payment.status == "parked", limit=10, cursor=None)
    assert [payment.payment_id for payment in page.items] == ["pay_PARKED"]


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 100])
def test_page_by_page_each_is_listed_once(desk: MemoryDesk, limit: int) -> None:
    expected = {f"pay_{account}_{payment}" for account in range(12) for payment in range(account % 4)}
    for account in range(12):
        stands(desk, f"acc_{account}", *(f"pay_{account}_{payment}" for payment in range(account % 4)))
    pages = every_page(desk, limit)
    listed = [payment.payment_id for page in pages for payment in page.items]
    assert (len(listed), set(listed)) == (len(expected), expected)
    assert all(len(page.items) <= limit for page in pages)
    assert all(page.items for page in pages)


def test_a_page_ends_in_time_however_few_it_holds_and_the_next_goes_on(desk: MemoryDesk) -> None:
    for number in range(ACCOUNTS_PER_PAGE + 1):
        stands(desk, f"acc_{number}", f"pay_{number}")
    first = desk.desk.accounts.of_payment("pay_NONE")
    assert (list(first.items), first.next_cursor is None) == ([], False)
    second = desk.desk.accounts.of_payment("pay_NONE", cursor=first.next_cursor)
    assert (list(second.items), second.next_cursor) == ([], None)
    assert sum(len(page.items) for page in every_page(desk, 1_000)) == ACCOUNTS_PER_PAGE + 1


def test_a_payment_that_ended_between_two_pages_is_listed_no_more(desk: MemoryDesk) -> None:
    stands(desk, "acc_1", "pay_1", "pay_2")
    page = desk.desk.pending_payments.page(lambda _: True, limit=1, cursor=None)
    account: Account = desk.desk.accounts.get("acc_1")
    desk.ledger.commit(Change(account.model_copy(update={"pending": {}})))
    rest = desk.desk.pending_payments.page(lambda _: True, limit=1, cursor=page.next_cursor)
    assert (list(rest.items), rest.next_cursor) == ([], None)


@pytest.mark.parametrize("cursor", ["", "%", make_cursor("00"), make_cursor("99", "a#acc_1", "pay_1")])
def test_a_cursor_that_is_not_ours_is_malformed(desk: MemoryDesk, cursor: str) -> None:
    with pytest.raises(Malformed, match="bad_cursor"):
        desk.desk.pending_payments.page(lambda _: True, limit=1, cursor=cursor)
