"""What an account owes: open, covered, payable, overdue, escalating."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.accounts.models import Account
from chalicelib.accounts.rules import balance, covered_by_invoice, oldest_due_first, today_of
from chalicelib.core.clock import day_after, local_midnight
from chalicelib.payments.models import PaymentStatus
from chalicelib.payments.moves import PENDING
from tests.support.builders import TODAY, a_payment, an_account, owed


def test_an_account_without_invoices_owes_nothing() -> None:
    owes = balance(an_account(), TODAY)
    assert (owes.open_minor, owes.covered_minor, owes.payable_minor) == (0, 0, 0)
    assert (owes.overdue_minor, owes.escalating_minor, owes.currency) == (0, 0, "EUR")


def test_open_is_the_sum_of_all_unpaid_invoices_due_or_not() -> None:
    owes = balance(an_account({"inv_1": owed(100, due_in_days=-30), "inv_2": owed(20, due_in_days=30)}), TODAY)
    assert (owes.open_minor, owes.payable_minor) == (120, 120)


@pytest.mark.parametrize("status", sorted(PENDING))
def test_a_pending_payment_covers_what_it_is_for_whatever_it_waits_for(status: PaymentStatus) -> None:
    account = an_account({"inv_1": 100, "inv_2": 50}, pending=[a_payment(covers={"inv_1": 30}, status=status)])
    owes = balance(account, TODAY)
    assert (owes.open_minor, owes.covered_minor, owes.payable_minor) == (150, 30, 120)


def test_two_pending_payments_cover_together() -> None:
    pending = [a_payment("pay_1", {"inv_1": 30}), a_payment("pay_2", {"inv_1": 50, "inv_2": 5})]
    account = an_account({"inv_1": 100, "inv_2": 10}, pending=pending)
    assert covered_by_invoice(account) == {"inv_1": 80, "inv_2": 5}


def test_what_covers_an_invoice_that_is_no_longer_open_covers_nothing() -> None:
    account = an_account({"inv_2": 10}, pending=[a_payment(covers={"inv_voided": 100, "inv_2": 4})])
    assert covered_by_invoice(account) == {"inv_2": 4}


def test_more_than_an_invoice_still_owes_is_not_covered() -> None:
    account = an_account({"inv_1": 60}, pending=[a_payment(covers={"inv_1": 100})])
    owes = balance(account, TODAY)
    assert (owes.covered_minor, owes.payable_minor) == (60, 0)


@pytest.mark.parametrize(("due_in_days", "overdue_minor"), [(-1, 100), (0, 0), (1, 0)])
def test_due_today_is_not_overdue(due_in_days: int, overdue_minor: int) -> None:
    owes = balance(an_account({"inv_1": owed(100, due_in_days=due_in_days)}), TODAY)
    assert owes.overdue_minor == overdue_minor


def test_overdue_counts_what_is_covered_because_only_money_that_arrived_brings_services_back() -> None:
    account = an_account({"inv_1": owed(100, due_in_days=-1)}, pending=[a_payment(covers={"inv_1": 100})])
    assert balance(account, TODAY).overdue_minor == 100


def test_escalating_leaves_out_what_is_covered_because_a_debit_in_the_bank_stops_dunning() -> None:
    invoices = {"inv_1": owed(100, due_in_days=-1), "inv_2": owed(40, due_in_days=-9), "inv_3": owed(7)}
    account = an_account(invoices, pending=[a_payment(covers={"inv_1": 100, "inv_2": 10, "inv_3": 7})])
    assert balance(account, TODAY).escalating_minor == 30


def test_invoices_stand_oldest_due_first_and_in_order_of_issue_on_one_day() -> None:
    invoices = {
        "inv_20260301_B": owed(1, due_in_days=3),
        "inv_20260302_A": owed(1, due_in_days=2),
        "inv_20260301_A": owed(1, due_in_days=3),
    }
    ordered = [invoice_id for invoice_id, _ in oldest_due_first(an_account(invoices))]
    assert ordered == ["inv_20260302_A", "inv_20260301_A", "inv_20260301_B"]


MOMENTS_BEFORE_MIDNIGHT = [
    # time zone, due on, the last moment in UTC at which the invoice is not overdue
    ("Europe/Berlin", date(2026, 3, 2), datetime(2026, 3, 2, 22, 59, 59, 999000, UTC)),
    ("Europe/Berlin", date(2026, 3, 29), datetime(2026, 3, 29, 21, 59, 59, 999000, UTC)),  # the clocks go forward
    ("Europe/Berlin", date(2026, 10, 25), datetime(2026, 10, 25, 22, 59, 59, 999000, UTC)),  # and back
    ("America/New_York", date(2026, 3, 2), datetime(2026, 3, 3, 4, 59, 59, 999000, UTC)),
    ("America/New_York", date(2026, 7, 1), datetime(2026, 7, 2, 3, 59, 59, 999000, UTC)),
    ("Pacific/Kiritimati", date(2026, 3, 2), datetime(2026, 3, 2, 9, 59, 59, 999000, UTC)),
    ("Pacific/Niue", date(2026, 3, 2), datetime(2026, 3, 3, 10, 59, 59, 999000, UTC)),
    ("Asia/Kathmandu", date(2026, 3, 2), datetime(2026, 3, 2, 18, 14, 59, 999000, UTC)),
    ("America/Santiago", date(2026, 9, 5), datetime(2026, 9, 6, 3, 59, 59, 999000, UTC)),  # midnight itself is skipped
    ("Asia/Beirut", date(2026, 3, 28), datetime(2026, 3, 28, 21, 59, 59, 999000, UTC)),  # here as well
]


@pytest.mark.parametrize(("time_zone", "due_on", "last_moment"), MOMENTS_BEFORE_MIDNIGHT)
def test_an_invoice_becomes_overdue_at_the_customers_next_midnight(
    time_zone: str, due_on: date, last_moment: datetime
) -> None:
    invoice = owed(100).model_copy(update={"due_on": due_on})
    account = an_account({"inv_1": invoice}, time_zone=time_zone)
    assert balance(account, today_of(account, last_moment)).overdue_minor == 0
    midnight = last_moment + timedelta(milliseconds=1)
    assert balance(account, today_of(account, midnight)).overdue_minor == 100
    assert local_midnight(day_after(due_on), time_zone) == midnight


amounts = st.integers(1, 10_000)


@st.composite
def accounts(draw: st.DrawFn) -> Account:
    """Any account: invoices due whenever, pending payments that cover any of them, or others, by any amount."""
    ids = draw(st.lists(st.sampled_from([f"inv_{n}" for n in range(8)]), unique=True))
    invoices = {i: owed(draw(amounts), due_in_days=draw(st.integers(-40, 40))) for i in ids}
    covers = st.dictionaries(st.sampled_from([f"inv_{n}" for n in range(10)]), amounts, max_size=5)
    pending = [
        a_payment(f"pay_{n}", draw(covers), status=draw(st.sampled_from(sorted(PENDING))))
        for n in range(draw(st.integers(0, 4)))
    ]
    return an_account(invoices, pending=pending)


@given(accounts())
def test_for_any_account_payable_is_open_less_covered_and_no_part_of_it_negative(account: Account) -> None:
    owes = balance(account, TODAY)
    assert owes.payable_minor == owes.open_minor - owes.covered_minor
    assert 0 <= owes.payable_minor <= owes.open_minor
    assert 0 <= owes.escalating_minor <= owes.overdue_minor <= owes.open_minor
    assert owes.escalating_minor <= owes.payable_minor


@given(accounts(), st.integers(0, 60))
def test_for_any_account_overdue_only_grows_with_the_days(account: Account, days: int) -> None:
    later = balance(account, TODAY + timedelta(days=days))
    assert later.overdue_minor >= balance(account, TODAY).overdue_minor
    assert balance(account, date.max).overdue_minor == later.open_minor


@given(accounts())
def test_for_any_account_without_pending_payments_everything_open_is_payable(account: Account) -> None:
    free = account.model_copy(update={"pending": {}})
    assert balance(free, TODAY).payable_minor == balance(account, TODAY).open_minor
