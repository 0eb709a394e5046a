"""Reading invoices: one, all, those of a status."""

import pytest

from chalicelib.core.errors import Malformed, NotFound
from chalicelib.invoices.models import REQUEST_PREFIX, InvoiceRequest, InvoiceStatus
from tests.support.builders import BEN
from tests.support.memory_desk import MemoryDesk


def pages(desk: MemoryDesk, limit: int, status: InvoiceStatus | None = None) -> list[list[str]]:
    found: list[list[str]] = []
    cursor = None
    while True:
        _, page = desk.desk.invoices.list(desk.account_id, limit=limit, cursor=cursor, status=status)
        found.append([invoice.invoice_id for invoice in page.items])
        cursor = page.next_cursor
        if cursor is None:
            return found


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 6])
def test_invoices_are_listed_newest_issue_first_each_once(desk: MemoryDesk, limit: int) -> None:
    ids = [desk.issue(due_in_days=-days) for days in (3, 9, 1, 30, 2)]
    listed = pages(desk, limit)
    assert [invoice_id for page in listed for invoice_id in page] == sorted(ids, reverse=True)
    assert all(len(page) == limit for page in listed[:-1])


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_invoices_of_one_status_are_listed_without_the_others(desk: MemoryDesk, limit: int) -> None:
    paid, unpaid, voided = (
        [desk.issue(100, due_in_days=-days) for days in (3, 6)],
        [desk.issue(100, due_in_days=-days) for days in (1, 4)],
        [desk.issue(100, due_in_days=-days) for days in (2, 5)],
    )
    desk.add_card()
    desk.pay(invoice_ids=tuple(paid))
    for invoice_id in voided:
        desk.desk.invoices.void(desk.account_id, invoice_id, BEN)
    statuses: list[tuple[InvoiceStatus, list[str]]] = [("paid", paid), ("unpaid", unpaid), ("void", voided)]
    for status, ids in statuses:
        listed = pages(desk, limit, status)
        assert [invoice_id for page in listed for invoice_id in page] == sorted(ids, reverse=True)


def test_the_account_comes_beside_the_invoice_and_knows_what_is_covered(desk: MemoryDesk) -> None:
    invoice_id = desk.issue(500)
    payment = desk.pay_with("tok_requires_action", amount_minor=200)
    found = desk.desk.invoices.get(desk.account_id, invoice_id)
    assert found.invoice.remaining_minor == 500
    assert found.account.pending[payment.payment_id].amount_minor == 200


def test_the_marker_of_a_request_is_no_invoice(desk: MemoryDesk) -> None:
    desk.issue()
    (marker,) = desk.ledger.records(InvoiceRequest, desk.account_id, limit=10, prefix=REQUEST_PREFIX)
    with pytest.raises(NotFound):
        desk.desk.invoices.get(desk.account_id, marker.invoice_id)


def test_a_cursor_that_is_not_ours_is_malformed(desk: MemoryDesk) -> None:
    with pytest.raises(Malformed, match="bad_cursor"):
        desk.desk.invoices.list(desk.account_id, limit=10, cursor="%", status=None)


def test_what_is_not_there_is_not_found(desk: MemoryDesk) -> None:
    with pytest.raises(NotFound):
        desk.desk.invoices.get(desk.account_id, "inv_20260302_NONE")
    with pytest.raises(NotFound):
        desk.desk.invoices.list("acc_NOBODY", limit=10, cursor=None, status=None)
