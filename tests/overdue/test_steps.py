"""What happens next to an account that does not pay: notices, then suspension after grace, one step at a time."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.accounts.models import Account, Autopay, Overdue
from chalicelib.accounts.rules import today_of
from chalicelib.overdue.rules import OverduePolicy, Step, due_at, next_step, take
from tests.support.builders import (
    NOW,
    OVERDUE,
    TODAY,
    a_method,
    a_payment,
    an_account,
    given_up,
    owed,
    suspended_account,
    tried,
)

DAY = timedelta(days=1)


def after(days: int) -> date:
    return TODAY + days * DAY


def chased(
    account: Account, begin: int, end: int, policy: OverduePolicy = OVERDUE
) -> tuple[list[tuple[int, str]], Account]:
    """What a run on each day from `begin` to `end` does, by days from today; and the account afterwards."""
    done: list[tuple[int, str]] = []
    for day in range(begin, end + 1):
        now = NOW + day * DAY
        at = due_at(account, policy)
        step = next_step(account, policy)
        if at is None or step is None or at > now:
            continue
        account = take(account, step, now)
        done.append((day, step.action))
    return done, account


STAGES = [(1, "notice"), (7, "notice"), (15, "suspend")]


def test_a_notice_on_each_of_its_days_and_suspension_on_the_day_after_grace() -> None:
    done, account = chased(an_account({"inv_1": owed(due_in_days=0)}), 0, 60)
    assert done == STAGES
    assert account.services.status == "suspended"


def test_due_today_is_not_overdue_and_the_customers_next_midnight_is() -> None:
    account = an_account({"inv_1": owed(due_in_days=0)})
    assert next_step(account, OVERDUE) == Step("notice", after(1))
    assert due_at(account, OVERDUE) == datetime(2026, 3, 2, 23, tzinfo=UTC), "midnight in Berlin"


@pytest.mark.parametrize(
    ("zone", "due_on", "midnight"),
    [
        ("Europe/Berlin", date(2026, 3, 28), "2026-03-28T23:00"),  # the night summer time begins
        ("Europe/Berlin", date(2026, 3, 29), "2026-03-29T22:00"),
        ("Europe/Berlin", date(2026, 10, 24), "2026-10-24T22:00"),
        ("Europe/Berlin", date(2026, 10, 25), "2026-10-25T23:00"),
        ("America/Havana", date(2026, 3, 7), "2026-03-08T05:00"),  # no midnight that night: one o'clock
        ("Pacific/Kiritimati", date(2026, 3, 2), "2026-03-02T10:00"),
    ],
)
def test_midnight_is_the_customers_also_when_clocks_change(zone: str, due_on: date, midnight: str) -> None:
    account = an_account({"inv_1": owed(due_in_days=(due_on - TODAY).days)}, time_zone=zone)
    at = due_at(account, OVERDUE)
    assert at == datetime.fromisoformat(midnight).replace(tzinfo=UTC)
    assert today_of(account, at) == due_on + DAY


@pytest.mark.parametrize("back_on", [2, 8, 16, 40])
def test_after_an_outage_one_step_a_day_and_none_left_out(back_on: int) -> None:
    before, account = chased(an_account({"inv_1": owed(due_in_days=0)}), 0, 0)
    done, _ = chased(account, back_on, 80)
    assert before == []
    assert [action for _, action in done] == ["notice", "notice", "suspend"]
    days = [day for day, _ in done]
    assert days == [back_on, max(7, back_on + 1), max(15, back_on + 2)]


def test_nobody_is_suspended_on_the_day_of_the_last_notice_however_late_that_is() -> None:
    """The sweep may run again on that day."""
    _, account = chased(an_account({"inv_1": owed(due_in_days=0)}), 40, 41)
    assert account.overdue.noticed_on == (after(40), after(41))
    assert chased(account, 41, 41)[0] == []
    assert chased(account, 42, 42)[0] == [(42, "suspend")]


@pytest.mark.parametrize(
    "account",
    [
        an_account(),
        an_account({"inv_1": owed(due_in_days=-30)}, overdue=Overdue(exempt=True)),
        suspended_account({"inv_1": owed(due_in_days=-30)}),
        an_account({"inv_1": owed(due_in_days=-30)}, pending=[a_payment(status="processing")]),
    ],
)
def test_nothing_happens_to_who_owes_nothing_is_exempt_suspended_or_has_a_payment_under_way(account: Account) -> None:
    assert (next_step(account, OVERDUE), due_at(account, OVERDUE)) == (None, None)


def test_a_bank_debit_that_covers_a_part_stops_nothing() -> None:
    pending = [a_payment(covers={"inv_1": 9_999}, status="processing")]
    assert chased(an_account({"inv_1": owed(due_in_days=0)}, pending=pending), 0, 60)[0] == STAGES


def test_a_bank_debit_that_comes_back_goes_on_where_it_stopped() -> None:
    begun, account = chased(an_account({"inv_1": owed(due_in_days=0)}), 0, 1)
    held = account.model_copy(update={"pending": {"pay_1": a_payment(status="processing")}})
    nothing, held = chased(held, 2, 20)
    rest, _ = chased(held.model_copy(update={"pending": {}}), 21, 60)
    assert (begun, nothing, rest) == ([(1, "notice")], [], [(21, "notice"), (22, "suspend")])


def test_a_partial_payment_of_one_invoice_skips_nothing() -> None:
    account = an_account({"inv_1": owed(100, due_in_days=0)})
    _, account = chased(account, 0, 7)
    rest, _ = chased(account.model_copy(update={"open_invoices": {"inv_1": owed(1, due_in_days=0)}}), 8, 60)
    assert rest == STAGES[2:]


@pytest.mark.parametrize("paid_on", range(1, 15))
def test_paying_the_oldest_invoice_skips_no_notice_about_the_next(paid_on: int) -> None:
    """Both were overdue when the second notice went out: about the younger one that was the first."""
    account = an_account({"inv_1": owed(due_in_days=0), "inv_2": owed(due_in_days=5)})
    before, account = chased(account, 0, paid_on)
    rest, _ = chased(account.model_copy(update={"open_invoices": {"inv_2": owed(due_in_days=5)}}), paid_on + 1, 60)
    about_the_younger = [(day, action) for day, action in before + rest if day > 5]
    assert [action for _, action in about_the_younger] == ["notice", "notice", "suspend"]
    assert about_the_younger[-1] == (20, "suspend")


def test_what_is_overdue_anew_after_all_was_paid_begins_with_the_first_notice() -> None:
    _, account = chased(an_account({"inv_1": owed(due_in_days=0)}), 0, 10)
    account = account.model_copy(update={"open_invoices": {"inv_2": owed(due_in_days=30)}})
    assert chased(account, 11, 60)[0] == [(31, "notice"), (37, "notice"), (45, "suspend")]


def test_a_reopened_invoice_counts_from_its_new_grace() -> None:
    reopened = owed(due_in_days=-60).model_copy(update={"grace_from": TODAY})
    assert chased(an_account({"inv_1": reopened}), 0, 60)[0] == STAGES


PLANNED = Autopay(enabled=True, next_attempt_at=NOW + 20 * DAY, failed_method=a_method())


@pytest.mark.parametrize(
    ("autopay", "suspended_on"),
    [
        (PLANNED, 21),
        (PLANNED.model_copy(update={"next_attempt_at": NOW + 3 * DAY}), 15),
        (PLANNED.model_copy(update={"next_attempt_at": NOW + 21 * DAY}), 22),
        (PLANNED.model_copy(update={"next_attempt_at": NOW + 22 * DAY}), 22),
        (PLANNED.model_copy(update={"enabled": False}), 15),
        (PLANNED.model_copy(update={"failed_method": a_method("pm_OLD")}), 15),
        (PLANNED.model_copy(update={"next_attempt_at": None, "stopped_reason": "fix_method"}), 15),
        (PLANNED.model_copy(update={"postponed": 3}), 21),
        (PLANNED.model_copy(update={"postponed": 4}), 15),
    ],
)
def test_suspension_waits_for_a_retry_that_is_planned_and_for_none_that_is_never_made(
    autopay: Autopay, suspended_on: int
) -> None:
    account = an_account({"inv_1": tried(owed(due_in_days=0))}, default_method=a_method(), autopay=autopay)
    policy = replace(OVERDUE, postponed_max=3)
    assert chased(account, 0, 60, policy)[0] == [*STAGES[:2], (suspended_on, "suspend")]


def test_the_retries_of_a_younger_invoice_put_off_no_suspension_for_what_was_given_up() -> None:
    owes = {"inv_1": given_up(owed(due_in_days=0)), "inv_2": tried(owed(due_in_days=10))}
    account = an_account(owes, default_method=a_method(), autopay=PLANNED)
    assert chased(account, 0, 60)[0] == STAGES


def test_a_stage_may_do_without_notices() -> None:
    assert chased(an_account({"inv_1": owed(due_in_days=0)}), 0, 60, OverduePolicy((), 3, 7))[0] == [(4, "suspend")]


policies = st.builds(
    lambda days, more: OverduePolicy(tuple(sorted(days)), max(days, default=0) + more, 7),
    st.sets(st.integers(1, 20), max_size=4),
    st.integers(1, 20),
)


@given(
    policy=policies, due=st.lists(st.integers(-20, 20), min_size=1, max_size=4), missed=st.sets(st.integers(-20, 90))
)
def test_whatever_runs_are_missed_all_notices_go_out_in_order_and_never_two_steps_on_a_day(
    policy: OverduePolicy, due: list[int], missed: set[int]
) -> None:
    account = an_account({f"inv_{n}": owed(due_in_days=days) for n, days in enumerate(due)})
    done = []
    for day in range(-20, 140):
        if day not in missed:
            now_done, account = chased(account, day, day, policy)
            done += now_done
    assert [action for _, action in done] == ["notice"] * len(policy.notice_days) + ["suspend"]
    days = [day for day, _ in done]
    assert len(set(days)) == len(days)
    assert days[-1] > min(due) + policy.grace_days
