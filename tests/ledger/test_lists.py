"""Lists: of an account's records, of candidates in an index, of a whole table. On each store there is."""

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.accounts.models import BY_NAME, BY_RECONCILE, Account
from chalicelib.activity.models import ActivityEntry
from chalicelib.core.clock import format_instant
from chalicelib.invoices.models import Invoice
from chalicelib.ledger.due import shard_of
from chalicelib.ledger.models import Change, Record
from chalicelib.ledger.port import LedgerPort
from chalicelib.payments.models import BY_GATEWAY_REFERENCE, BY_PAYMENT, Payment
from tests.ledger.conftest import Store
from tests.ledger.records import a_payment, an_account, an_entry, an_invoice, an_invoice_request
from tests.support.builders import NOW

INVOICES = ["inv_20261101_A", "inv_20261102_B", "inv_20261103_C", "inv_20261104_D", "inv_20261105_E"]
PAYMENTS = {"pay_C": 0, "pay_A": 1, "pay_D": 2, "pay_B": 3}
"""Minutes after NOW: the order of time is not the order of keys."""


@pytest.fixture
def desk(ledger: LedgerPort) -> LedgerPort:
    """acc_one with five invoices, a request beside them, twelve entries and four payments; acc_two with one of each."""
    open_with(
        ledger,
        "acc_one",
        *[an_invoice(invoice_id, status="paid" if "B" in invoice_id else "unpaid") for invoice_id in INVOICES],
        an_invoice_request("request_A"),
        *[an_entry(sequence) for sequence in range(1, 13)],
        *[a_payment(payment_id, minutes=minutes) for payment_id, minutes in PAYMENTS.items()],
    )
    open_with(
        ledger,
        "acc_two",
        an_invoice("inv_20261101_Z", "acc_two"),
        an_entry(1, "acc_two"),
        a_payment("pay_Z", "acc_two", gateway_reference="ch_Z"),
    )
    return ledger


def open_with(ledger: LedgerPort, account_id: str, *records: Record, **fields: Any) -> None:
    ledger.commit(Change(an_account(account_id, **fields), puts=records))


def invoice_ids(ledger: LedgerPort, limit: int = 10, prefix: str = "inv_", **asked: Any) -> list[str]:
    found = ledger.records(Invoice, "acc_one", limit=limit, prefix=prefix, **asked)
    return [invoice.invoice_id[-1] for invoice in found]


def sequences(ledger: LedgerPort, limit: int = 20, **asked: Any) -> list[int]:
    return [entry.sequence for entry in ledger.records(ActivityEntry, "acc_one", limit=limit, **asked)]


def payment_ids(ledger: LedgerPort, limit: int = 10, **asked: Any) -> list[str]:
    return [payment.payment_id[-1] for payment in ledger.records(Payment, "acc_one", limit=limit, **asked)]


def test_records_come_in_key_order_and_of_one_account_only(desk: LedgerPort) -> None:
    assert invoice_ids(desk) == ["A", "B", "C", "D", "E"]
    assert invoice_ids(desk, newest_first=True) == ["E", "D", "C", "B", "A"]


def test_a_list_is_cut_at_its_limit_and_goes_on_behind_the_last(desk: LedgerPort) -> None:
    assert invoice_ids(desk, limit=2) == ["A", "B"]
    assert invoice_ids(desk, limit=2, after=INVOICES[1]) == ["C", "D"]
    assert invoice_ids(desk, limit=2, after=INVOICES[3]) == ["E"]
    assert invoice_ids(desk, limit=2, after=INVOICES[4]) == []


def test_a_list_newest_first_goes_on_behind_the_last_too(desk: LedgerPort) -> None:
    assert invoice_ids(desk, limit=2, newest_first=True) == ["E", "D"]
    assert invoice_ids(desk, limit=2, newest_first=True, after=INVOICES[3]) == ["C", "B"]
    assert invoice_ids(desk, limit=2, newest_first=True, after=INVOICES[0]) == []


