"""When periods begin, and which invoices are issued for them."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.invoices.rules import InvoiceDraft
from chalicelib.subscriptions.models import Interval, Subscription
from chalicelib.subscriptions.rules import next_renewal_on, period_after, renewals_due
from tests.support.builders import TODAY, a_subscription


def starting(day: date, interval: Interval = "monthly", subscription_id: str = "sub_1") -> Subscription:
    return a_subscription(subscription_id, interval=interval, anchor_day=day.day, next_renewal_on=day)


def issued(subscriptions: list[Subscription], today: date, most: int = 1_000) -> list[InvoiceDraft]:
    return [renewal.invoice for renewal in renewals_due(subscriptions, today, most) if renewal.invoice]


def begins(day: str, interval: Interval, periods: int) -> list[str]:
    """The first day of so many periods, the first of all included."""
    first = date.fromisoformat(day)
    subscription = starting(first, interval)
    days = [first]
    while len(days) < periods:
        days.append(period_after(days[-1], interval, subscription.anchor_day))
    assert [draft.issued_on for draft in issued([subscription], days[-1])] == days
    return [day.isoformat() for day in days]


@pytest.mark.parametrize(
    ("first", "interval", "then"),
    [
        ("2026-01-31", "monthly", ["2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"]),
        ("2028-01-31", "monthly", ["2028-02-29", "2028-03-31"]),
        ("2026-01-30", "monthly", ["2026-02-28", "2026-03-30"]),
        ("2026-01-29", "monthly", ["2026-02-28", "2026-03-29"]),
        ("2026-01-28", "monthly", ["2026-02-28", "2026-03-28"]),
        ("2026-11-15", "monthly", ["2026-12-15", "2027-01-15"]),
        ("2028-02-29", "annual", ["2029-02-28", "2030-02-28", "2031-02-28", "2032-02-29"]),
        ("2026-02-28", "annual", ["2027-02-28", "2028-02-28"]),
        ("2026-12-31", "annual", ["2027-12-31"]),
    ],
)
def test_short_months_take_their_last_day_and_longer_ones_return_to_the_day_agreed(
    first: str, interval: Interval, then: list[str]
) -> None:
    assert begins(first, interval, len(then) + 1) == [first, *then]


@given(first=st.dates(date(2020, 1, 1), date(2090, 12, 31)), interval=st.sampled_from(["monthly", "annual"]))
def test_periods_follow_each_other_a_month_or_a_year_apart(first: date, interval: Interval) -> None:
    days = [date.fromisoformat(day) for day in begins(first.isoformat(), interval, 30)]
    for earlier, later in pairwise(days):
        months = (later.year - earlier.year) * 12 + later.month - earlier.month
        assert months == (1 if interval == "monthly" else 12)
        assert later.day == first.day or (later + timedelta(days=1)).day == 1


def test_nothing_is_issued_before_its_period_begins() -> None:
    tomorrow = TODAY + timedelta(days=1)
    assert renewals_due([starting(tomorrow)], TODAY, 30) == []
    assert len(renewals_due([starting(TODAY)], TODAY, 30)) == 1


def test_an_invoice_says_its_period_and_is_due_after_the_terms() -> None:
    (draft,) = issued([starting(date(2026, 1, 31))], date(2026, 2, 1))
    assert (draft.issued_on, draft.due_on) == (date(2026, 1, 31), date(2026, 2, 14))
    (line,) = draft.lines
    assert (line.description, line.amount_minor) == ("Team, 2026-01-31 - 2026-02-27", 4_900)


def test_every_missed_period_is_issued_once_the_oldest_of_all_subscriptions_first() -> None:
    subscriptions = [starting(date(2026, 1, 20), subscription_id="sub_B"), starting(date(2026, 1, 5))]
    renewals = renewals_due(subscriptions, TODAY, 30)
    days = [renewal.invoice.issued_on.isoformat() for renewal in renewals if renewal.invoice]
    assert days == ["2026-01-05", "2026-01-20", "2026-02-05", "2026-02-20"]
    after = {renewal.subscription.subscription_id: renewal.subscription for renewal in renewals}
    assert renewals_due(list(after.values()), TODAY, 30) == []
    assert next_renewal_on(list(after.values())) == date(2026, 3, 5)


@given(most=st.integers(1, 7))
def test_however_few_fit_into_one_commit_the_same_invoices_are_issued(most: int) -> None:
    standing = {
        s.subscription_id: s for s in (starting(date(2025, 1, 31)), starting(date(2025, 6, 1), "annual", "sub_2"))
    }
    at_once = issued(list(standing.values()), TODAY)
    bit_by_bit: list[InvoiceDraft] = []
    while renewals := renewals_due(list(standing.values()), TODAY, most):
        assert len(renewals) <= most
        bit_by_bit += [renewal.invoice for renewal in renewals if renewal.invoice]
        standing |= {renewal.subscription.subscription_id: renewal.subscription for renewal in renewals}
    assert bit_by_bit == at_once


def test_an_invoices_id_names_account_subscription_and_period_and_nothing_else() -> None:
    subscription = starting(date(2026, 1, 31))
    dearer = subscription.model_copy(update={"amount_minor": 1, "plan": "Other", "next_interval": "annual"})
    (one,), (same,) = issued([subscription], date(2026, 2, 1)), issued([dearer], date(2026, 2, 1))
    assert one.invoice_id == same.invoice_id
    assert one.invoice_id.startswith("inv_20260131_")
    others = [
        subscription.model_copy(update={"account_id": "acc_GLOBEX"}),
        subscription.model_copy(update={"subscription_id": "sub_2"}),
        subscription.model_copy(update={"next_renewal_on": date(2026, 1, 30)}),
    ]
    ids = {draft.invoice_id for other in others for draft in issued([other], date(2026, 2, 1))}
    assert len(ids | {one.invoice_id}) == 4


def test_a_change_of_interval_counts_from_the_next_renewal() -> None:
    subscription = starting(date(2026, 3, 31)).model_copy(update={"next_interval": "annual"})
    (renewal,) = renewals_due([subscription], date(2026, 4, 1), 30)
    assert (renewal.subscription.interval, renewal.subscription.next_renewal_on) == ("annual", date(2027, 3, 31))
    assert renewal.invoice
    assert renewal.invoice.lines[0].description == "Team, 2026-03-31 - 2027-03-30"


def test_what_is_canceled_ends_with_its_period_and_issues_nothing() -> None:
    subscription = starting(TODAY).model_copy(update={"cancel_at_period_end": True})
    assert renewals_due([subscription], TODAY - timedelta(days=1), 30) == []
    (renewal,) = renewals_due([subscription], TODAY, 30)
    assert (renewal.invoice, renewal.subscription.status) == (None, "canceled")
    assert renewals_due([renewal.subscription], TODAY, 30) == []
    assert next_renewal_on([renewal.subscription]) is None


def test_the_next_renewal_is_the_earliest_of_those_that_still_run() -> None:
    ended = starting(date(2026, 1, 1)).model_copy(update={"status": "canceled"})
    assert next_renewal_on([ended, starting(date(2026, 5, 1)), starting(date(2026, 4, 1))]) == date(2026, 4, 1)
    assert next_renewal_on([]) is None
