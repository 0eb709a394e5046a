"""When an account is to be charged by itself, and what such an attempt pays."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.accounts.models import Account, Autopay
from chalicelib.accounts.rules import covered_by_invoice, today_of
from chalicelib.autopay.rules import due_at, invoices_due
from chalicelib.core.clock import local_date
from tests.support.builders import AUTOPAY, NOW, TODAY, a_method, a_payment, given_up, owed, paying_by_itself, tried

SIX = datetime(2026, 3, 2, 5, tzinfo=UTC)
"""Six in the morning in Berlin, today."""

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
DUE = {"inv_1": owed(due_in_days=0)}


@pytest.mark.parametrize(
    ("account", "at"),
    [
        (paying_by_itself(DUE), SIX),
        (paying_by_itself({"inv_1": owed(due_in_days=-30)}), SIX - 30 * DAY),
        (paying_by_itself({"inv_1": owed(due_in_days=5)}), SIX + 5 * DAY),
        (paying_by_itself({"inv_1": owed(due_in_days=5), "inv_2": owed(due_in_days=2)}), SIX + 2 * DAY),
        (paying_by_itself(), None),
        (paying_by_itself(DUE, autopay={"enabled": False}), None),
        (paying_by_itself(DUE).model_copy(update={"default_method": None}), None),
        (paying_by_itself(DUE, method=a_method(kind="check")), None),
        (paying_by_itself(DUE, autopay={"refused_fingerprints": ("sandbox_visa_4242",)}), None),
        (paying_by_itself(DUE, autopay={"refused_fingerprints": ("another",)}), SIX),
        (paying_by_itself(DUE, method=a_method(usable_from=NOW + 3 * DAY)), NOW + 3 * DAY),
        (paying_by_itself(DUE, method=a_method(usable_from=NOW - 3 * DAY)), SIX),
        (paying_by_itself(DUE, pending=[a_payment()]), None),
        (paying_by_itself(DUE, pending=[a_payment(covers={"inv_1": 9_999})]), SIX),
        (paying_by_itself(DUE | {"inv_2": owed(due_in_days=2)}, pending=[a_payment()]), SIX + 2 * DAY),
        (paying_by_itself(DUE, pending=[a_payment(f"pay_{n}", covers={"inv_0": 1}) for n in range(19)]), SIX),
        (paying_by_itself(DUE, pending=[a_payment(f"pay_{n}", covers={"inv_0": 1}) for n in range(20)]), None),
    ],
)
def test_it_is_due_at_the_hour_of_the_first_due_date_that_is_not_covered(account: Account, at: datetime | None) -> None:
    assert due_at(account, AUTOPAY) == at


@pytest.mark.parametrize(
    ("cooldowns", "at"),
    [
        ({"account": NOW + HOUR}, NOW + HOUR),
        ({"account": SIX - HOUR}, SIX),
        ({"sandbox_visa_4242": NOW + HOUR}, NOW + HOUR),
        ({"another_card": NOW + HOUR}, SIX),
    ],
)
def test_it_waits_for_a_cooldown_of_the_account_or_of_its_own_method(
    cooldowns: dict[str, datetime], at: datetime
) -> None:
    assert due_at(paying_by_itself(DUE, cooldowns=cooldowns), AUTOPAY) == at


@pytest.mark.parametrize("status", ["in_flight", "requires_action"])
def test_while_the_outcome_of_an_attempt_is_unknown_there_is_no_next(status: str) -> None:
    """Its sequence is the account's: a second attempt beside it would meet the first one's id."""
    owes = DUE | {"inv_2": owed(due_in_days=0)}
    account = paying_by_itself(owes, pending=[a_payment(trigger="autopay", status=status)])
    assert due_at(account, AUTOPAY) is None
    assert invoices_due(account, NOW, AUTOPAY) == ()


@pytest.mark.parametrize("status", ["processing", "parked"])
def test_what_a_bank_works_on_or_a_person_looks_into_holds_up_what_it_covers_alone(status: str) -> None:
    owes = DUE | {"inv_2": owed(due_in_days=0)}
    account = paying_by_itself(owes, pending=[a_payment(trigger="autopay", status=status)])
    assert invoices_due(account, NOW, AUTOPAY) == ("inv_2",)
    beside_a_manual_one = paying_by_itself(owes, pending=[a_payment(status="processing")])
    assert invoices_due(beside_a_manual_one, NOW, AUTOPAY) == ("inv_2",)


@pytest.mark.parametrize(
    ("autopay", "at"),
    [
        ({"next_attempt_at": SIX + 3 * DAY}, SIX + 3 * DAY),
        ({"next_attempt_at": SIX - 30 * DAY}, SIX),  # what was retried is gone: not before what is open falls due
        ({"stopped_reason": "fix_method"}, None),
        ({"stopped_reason": "needs_customer"}, None),
        ({"stopped_reason": "never_again"}, None),
        ({"stopped_reason": "retries_exhausted"}, SIX),  # with something else than what is due now
    ],
)
def test_a_plan_and_a_stop_hold_for_the_method_that_was_declined(autopay: dict[str, Any], at: datetime | None) -> None:
    account = paying_by_itself(DUE, autopay=autopay | {"failed_method": a_method()})
    assert due_at(account, AUTOPAY) == at


@pytest.mark.parametrize(
    "autopay",
    [
        {"next_attempt_at": SIX + 3 * DAY},
        *({"stopped_reason": reason} for reason in ("fix_method", "needs_customer", "retries_exhausted")),
    ],
)
@pytest.mark.parametrize("changed", [{"payment_method_id": "pm_NEW"}, {"last_usable_on": date(2041, 12, 31)}])
def test_another_default_or_new_facts_about_it_earn_an_attempt_at_once(
    autopay: dict[str, Any], changed: dict[str, Any]
) -> None:
    account = paying_by_itself(DUE, method=a_method(**changed), autopay=autopay | {"failed_method": a_method()})
    assert due_at(account, AUTOPAY) == SIX
    assert invoices_due(account, NOW, AUTOPAY) == ("inv_1",)


def test_never_again_holds_for_the_same_card_added_anew() -> None:
    stopped = {"stopped_reason": "never_again", "refused_fingerprints": ("sandbox_visa_4242",)}
    account = paying_by_itself(DUE, method=a_method("pm_SAME_CARD"), autopay=stopped | {"failed_method": a_method()})
    assert due_at(account, AUTOPAY) is None


def test_what_falls_due_after_the_retries_ended_is_charged_without_what_was_given_up() -> None:
    stopped = {"stopped_reason": "retries_exhausted", "failed_method": a_method()}
    old = given_up(owed(due_in_days=-7))
    assert due_at(paying_by_itself({"inv_OLD": old}, autopay=stopped), AUTOPAY) is None
    account = paying_by_itself({"inv_OLD": old, "inv_NEW": owed(due_in_days=3)}, autopay=stopped)
    assert due_at(account, AUTOPAY) == SIX + 3 * DAY
    assert invoices_due(account, NOW, AUTOPAY) == ()
    assert invoices_due(account, SIX + 3 * DAY, AUTOPAY) == ("inv_NEW",)


def test_a_retry_takes_along_what_falls_due_and_nothing_that_was_given_up_but_with_another_card() -> None:
    owes = {"inv_OLD": given_up(owed(due_in_days=-30)), "inv_NEW": tried(owed(due_in_days=-2))}
    plan = {"next_attempt_at": SIX, "failed_method": a_method()}
    assert invoices_due(paying_by_itself(owes, autopay=plan), NOW, AUTOPAY) == ("inv_NEW",)
    fresh = owes | {"inv_TODAY": owed(due_in_days=0)}
    assert invoices_due(paying_by_itself(fresh, autopay=plan), NOW, AUTOPAY) == ("inv_NEW", "inv_TODAY")
    another = a_method("pm_NEW", fingerprint="new")
    account = paying_by_itself(owes, autopay=plan, method=another)
    assert invoices_due(account, NOW, AUTOPAY) == ("inv_OLD", "inv_NEW"), "a new default may pay all of it"


def test_an_attempt_pays_all_that_is_due_and_nothing_else_oldest_first() -> None:
    owes = {f"inv_{n}": owed(due_in_days=n) for n in (2, 0, -3, 1, -1)}
    account = paying_by_itself(owes)
    assert invoices_due(account, NOW, AUTOPAY) == ("inv_-3", "inv_-1", "inv_0")


def test_before_the_hour_what_falls_due_today_waits_and_at_the_hour_it_does_not() -> None:
    account = paying_by_itself(DUE)
    assert invoices_due(account, SIX - timedelta(milliseconds=1), AUTOPAY) == ()
    assert invoices_due(account, SIX, AUTOPAY) == ("inv_1",)


@pytest.mark.parametrize(
    ("hour", "zone", "day", "at"),
    [
        (6, "Europe/Berlin", date(2026, 3, 28), "2026-03-28T05:00"),
        (6, "Europe/Berlin", date(2026, 3, 29), "2026-03-29T04:00"),
        (2, "Europe/Berlin", date(2026, 3, 29), "2026-03-29T01:00"),  # skipped: three o'clock
        (2, "Europe/Berlin", date(2026, 10, 25), "2026-10-25T00:00"),  # twice: the first time
        (6, "Europe/Berlin", date(2026, 10, 25), "2026-10-25T05:00"),
        (6, "America/New_York", date(2026, 3, 8), "2026-03-08T10:00"),
        (1, "America/New_York", date(2026, 11, 1), "2026-11-01T05:00"),
        (6, "Pacific/Kiritimati", date(2026, 3, 2), "2026-03-01T16:00"),
        (6, "Asia/Kathmandu", date(2026, 3, 2), "2026-03-02T00:15"),
    ],
)
def test_the_hour_is_the_customers_also_when_clocks_change(hour: int, zone: str, day: date, at: str) -> None:
    policy = replace(AUTOPAY, hour=hour)
    account = paying_by_itself({"inv_1": owed(due_in_days=(day - TODAY).days)}, time_zone=zone)
    expected = datetime.fromisoformat(at).replace(tzinfo=UTC)
    assert due_at(account, policy) == expected
    assert local_date(expected, zone) == day
    assert expected.astimezone(ZoneInfo(zone)).hour >= hour


moments = st.integers(-20 * 24, 20 * 24).map(lambda hours: NOW + timedelta(hours=hours))
accounts = st.builds(
    lambda owes, pending, autopay, zone, usable_from, cooldown: paying_by_itself(
        {f"inv_{n}": met(owed(100, due_in_days=days)) for n, (days, met) in enumerate(owes)},
        method=a_method(usable_from=usable_from),
        autopay=autopay,
        time_zone=zone,
        cooldowns={"account": cooldown} if cooldown else {},
        pending=[a_payment(covers={f"inv_{n}": amount for n, amount in pending.items()})],
    ),
    owes=st.lists(
        st.tuples(st.integers(-15, 15), st.sampled_from([given_up, tried, lambda invoice: invoice])), max_size=5
    ),
    pending=st.dictionaries(st.integers(0, 4), st.integers(1, 150), max_size=3),
    autopay=st.fixed_dictionaries(
        {},
        optional={
            "failed_method": st.sampled_from([None, a_method()]),
            "next_attempt_at": moments,
            "stopped_reason": st.sampled_from([None, "fix_method", "retries_exhausted"]),
        },
    ),
    zone=st.sampled_from(["Europe/Berlin", "America/Sao_Paulo", "Pacific/Apia", "Asia/Kathmandu", "UTC"]),
    usable_from=st.none() | moments,
    cooldown=st.none() | moments,
)


@given(account=accounts, now=moments)
def test_when_it_is_due_there_is_something_to_pay_and_before_there_is_not(account: Account, now: datetime) -> None:
    """An index that named accounts too early would be asked about them for ever, one too late would lose money."""
    at = due_at(account, AUTOPAY)
    assert (at is not None and at <= now) == bool(invoices_due(account, now, AUTOPAY))


@given(account=accounts, now=moments)
def test_what_is_paid_is_due_uncovered_and_named_once(account: Account, now: datetime) -> None:
    covered, named = covered_by_invoice(account), invoices_due(account, now, AUTOPAY)
    assert len(set(named)) == len(named)
    for invoice_id in named:
        invoice = account.open_invoices[invoice_id]
        assert invoice.due_on <= today_of(account, now)
        assert covered.get(invoice_id, 0) < invoice.remaining_minor


@given(account=accounts, days=st.integers(16, 400))
def test_nothing_due_is_ever_too_old_to_be_found(account: Account, days: int) -> None:
    """However long the schedules were missed, all of it is found, as long as autopay was not stopped."""
    late = NOW + timedelta(days=20 + days)
    anew = account.model_copy(update={"autopay": Autopay(enabled=True)})
    uncovered = [
        invoice_id
        for invoice_id, invoice in account.open_invoices.items()
        if invoice.remaining_minor > covered_by_invoice(account).get(invoice_id, 0)
    ]
    assert set(invoices_due(anew, late, AUTOPAY)) == set(uncovered)
