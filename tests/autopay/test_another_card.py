"""Another default, and autopay switched off and on: which attempts that earns."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from chalicelib.accounts.models import Account
from chalicelib.accounts.rules import autopay_switched
from chalicelib.autopay.after_payments import after_payment
from chalicelib.autopay.rules import attempt_id, due_at, invoices_due
from chalicelib.payments.models import Decline, DeclineClass
from tests.autopay.attempts import CLASSES, DAY, DUE, SIX, attempt, days_of_attempts, ended
from tests.support.builders import AUTOPAY, NOW, TODAY, a_method, a_payment, paying_by_itself


@pytest.mark.parametrize("late", CLASSES)
def test_an_older_payments_end_tells_nothing_about_the_card_that_is_default_now(late: DeclineClass) -> None:
    old, new = a_method("pm_OLD", fingerprint="old"), a_method()
    account = attempt(paying_by_itself(DUE, method=new), "fix_method", SIX)
    decline = Decline(code="no", decline_class=late)
    parked = a_payment("pay_OLD", status="declined", method=old, trigger="autopay", decline=decline)
    after = after_payment(account, parked, SIX + DAY, AUTOPAY)
    assert due_at(after, AUTOPAY) is None
    assert (after.autopay.stopped_reason, after.autopay.failed_method) == ("fix_method", new)
    assert after.autopay.refused_fingerprints == (("old",) if late == "never_again" else ())


def test_a_new_default_need_not_wait_for_what_was_not_made() -> None:
    account = ended(paying_by_itself(DUE), "canceled")
    assert due_at(account.model_copy(update={"default_method": a_method("pm_new")}), AUTOPAY) == SIX


def test_an_attempt_with_a_new_default_that_was_not_made_is_not_stopped_by_what_the_old_one_was() -> None:
    stopped = attempt(paying_by_itself(DUE), "fix_method", SIX)
    new = a_method("pm_new", fingerprint="new")
    account = stopped.model_copy(update={"default_method": new})
    canceled = a_payment(attempt_id(account), status="canceled", trigger="autopay", method=new)
    account = after_payment(account, canceled, SIX, AUTOPAY)
    assert due_at(account, AUTOPAY) == SIX + timedelta(hours=1)


@pytest.mark.parametrize("before", CLASSES)
def test_a_new_default_gets_its_retries_whatever_stopped_the_one_before(before: DeclineClass) -> None:
    stopped = attempt(paying_by_itself(DUE), before, SIX)
    changed = stopped.model_copy(update={"default_method": a_method("pm_NEW", fingerprint="new")})
    assert due_at(changed, AUTOPAY) == SIX, "one attempt at once"
    again = attempt(changed, "retry_later", NOW)
    assert due_at(again, AUTOPAY) == SIX + DAY
    assert again.autopay.stopped_reason is None


def test_one_attempt_at_once_and_not_a_second_one() -> None:
    account = attempt(paying_by_itself(DUE), "fix_method", SIX)
    account = account.model_copy(update={"default_method": a_method("pm_NEW")})
    assert due_at(attempt(account, "fix_method", NOW), AUTOPAY) is None


@pytest.mark.parametrize(("fingerprint", "next_in"), [("another", 1), (a_method().fingerprint, 2)])
def test_another_card_within_the_retries_begins_its_own_days_and_the_same_card_added_anew_does_not(
    fingerprint: str, next_in: int
) -> None:
    account = paying_by_itself(DUE)
    for day in (0, 1, 3):
        account = attempt(account, "retry_later", SIX + day * DAY)
    account = account.model_copy(update={"default_method": a_method("pm_NEW", fingerprint=fingerprint)})
    assert due_at(account, AUTOPAY) == SIX, "one attempt at once"
    again = attempt(account, "retry_later", SIX + 3 * DAY)
    assert due_at(again, AUTOPAY) == SIX + (3 + next_in) * DAY
    assert again.open_invoices["inv_1"].declines == (1 if fingerprint == "another" else 4)


@pytest.mark.parametrize("decline_class", CLASSES)
def test_switching_off_and_on_again_earns_an_attempt_except_after_never_again(decline_class: DeclineClass) -> None:
    declined = attempt(paying_by_itself(DUE), decline_class, SIX)
    off = autopay_switched(declined.autopay, declined.default_method, enabled=False)
    on = declined.model_copy(update={"autopay": autopay_switched(off, a_method(), enabled=True)})
    assert due_at(declined.model_copy(update={"autopay": off}), AUTOPAY) is None
    assert due_at(on, AUTOPAY) == (None if decline_class == "never_again" else SIX)
    assert on.autopay.sequence == 1, "under a new sequence"


def test_switching_off_and_on_every_day_earns_one_attempt_each_time_and_no_retries_anew() -> None:
    account, tried_on = paying_by_itself(DUE), []
    for day in range(30):
        while (at := due_at(account, AUTOPAY)) is not None and at <= NOW + day * DAY:
            tried_on.append(day)
            account = attempt(account, "retry_later", NOW + day * DAY)
        off = autopay_switched(account.autopay, account.default_method, enabled=False)
        account = account.model_copy(update={"autopay": autopay_switched(off, a_method(), enabled=True)})
    assert tried_on == list(range(30))
    assert account.open_invoices["inv_1"].given_up


@pytest.mark.parametrize("decline_class", ["retry_later", "fix_method"])
def test_another_card_has_all_its_attempts_also_when_autopay_was_off_in_between(decline_class: DeclineClass) -> None:
    """As when the old one is removed, which switches autopay off, and the new one switches it on."""
    _, account = days_of_attempts(paying_by_itself(DUE), decline_class)
    off = autopay_switched(account.autopay, None, enabled=False)
    new = a_method("pm_new", fingerprint="new")
    on = autopay_switched(off, new, enabled=True)
    account = account.model_copy(update={"default_method": new, "autopay": on})
    days = []
    for day in range(30):
        now = NOW + (10 + day) * DAY
        if invoices_due(account, now, AUTOPAY):
            days.append(day)
            account = attempt(account, "retry_later", now)
    assert days == [0, 1, 3, 5, 7]


def changed_until_nothing_is_due_today(account: Account, change: Callable[[Account, int], Account]) -> list[datetime]:
    """The moments of its attempts, all declined, the customer changing something after each; the last is not today."""
    made: list[datetime] = []
    for number in range(30):
        at = due_at(account, AUTOPAY)
        assert at is not None
        made.append(max(at, SIX + timedelta(minutes=number)))
        if made[-1] >= SIX + DAY:
            return made
        account = change(attempt(account, "retry_later", made[-1]), number)
    raise AssertionError("it is tried on and on")


def off_and_on(account: Account, _number: int) -> Account:
    autopay = account.autopay
    for enabled in (False, True):
        autopay = autopay_switched(autopay, account.default_method, enabled=enabled)
    return account.model_copy(update={"autopay": autopay})


def another_default(account: Account, number: int) -> Account:
    return account.model_copy(update={"default_method": a_method(f"pm_{number}", fingerprint=f"card {number % 2}")})


def another_expiry(account: Account, number: int) -> Account:
    return account.model_copy(update={"default_method": a_method(last_usable_on=TODAY + (400 + number) * DAY)})


@pytest.mark.parametrize("change", [off_and_on, another_default, another_expiry])
def test_whatever_the_customer_changes_only_so_many_attempts_are_declined_on_one_day(
    change: Callable[[Account, int], Account],
) -> None:
    made = changed_until_nothing_is_due_today(paying_by_itself(DUE), change)
    assert len(made) == AUTOPAY.declines_per_day + 1
    assert made[-1] == SIX + DAY


def test_another_card_that_had_to_be_confirmed_first_has_all_its_attempts() -> None:
    _, exhausted = days_of_attempts(paying_by_itself(DUE), "retry_later")
    account = exhausted.model_copy(update={"default_method": a_method("pm_B", fingerprint="other")})
    waits = a_payment(attempt_id(account), status="requires_action", trigger="autopay", method=account.default_method)
    account = after_payment(account, waits, SIX + 8 * DAY, AUTOPAY)
    assert account.autopay.stopped_reason == "needs_customer"
    newer = a_method("pm_B", fingerprint="other", last_usable_on=TODAY + 900 * DAY)
    account = attempt(account.model_copy(update={"default_method": newer}), "retry_later", SIX + 9 * DAY)
    assert account.autopay.stopped_reason is None
    assert due_at(account, AUTOPAY) == SIX + 10 * DAY


def test_a_former_default_that_has_to_be_confirmed_stops_nothing() -> None:
    account = paying_by_itself(DUE, method=a_method("pm_NEW", fingerprint="new"))
    old = a_payment(
        "pay_OLD", status="requires_action", trigger="autopay", method=a_method("pm_OLD", fingerprint="old")
    )
    assert after_payment(account, old, SIX, AUTOPAY) == account


def test_new_facts_after_the_retries_ended_earn_one_attempt_and_no_retries_anew() -> None:
    _, given_up = days_of_attempts(paying_by_itself(DUE), "retry_later")
    mended = another_expiry(given_up, 1)
    days, _ = days_of_attempts(mended, "retry_later")
    assert len(days) == 1


def test_switching_on_what_is_on_changes_nothing() -> None:
    declined = attempt(paying_by_itself(DUE), "retry_later", SIX).autopay
    assert autopay_switched(declined, a_method(), enabled=True) == declined