def test_a_list_goes_on_behind_a_record_that_is_gone(desk: LedgerPort) -> None:
    assert invoice_ids(desk, after="inv_20261102_Bb") == ["C", "D", "E"]
    assert invoice_ids(desk, after="inv_20261102_Bb", newest_first=True) == ["B", "A"]


def test_integer_keys_are_ordered_as_numbers(desk: LedgerPort) -> None:
    assert sequences(desk) == list(range(1, 13))
    assert sequences(desk, newest_first=True) == list(range(12, 0, -1))
    assert sequences(desk, after=9) == [10, 11, 12]
    assert sequences(desk, after=3, newest_first=True, limit=2) == [2, 1]


@pytest.mark.parametrize("after", [-(10**40), -1, 0])
def test_an_integer_before_all_keys_hides_nothing_and_shows_nothing(desk: LedgerPort, after: int) -> None:
    assert sequences(desk, after=after, limit=2) == [1, 2]
    assert sequences(desk, after=after, newest_first=True) == []


@pytest.mark.parametrize("after", [13, 10**15, 10**40])
def test_an_integer_behind_all_keys_shows_nothing_and_hides_nothing(desk: LedgerPort, after: int) -> None:
    assert sequences(desk, after=after) == []
    assert sequences(desk, after=after, newest_first=True, limit=2) == [12, 11]


def test_payments_are_listed_by_time(desk: LedgerPort) -> None:
    assert payment_ids(desk) == ["A", "B", "C", "D"]
    assert payment_ids(desk, by="time_key") == ["C", "A", "D", "B"]
    assert payment_ids(desk, by="time_key", newest_first=True, limit=3) == ["B", "D", "A"]
    behind = a_payment("pay_D", minutes=2).time_key()
    assert payment_ids(desk, by="time_key", newest_first=True, after=behind) == ["A", "C"]
    assert payment_ids(desk, by="time_key", after=behind) == ["B"]


def test_a_list_may_be_narrowed_to_a_prefix(desk: LedgerPort) -> None:
    assert invoice_ids(desk, prefix="inv_20261103") == ["C"]
    assert invoice_ids(desk, prefix="inv_2027") == []
    today = format_instant(NOW)[:10]
    assert payment_ids(desk, by="time_key", prefix=today) == ["C", "A", "D", "B"]


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("after", ["", "\x00", "a", "inv_", "inv_2", "request_A", "zzz", "\U0010ffff", "x" * 1024])
def test_no_cursor_leads_out_of_the_prefix(desk: LedgerPort, after: str, newest_first: bool) -> None:
    behind = [i[-1] for i in INVOICES if (i < after if newest_first else i > after)]
    assert invoice_ids(desk, after=after, newest_first=newest_first) == sorted(behind, reverse=newest_first)


@pytest.mark.parametrize("after", ["x" * 1025, "\ud800"])
def test_a_cursor_that_cannot_be_a_key_shows_nothing(desk: LedgerPort, after: str) -> None:
    assert invoice_ids(desk, after=after) == []


def test_a_list_may_be_narrowed_to_a_status_and_still_fills_its_pages(desk: LedgerPort) -> None:
    assert invoice_ids(desk, where=("status", "paid")) == ["B"]
    assert invoice_ids(desk, where=("status", "unpaid"), limit=3) == ["A", "C", "D"]
    assert invoice_ids(desk, where=("status", "unpaid"), limit=3, after=INVOICES[3]) == ["E"]
    assert invoice_ids(desk, where=("status", "unpaid"), limit=1, newest_first=True) == ["E"]
    assert invoice_ids(desk, where=("status", "void")) == []


def test_a_name_is_found_by_how_it_begins(ledger: LedgerPort) -> None:
    for number, name in enumerate(["Nordwind", "NORDLICHT", "Nora", "Südwind"]):
        open_with(ledger, f"acc_{number}", name=name)
    found = ledger.find(BY_NAME, "n", prefix="nord", limit=10)
    assert found == [("nordlicht\tacc_1", "acc_1"), ("nordwind\tacc_0", "acc_0")]
    assert ledger.find(BY_NAME, "n", limit=2) == [("nora\tacc_2", "acc_2"), ("nordlicht\tacc_1", "acc_1")]
    assert ledger.find(BY_NAME, "n", limit=2, after="nordlicht\tacc_1") == [("nordwind\tacc_0", "acc_0")]
    assert ledger.find(BY_NAME, "x", limit=2) == []


