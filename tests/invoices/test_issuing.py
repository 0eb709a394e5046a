"""Issuing invoices: what they say, credit first, limits, replays."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.activity.models import PAYDESK
from chalicelib.core.errors import Invalid, NotFound
from chalicelib.core.money import MINOR_MAX
from chalicelib.invoices.models import Line
from chalicelib.invoices.rules import InvoiceDraft, issue
from chalicelib.invoices.service import IssueRequest
from tests.support.builders import NOW, OPERATIONS, TODAY, a_line, an_account
from tests.support.memory_desk import MemoryDesk, a_desk


def a_draft(*amounts: int) -> InvoiceDraft:
    return InvoiceDraft("inv_20260302_A", [a_line(amount) for amount in amounts], TODAY, TODAY + timedelta(days=14))


def a_request(desk: MemoryDesk, **fields: object) -> IssueRequest:
    wanted: dict[str, object] = {
        "account_id": desk.account_id,
        "key": "once",
        "request_fingerprint": "body",
        "actor": OPERATIONS,
        "lines": [a_line(10_000)],
        "due_on": TODAY + timedelta(days=14),
    }
    return IssueRequest(**wanted | fields)  # type: ignore[arg-type]  # each test names fields of its own


def with_credit(desk: MemoryDesk, amount_minor: int) -> None:
    """The account has credit, as after paying an invoice that was voided meanwhile."""
    invoice_id = desk.issue(amount_minor)
    payment = desk.pay_with("tok_requires_action", amount_minor=amount_minor)
    desk.desk.invoices.void(desk.account_id, invoice_id, OPERATIONS)
    desk.gateway.complete_action(payment.payment_id, approve=True)
    desk.desk.payments.check(desk.account_id, payment.payment_id)
    assert desk.account().credit_minor == amount_minor


def test_an_invoice_is_the_sum_of_its_lines_and_unpaid(desk: MemoryDesk) -> None:
    lines = [
        a_line(10_000),
        Line(description="Seats", quantity=3, unit_amount_minor=500, amount_minor=1_500),
        a_line(-700),
    ]
    invoice = desk.desk.invoices.issue(a_request(desk, lines=lines)).invoice
    assert (invoice.total_minor, invoice.remaining_minor, invoice.status) == (10_800, 10_800, "unpaid")
    assert invoice.lines == tuple(lines)
    assert (invoice.currency, invoice.payments, invoice.voided_at) == ("EUR", {}, None)
    assert desk.invoice(invoice.invoice_id) == invoice


def test_the_account_owes_it_from_now_on(desk: MemoryDesk) -> None:
    invoice = desk.desk.invoices.issue(a_request(desk)).invoice
    (owed,) = desk.account().open_invoices.values()
    assert (owed.number, owed.remaining_minor) == (invoice.number, 10_000)
    assert owed.due_on == owed.grace_from == invoice.due_on


def test_invoices_are_numbered_without_a_gap(desk: MemoryDesk) -> None:
    for _ in range(2):
        desk.issue()
    with pytest.raises(Invalid):
        desk.issue(0)
    desk.issue()
    numbers = sorted(invoice.number for invoice in desk.invoices())
    prefix = desk.account_id[4:16]
    assert numbers == [f"{prefix}-00001", f"{prefix}-00002", f"{prefix}-00003"]


@pytest.mark.parametrize("total", [0, -1, MINOR_MAX + 1])
def test_a_total_of_nothing_of_less_or_beyond_all_measure_is_refused(desk: MemoryDesk, total: int) -> None:
    before = desk.account()
    with pytest.raises(Invalid) as refused:
        desk.desk.invoices.issue(a_request(desk, lines=[a_line(total + 1), a_line(-1)]))
    assert (refused.value.code, refused.value.facts) == (
        "invoice_total",
        {"total_minor": total, "max_minor": MINOR_MAX, "currency": "EUR"},
    )
    assert desk.account() == before


@pytest.mark.parametrize("total", [1, MINOR_MAX])
def test_the_smallest_and_the_greatest_total_are_issued(desk: MemoryDesk, total: int) -> None:
    assert desk.issued(total, TODAY, TODAY).total_minor == total


def test_without_a_date_it_is_issued_today_where_the_customer_is(desk: MemoryDesk) -> None:
    desk.advance(hours=14, minutes=30)  # 23:30 UTC, 0:30 in Berlin
    invoice = desk.desk.invoices.issue(a_request(desk)).invoice
    assert invoice.issued_on == TODAY + timedelta(days=1)
    assert invoice.invoice_id.startswith("inv_20260303_")


def test_the_order_of_ids_is_the_order_of_issue_even_before_the_year_1000(desk: MemoryDesk) -> None:
    days = [date(999, 12, 31), date(2026, 3, 1), date(2026, 3, 2), date(9999, 12, 31)]
    ids = [desk.issued(100, day, day).invoice_id for day in reversed(days)]
    assert sorted(ids) == ids[::-1]
    assert all(len(invoice_id) == len("inv_20260302_") + 26 for invoice_id in ids)


def test_it_may_be_due_on_the_day_of_issue_and_not_before(desk: MemoryDesk) -> None:
    assert desk.desk.invoices.issue(a_request(desk, due_on=TODAY)).invoice.due_on == TODAY
    yesterday = TODAY - timedelta(days=1)
    with pytest.raises(Invalid) as refused:
        desk.desk.invoices.issue(a_request(desk, key="other", due_on=yesterday))
    assert refused.value.code == "invoice_dates"
    assert refused.value.facts == {"issued_on": "2026-03-02", "due_on": "2026-03-01"}
    earlier = desk.desk.invoices.issue(a_request(desk, key="third", due_on=yesterday, issued_on=yesterday))
    assert earlier.invoice.due_on == yesterday


def test_another_currency_than_the_accounts_is_refused(desk: MemoryDesk) -> None:
    with pytest.raises(Invalid) as refused:
        desk.desk.invoices.issue(a_request(desk, currency="USD"))
    assert (refused.value.code, refused.value.facts) == ("wrong_currency", {"currency": "EUR"})
    assert desk.desk.invoices.issue(a_request(desk, currency="EUR")).invoice.currency == "EUR"


def test_an_account_that_is_not_there_gets_no_invoice(desk: MemoryDesk) -> None:
    with pytest.raises(NotFound):
        desk.desk.invoices.issue(a_request(desk, account_id="acc_NOBODY"))


def test_the_log_says_who_issued_what(desk: MemoryDesk) -> None:
    invoice = desk.desk.invoices.issue(a_request(desk)).invoice
    entry = desk.log()[-1]
    assert (entry.action, entry.actor) == ("invoice.issued", "user-operations")
    assert entry.facts == {
        "invoice_id": invoice.invoice_id,
        "number": invoice.number,
        "total_minor": 10_000,
        "from_credit_minor": 0,
        "currency": "EUR",
        "due_on": "2026-03-16",
    }


@pytest.mark.parametrize(
    ("total", "from_credit", "status"), [(30, 30, "paid"), (50, 50, "paid"), (51, 50, "unpaid"), (999, 50, "unpaid")]
)
def test_credit_is_used_first_and_may_make_an_invoice_paid_at_once(
    desk: MemoryDesk, total: int, from_credit: int, status: str
) -> None:
    with_credit(desk, 50)
    invoice = desk.issued(total, TODAY, TODAY)
    assert (invoice.status, invoice.remaining_minor) == (status, total - from_credit)
    assert invoice.payments == {"credit": from_credit}
    assert desk.account().credit_minor == 50 - from_credit
    assert (invoice.invoice_id in desk.account().open_invoices) == (status == "unpaid")


@given(st.integers(0, 200), st.lists(st.integers(-50, 100), min_size=1, max_size=4))
def test_for_any_credit_and_any_lines_total_is_credit_used_plus_remaining(credit: int, amounts: list[int]) -> None:
    account = an_account(credit_minor=credit)
    if sum(amounts) <= 0:
        with pytest.raises(Invalid, match="invoice_total"):
            issue(account, a_draft(*amounts), PAYDESK, NOW, None)
        return
    invoice, change = issue(account, a_draft(*amounts), PAYDESK, NOW, None)
    used = credit - change.account.credit_minor
    assert 0 <= used <= credit
    assert invoice.total_minor == used + invoice.remaining_minor
    assert used == credit or invoice.remaining_minor == 0, "credit is left only when nothing remains"


def test_the_same_request_again_answers_the_invoice_it_issued(desk: MemoryDesk) -> None:
    first = desk.desk.invoices.issue(a_request(desk))
    again = desk.desk.invoices.issue(a_request(desk))
    assert (first.replayed, again.replayed) == (False, True)
    assert again.invoice == first.invoice
    assert len(desk.invoices()) == 1


def test_a_request_replayed_after_midnight_finds_the_invoice_of_the_day_before(desk: MemoryDesk) -> None:
    first = desk.desk.invoices.issue(a_request(desk)).invoice
    desk.advance(days=30)
    again = desk.desk.invoices.issue(a_request(desk))
    assert (again.replayed, again.invoice) == (True, first)


def test_a_replay_answers_the_invoice_as_it_stands_now(desk: MemoryDesk) -> None:
    desk.desk.invoices.issue(a_request(desk))
    desk.add_card()
    desk.pay()
    assert desk.desk.invoices.issue(a_request(desk)).invoice.status == "paid"


def test_a_key_used_for_another_invoice_is_refused(desk: MemoryDesk) -> None:
    desk.desk.invoices.issue(a_request(desk))
    with pytest.raises(Invalid, match="key_reused"):
        desk.desk.invoices.issue(a_request(desk, request_fingerprint="another body"))


def test_the_same_request_twice_at_once_issues_one_invoice(desk: MemoryDesk) -> None:
    desk.ledger.before_commit.plan(lambda: desk.desk.invoices.issue(a_request(desk)))
    assert desk.desk.invoices.issue(a_request(desk)).replayed
    assert len(desk.invoices()) == len(desk.account().open_invoices) == 1


def test_two_invoices_at_once_do_not_share_the_credit(desk: MemoryDesk) -> None:
    with_credit(desk, 50)
    desk.ledger.before_commit.plan(lambda: desk.issued(40, TODAY, TODAY))
    invoice = desk.issued(30, TODAY, TODAY)
    assert invoice.payments == {"credit": 10}
    assert desk.account().credit_minor == 0


def test_the_last_open_invoice_the_limit_allows_is_issued_and_the_next_refused() -> None:
    desk = a_desk(PAYDESK_LIMIT_OPEN_INVOICES="3")
    for _ in range(3):
        desk.issue(100)
    with pytest.raises(Invalid) as refused:
        desk.issue(100)
    assert (refused.value.code, refused.value.facts) == ("limit_reached", {"what": "open_invoices", "limit": 3})
    desk.add_card()
    desk.pay(amount_minor=100)
    desk.issue(100)
    desk.must_balance()


def test_five_hundred_open_invoices_are_allowed_and_one_more_is_not(desk: MemoryDesk) -> None:
    for _ in range(500):
        desk.issue(100)
    with pytest.raises(Invalid, match="limit_reached"):
        desk.issue(100)


def test_a_sweep_is_never_refused_for_a_limit() -> None:
    owes: dict[str, int] = {f"inv_{n}": 1 for n in range(700)}
    _, change = issue(an_account(owes), a_draft(100), PAYDESK, NOW, None)
    assert len(change.account.open_invoices) == 701
