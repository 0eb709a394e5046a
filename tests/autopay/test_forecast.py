"""What autopay says it will charge when, and what would make it fail."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.accounts.models import Account, OpenInvoice
from chalicelib.accounts.rules import balance
from chalicelib.autopay.forecast import Forecast, forecast
from chalicelib.autopay.rules import due_at, invoices_due
from tests.support.builders import AUTOPAY, NOW, TODAY, a_method, a_payment, given_up, owed, paying_by_itself, tried

SIX = datetime(2026, 3, 2, 5, tzinfo=UTC)
DAY = timedelta(days=1)


def planned(account: Account, now: datetime = NOW) -> Forecast:
    return forecast(account, now, AUTOPAY)


def dates(account: Account) -> list[tuple[datetime | None, int, tuple[str, ...]]]:
    return [(charge.at, charge.amount_minor, charge.invoice_ids) for charge in planned(account).charges]


def test_what_is_due_is_charged_together_and_what_falls_due_later_on_its_day() -> None:
    owes = {
        "inv_A": owed(100, due_in_days=-3),
        "inv_B": owed(20, due_in_days=0),
        "inv_C": owed(7, due_in_days=4),
        "inv_D": owed(3, due_in_days=4),
        "inv_E": owed(1, due_in_days=9),
    }
    assert dates(paying_by_itself(owes)) == [
        (NOW, 120, ("inv_A", "inv_B")),
        (SIX + 4 * DAY, 10, ("inv_C", "inv_D")),
        (SIX + 9 * DAY, 1, ("inv_E",)),
    ]


@pytest.mark.parametrize(
    "account",
    [
        paying_by_itself({"inv_1": owed(due_in_days=-1)}, autopay={"enabled": False}),
        paying_by_itself({"inv_1": owed(due_in_days=-1)}).model_copy(update={"default_method": None}),
        paying_by_itself(),
    ],
)
def test_without_autopay_or_anything_open_nothing_is_planned(account: Account) -> None:
    assert (planned(account).charges, planned(account).health) == ((), "ok")


def test_only_what_no_payment_covers_is_planned() -> None:
    account = paying_by_itself({"inv_1": owed(100), "inv_2": owed(50)}, pending=[a_payment(covers={"inv_1": 60})])
    assert dates(account) == [(SIX + 14 * DAY, 90, ("inv_1", "inv_2"))]
    assert dates(paying_by_itself({"inv_1": owed(100)}, pending=[a_payment(covers={"inv_1": 100})])) == []


def test_an_attempt_under_way_makes_the_next_one_no_failure() -> None:
    owes = {"inv_1": owed(100, due_in_days=0), "inv_2": owed(50, due_in_days=3)}
    account = paying_by_itself(owes, pending=[a_payment(covers={"inv_1": 100}, trigger="autopay")])
    assert (dates(account), planned(account).health) == ([(SIX + 3 * DAY, 50, ("inv_2",))], "ok")


def test_a_planned_retry_takes_what_falls_due_until_then_along() -> None:
    owes = {"inv_1": tried(owed(100, due_in_days=-1))}
    owes |= {"inv_2": owed(50, due_in_days=1), "inv_3": owed(7, due_in_days=3)}
    plan = {"next_attempt_at": SIX + 2 * DAY, "failed_method": a_method()}
    account = paying_by_itself(owes, autopay=plan)
    assert dates(account) == [(SIX + 2 * DAY, 150, ("inv_1", "inv_2")), (SIX + 3 * DAY, 7, ("inv_3",))]
    assert (planned(account).health, planned(account).charges[0].problems) == ("at_risk", ("declined_before",))


def test_what_was_given_up_is_not_charged_before_the_customer_acts_whatever_falls_due_beside_it() -> None:
    owes = {"inv_1": given_up(owed(100, due_in_days=-9)), "inv_2": tried(owed(50, due_in_days=-1))}
    plan = {"next_attempt_at": SIX + 2 * DAY, "failed_method": a_method()}
    retry, never = planned(paying_by_itself(owes, autopay=plan)).charges
    assert (retry.at, retry.invoice_ids, retry.health) == (SIX + 2 * DAY, ("inv_2",), "at_risk")
    assert (never.at, never.invoice_ids, never.health) == (None, ("inv_1",), "will_fail")
    assert never.problems == ("stopped", "declined_before")
    account = paying_by_itself(owes | {"inv_3": owed(7, due_in_days=20)}, autopay=plan)
    assert dates(account) == [(SIX + 2 * DAY, 50, ("inv_2",)), (SIX + 20 * DAY, 7, ("inv_3",)), (None, 100, ("inv_1",))]


@pytest.mark.parametrize("reason", ["fix_method", "needs_customer", "never_again", "retries_exhausted"])
def test_after_a_stop_nothing_is_charged_before_the_customer_acts(reason: str) -> None:
    stop = {"stopped_reason": reason, "failed_method": a_method()}
    account = paying_by_itself({"inv_1": given_up(owed(100, due_in_days=-1))}, autopay=stop)
    (charge,) = planned(account).charges
    assert (charge.at, charge.problems, charge.health) == (None, ("stopped", "declined_before"), "will_fail")


def test_a_method_refused_for_good_says_so() -> None:
    account = paying_by_itself({"inv_1": 100}, autopay={"refused_fingerprints": ("sandbox_visa_4242",)})
    (charge,) = planned(account).charges
    assert (charge.at, charge.problems) == (None, ("refused_for_good",))


@pytest.mark.parametrize(
    ("usable_for", "problems", "health"),
    [
        (13, ("method_expires_before",), "will_fail"),
        (14, ("expires_soon",), "at_risk"),
        (43, ("expires_soon",), "at_risk"),
        (44, (), "ok"),
    ],
)
def test_a_card_that_expires_before_the_charge_fails_and_soon_after_is_a_risk(
    usable_for: int, problems: tuple[str, ...], health: str
) -> None:
    method = a_method(last_usable_on=TODAY + usable_for * DAY)
    told = planned(paying_by_itself({"inv_1": 100}, method=method))
    assert (told.charges[0].problems, told.health) == (problems, health)


def test_a_method_not_confirmed_yet_delays_the_charge_and_is_a_risk() -> None:
    usable_from = NOW + 2 * DAY
    account = paying_by_itself({"inv_1": owed(due_in_days=0)}, method=a_method(usable_from=usable_from))
    (charge,) = planned(account).charges
    assert (charge.at, charge.problems, charge.health) == (usable_from, ("method_not_yet_usable",), "at_risk")


def test_the_worst_charge_is_the_health_of_all() -> None:
    owes = {"inv_1": owed(due_in_days=0), "inv_2": owed(due_in_days=60)}
    told = planned(paying_by_itself(owes, method=a_method(last_usable_on=TODAY + 40 * DAY)))
    assert [charge.health for charge in told.charges] == ["ok", "will_fail"]
    assert told.health == "will_fail"


declined: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({}),
    st.builds(lambda days: {"next_attempt_at": SIX + days * DAY}, st.integers(-5, 20)),
    st.builds(lambda reason: {"stopped_reason": reason}, st.sampled_from(["fix_method", "retries_exhausted"])),
)
plans = st.builds(lambda plan, method: plan | {"failed_method": method}, declined, st.sampled_from([None, a_method()]))


invoices = st.builds(
    lambda amount, days, met: met(owed(amount, due_in_days=days)) if days <= 0 else owed(amount, due_in_days=days),
    st.integers(1, 900),
    st.integers(-10, 30),
    st.sampled_from([given_up, tried, lambda invoice: invoice]),
)


@given(owes=st.lists(invoices, max_size=6), autopay=plans)
def test_every_open_cent_is_planned_once_and_the_next_charge_is_what_the_sweep_will_do(
    owes: list[OpenInvoice], autopay: dict[str, Any]
) -> None:
    account = paying_by_itself({f"inv_{n}": invoice for n, invoice in enumerate(owes)}, autopay=autopay)
    told = planned(account)
    assert sum(charge.amount_minor for charge in told.charges) == balance(account, TODAY).payable_minor
    at = due_at(account, AUTOPAY)
    if at is None:
        assert all(charge.at is None for charge in told.charges)
        return
    first = told.charges[0]
    assert first.at == max(at, NOW)
    assert invoices_due(account, first.at, AUTOPAY) == first.invoice_ids
    moments = [charge.at for charge in told.charges if charge.at]
    assert moments == sorted(moments)