@pytest.mark.parametrize("odd", ["", "x" * 1025, "\ud800"], ids=["empty", "long", "surrogate"])
def test_a_search_for_what_cannot_be_a_key_finds_nothing(desk: LedgerPort, odd: str) -> None:
    assert desk.find(BY_PAYMENT, odd, limit=10) == []
    assert desk.find(BY_NAME, odd, limit=10) == []
    if odd:
        assert desk.find(BY_NAME, "n", prefix=odd, limit=10) == []


@pytest.mark.parametrize("after", ["a", "nordwind\tacc_one", "o", "x" * 1025])
def test_no_cursor_leads_out_of_a_search(desk: LedgerPort, after: str) -> None:
    expected = [key for key in ("nordwind\tacc_one", "nordwind\tacc_two") if key > after]
    assert [key for key, _ in desk.find(BY_NAME, "n", prefix="nordw", limit=10, after=after)] == expected


def test_checks_due_by_now_are_found_oldest_first(ledger: LedgerPort) -> None:
    same_shard = [f"acc_{number}" for number in range(200) if shard_of(f"acc_{number}") == "07"][:4]
    for number, account_id in enumerate(same_shard):
        check_at = NOW + timedelta(minutes=10 - number)
        pending = [a_payment("pay_A", account_id, status="in_flight", next_check_at=check_at)]
        open_with(ledger, account_id, pending=pending)
    due = [
        (f"{format_instant(NOW + timedelta(minutes=10 - number))}#{account_id}", account_id)
        for number, account_id in enumerate(same_shard)
    ][::-1]

    until = format_instant(NOW + timedelta(minutes=9))
    assert ledger.find(BY_RECONCILE, "07", limit=10) == due
    assert ledger.find(BY_RECONCILE, "07", limit=10, until=until) == due[:3], "what is due just now is due"
    assert ledger.find(BY_RECONCILE, "07", limit=1, until=until) == due[:1]
    assert ledger.find(BY_RECONCILE, "07", limit=2, until=until, after=due[0][0]) == due[1:3]
    assert ledger.find(BY_RECONCILE, "07", limit=10, until=until, after=due[2][0]) == []
    assert ledger.find(BY_RECONCILE, "08", limit=10, until=until) == []


def test_a_payment_is_found_by_its_id_and_by_the_gateways_reference(desk: LedgerPort) -> None:
    assert desk.find(BY_PAYMENT, "pay_Z", limit=1) == [("pay_Z", "acc_two")]
    assert desk.find(BY_PAYMENT, "pay_Y", limit=1) == []
    assert desk.find(BY_GATEWAY_REFERENCE, "ch_Z", limit=1) == [("ch_Z", "acc_two")]
    assert desk.find(BY_GATEWAY_REFERENCE, "ch_Y", limit=1) == []


def test_a_scan_pages_through_every_account_once(ledger: LedgerPort) -> None:
    for number in range(7):
        open_with(ledger, f"acc_{number}")
    seen: list[str] = []
    after = None
    while page := ledger.scan(Account, limit=3, after=after):
        assert len(page) <= 3
        seen += [account.account_id for account in page if isinstance(account, Account)]
        after = seen[-1]
    assert sorted(seen) == [f"acc_{number}" for number in range(7)]


def test_a_scan_of_an_empty_table_is_empty(ledger: LedgerPort) -> None:
    assert ledger.scan(Account, limit=3) == []


def test_a_list_longer_than_one_answer_of_the_store_is_read_whole(store: Store) -> None:
    # DynamoDB answers 1 MB at a time: 40 entries of 30 KB are more than that.
    for batch in range(4):
        entries = [an_entry(batch * 10 + number, text="x" * 30_000) for number in range(10)]
        open_with(store.ledger, f"acc_{batch}")  # keeps one transaction small
        for entry in entries:
            store.damage(ActivityEntry, entry.item())
    assert sequences(store.ledger, limit=100) == list(range(40))
