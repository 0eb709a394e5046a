"""What the end of a payment means for the next automatic attempt."""

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.accounts.models import Account, Autopay
from chalicelib.accounts.rules import autopay_switched, today_of
from chalicelib.autopay.after_payments import after_payment, stopped_before_trying
from chalicelib.autopay.rules import attempt_id, due_at, invoices_due
from chalicelib.payment_methods.models import MethodKind
from chalicelib.payments.models import Decline, DeclineClass, PaymentStatus, Trigger
from chalicelib.payments.reserving import without_pending
from tests.support.builders import AUTOPAY, NOW, TODAY, a_method, a_payment, given_up, owed, paying_by_itself, tried

SIX = datetime(2026, 3, 2, 5, tzinfo=UTC)
DAY = timedelta(days=1)
CLASSES: list[DeclineClass] = ["retry_later", "fix_method", "needs_customer", "never_again", "technical"]
DUE = {"inv_1": owed(due_in_days=0)}
LATER = Decline(code="no", decline_class="retry_later")


def attempt(
    account: Account,
    decline_class: DeclineClass,
    now: datetime,
    trigger: Trigger = "autopay",
    *,
    reserved_at: datetime | None = None,
) -> Account:
    """The account after an attempt with its default method was declined, at once unless it says when it was made."""
    method = account.default_method
    assert method
    due = {i: invoice.remaining_minor for i, invoice in account.open_invoices.items() if invoice.due_on <= now.date()}
    decline = Decline(code="no", decline_class=decline_class)
    payment = a_payment(
        attempt_id(account) if trigger == "autopay" else "pay_MANUAL",
        due,
        status="declined",
        method=method,
        trigger=trigger,
        decline=decline,
        reserved_at=reserved_at or now,
    )
    return after_payment(account, payment, now, AUTOPAY)


def ended(account: Account, status: PaymentStatus, trigger: Trigger = "autopay", now: datetime = NOW) -> Account:
    decline = Decline(code="no", decline_class="retry_later") if status == "declined" else None
    payment_id = attempt_id(account) if trigger == "autopay" else "pay_MANUAL"
    return after_payment(account, a_payment(payment_id, status=status, trigger=trigger, decline=decline), now, AUTOPAY)


def days_of_attempts(account: Account, decline_class: DeclineClass) -> tuple[list[int], Account]:
    """The days after the first on which it is tried, always in vain, until it is not tried any more."""
    days: list[int] = []
    while (at := due_at(account, AUTOPAY)) is not None:
        assert len(days) < 50, "it goes on for ever"
        days.append((today_of(account, at) - TODAY).days)
        account = attempt(account, decline_class, at)
    return days, account


@pytest.mark.parametrize(
    ("kind", "decline_class", "days", "reason"),
    [
        ("card", "retry_later", [0, 1, 3, 5, 7], "retries_exhausted"),
        ("paypal", "retry_later", [0, 1, 3, 5, 7], "retries_exhausted"),
        ("bank_debit", "retry_later", [0, 3, 6], "retries_exhausted"),  # two re-presentments
        ("card", "technical", [0, 0, 0, 0, 1, 3, 5, 7], "retries_exhausted"),
        ("bank_debit", "technical", [0, 0, 0, 0, 3, 6], "retries_exhausted"),
        ("card", "fix_method", [0], "fix_method"),
        ("bank_debit", "needs_customer", [0], "needs_customer"),
        ("card", "never_again", [0], "never_again"),
    ],
)
def test_it_is_tried_on_the_days_of_its_kind_and_class_and_then_stopped(
    kind: MethodKind, decline_class: DeclineClass, days: list[int], reason: str
) -> None:
    tried_on, account = days_of_attempts(paying_by_itself(DUE, method=a_method(kind=kind)), decline_class)
    assert tried_on == days
    assert account.autopay.stopped_reason == reason
    assert account.autopay.sequence == len(days)


def test_a_technical_decline_is_tried_again_an_hour_later() -> None:
    assert due_at(attempt(paying_by_itself(DUE), "technical", SIX), AUTOPAY) == SIX + timedelta(hours=1)


def test_an_attempt_that_was_not_made_comes_again_an_hour_later_at_last_once_a_day_and_is_no_decline() -> None:
    declined = attempt(paying_by_itself(DUE), "retry_later", SIX)
    account, made = declined, []
    for _ in range(7):
        at = due_at(account, AUTOPAY)
        assert at is not None
        made.append(at)
        account = ended(account, "canceled", now=at)
    hours = [SIX + DAY + timedelta(hours=hour) for hour in range(4)]
    assert made == [*hours, *(SIX + day * DAY for day in (2, 3, 4))]
    assert account.autopay.sequence == 8
    assert account.open_invoices == declined.open_invoices
    assert attempt(account, "retry_later", SIX + 4 * DAY).autopay.postponed == 0


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


@pytest.mark.parametrize("late", ["retry_later", "technical"])
@pytest.mark.parametrize("reason", ["fix_method", "needs_customer", "never_again"])
def test_a_late_decline_that_may_pass_lifts_no_stop_of_the_same_method(
    reason: DeclineClass, late: DeclineClass
) -> None:
    stopped = attempt(paying_by_itself(DUE), reason, SIX)
    late_one = a_payment(
        "pay_OLD", status="declined", trigger="autopay", decline=Decline(code="no", decline_class=late)
    )
    assert after_payment(stopped, late_one, SIX + DAY, AUTOPAY) == stopped


def test_a_card_refused_for_good_while_autopay_is_off_is_remembered_and_stops_nothing() -> None:
    off = paying_by_itself(DUE, autopay={"enabled": False})
    account = attempt(off, "never_again", SIX, "manual")
    assert (account.autopay.stopped_reason, account.autopay.failed_method) == (None, None)
    assert account.autopay.refused_fingerprints == (a_method().fingerprint,)


def test_refused_cards_are_remembered_once_and_of_too_many_the_latest() -> None:
    account = paying_by_itself(DUE)
    cards = [f"card {number}" for number in range(25)]
    for card in cards:
        for _ in range(2):
            account = account.model_copy(update={"default_method": a_method(fingerprint=card)})
            account = attempt(account, "never_again", SIX)
    assert account.autopay.refused_fingerprints == tuple(cards[-20:])


def test_an_attempt_not_made_lifts_no_stop_that_came_meanwhile() -> None:
    account = attempt(paying_by_itself(DUE), "never_again", SIX, "manual")
    assert account.autopay.stopped_reason == "never_again"
    assert ended(account, "canceled").autopay.stopped_reason == "never_again"


def test_who_confirmed_an_automatic_payment_is_charged_for_the_rest_too() -> None:
    owes = DUE | {"inv_2": owed(due_in_days=0)}
    waits = ended(paying_by_itself(owes), "requires_action")
    confirmed = a_payment(attempt_id(paying_by_itself(owes)), status="succeeded", trigger="autopay")
    paid = waits.model_copy(update={"open_invoices": {"inv_2": owes["inv_2"]}})
    assert due_at(after_payment(paid, confirmed, NOW, AUTOPAY), AUTOPAY) == SIX


def test_a_part_paid_by_hand_confirms_nothing() -> None:
    waits = ended(paying_by_itself(DUE | {"inv_2": owed(due_in_days=0)}), "requires_action")
    assert due_at(ended(waits, "succeeded", "manual"), AUTOPAY) is None


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


@pytest.mark.parametrize("status", ["canceled", "declined"])
@pytest.mark.parametrize("by_switching", [False, True])
def test_an_attempt_after_the_retries_ended_that_is_nobodys_fault_comes_again_an_hour_later(
    status: PaymentStatus, *, by_switching: bool
) -> None:
    """Whatever earned the attempt: another card, or autopay switched off and on. Both invoices were given up, and one
    was on its way otherwise when it was made."""
    account = paying_by_itself(DUE | {"inv_2": given_up(owed(due_in_days=-9))})
    _, account = days_of_attempts(account, "retry_later")
    if by_switching:
        off = autopay_switched(account.autopay, account.default_method, enabled=False)
        account = account.model_copy(update={"autopay": autopay_switched(off, a_method(), enabled=True)})
    else:
        account = account.model_copy(update={"default_method": a_method("pm_new", fingerprint="new")})
    at = NOW + 8 * DAY
    fault = a_payment(
        attempt_id(account),
        {"inv_1": 100},
        status=status,
        method=account.default_method,
        trigger="autopay",
        decline=Decline(code="processor_error", decline_class="technical") if status == "declined" else None,
        reserved_at=at,
    )
    account = after_payment(account, fault, at, AUTOPAY)
    assert due_at(account, AUTOPAY) == at + timedelta(hours=1)
    assert invoices_due(account, at + timedelta(hours=1), AUTOPAY) == ("inv_2", "inv_1")


def test_a_retry_comes_at_the_local_hour_whatever_clocks_do() -> None:
    """The first attempt on the day before summer time begins in Berlin."""
    account = paying_by_itself({"inv_1": owed(due_in_days=26)})
    first = due_at(account, AUTOPAY)
    assert first == datetime(2026, 3, 28, 5, tzinfo=UTC)
    assert due_at(attempt(account, "retry_later", first), AUTOPAY) == datetime(2026, 3, 29, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("late_by", "next_in"), [(0, 1), (1, 3), (2, 3), (3, 5), (4, 5), (5, 7), (6, 7), (7, None), (30, None)]
)
def test_a_retry_that_came_late_skips_the_days_that_are_over(late_by: int, next_in: int | None) -> None:
    first = attempt(paying_by_itself(DUE), "retry_later", SIX)
    again = attempt(first, "retry_later", SIX + late_by * DAY)
    assert due_at(again, AUTOPAY) == (None if next_in is None else SIX + next_in * DAY)


@pytest.mark.parametrize(
    ("answers_after", "tried_on"),
    [(0, [0, 3, 6]), (2, [0, 3, 6]), (5, [0, 6, 12]), (14, [0, 15, 30])],
)
def test_a_retry_day_that_passes_while_the_bank_thinks_is_not_lost(answers_after: int, tried_on: list[int]) -> None:
    account = paying_by_itself(DUE, method=a_method(kind="bank_debit"))
    days = []
    while (at := due_at(account, AUTOPAY)) is not None:
        days.append((today_of(account, at) - TODAY).days)
        account = attempt(account, "retry_later", at + answers_after * DAY, reserved_at=at)
    assert days == tried_on
    assert account.autopay.stopped_reason == "retries_exhausted"


def test_retry_days_count_from_the_first_attempt_whenever_its_decline_became_known() -> None:
    declined = attempt(paying_by_itself(DUE), "retry_later", SIX + 4 * DAY, reserved_at=SIX)
    assert declined.open_invoices["inv_1"].tried_on == TODAY
    assert due_at(declined, AUTOPAY) == SIX + 5 * DAY
    declined = attempt(declined, "retry_later", SIX + 5 * DAY)
    assert due_at(declined, AUTOPAY) == SIX + 7 * DAY


def test_technical_declines_use_up_no_retry_day_and_others_no_technical_retry() -> None:
    account = paying_by_itself(DUE)
    for decline_class, at in [("retry_later", SIX), ("technical", SIX + DAY), ("technical", SIX + DAY)]:
        account = attempt(account, cast(DeclineClass, decline_class), at)
    assert due_at(account, AUTOPAY) == SIX + DAY + timedelta(hours=1)
    account = attempt(account, "retry_later", SIX + DAY + timedelta(hours=1))
    assert due_at(account, AUTOPAY) == SIX + 3 * DAY
    account = attempt(account, "technical", SIX + 7 * DAY)
    assert due_at(account, AUTOPAY) == SIX + 7 * DAY + timedelta(hours=1), "also on the last day"


def test_nor_while_the_bank_thinks() -> None:
    account = attempt(paying_by_itself(DUE, method=a_method(kind="bank_debit")), "technical", SIX)
    account = attempt(account, "retry_later", SIX + 2 * DAY, reserved_at=SIX + timedelta(hours=1))
    assert due_at(account, AUTOPAY) == SIX + 3 * DAY


def test_an_attempt_the_payer_has_to_confirm_stops_until_then() -> None:
    waits = ended(paying_by_itself(DUE), "requires_action")
    assert (waits.autopay.stopped_reason, waits.autopay.sequence) == ("needs_customer", 1)
    expired = after_payment(
        waits, a_payment(attempt_id(paying_by_itself(DUE)), status="canceled", trigger="autopay"), NOW, AUTOPAY
    )
    assert expired == waits, "nobody confirmed: it is not tried again by itself"


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


def test_switching_on_what_is_on_changes_nothing() -> None:
    declined = attempt(paying_by_itself(DUE), "retry_later", SIX).autopay
    assert autopay_switched(declined, a_method(), enabled=True) == declined


def test_an_invoice_that_falls_due_after_the_retries_ended_starts_a_new_cycle() -> None:
    _, account = days_of_attempts(paying_by_itself(DUE), "retry_later")
    account = _owing_more(account, due_in_days=30)
    days, account = days_of_attempts(account, "retry_later")
    assert days == [30, 31, 33, 35, 37]
    assert account.autopay.stopped_reason == "retries_exhausted"


def test_what_falls_due_within_the_retries_of_another_invoice_has_all_of_its_own() -> None:
    """And the other no more than before."""
    account = paying_by_itself(DUE | {"inv_2": owed(due_in_days=3)})
    asked: dict[str, list[int]] = {"inv_1": [], "inv_2": []}
    while (at := due_at(account, AUTOPAY)) is not None:
        for invoice_id in invoices_due(account, at, AUTOPAY):
            asked[invoice_id].append((today_of(account, at) - TODAY).days)
        account = attempt(account, "retry_later", at)
    assert asked == {"inv_1": [0, 1, 3, 4, 6], "inv_2": [3, 4, 6, 8, 10]}
    assert account.autopay.stopped_reason == "retries_exhausted"


@pytest.mark.parametrize("planned", [SIX, SIX + DAY])
def test_a_last_decline_leaves_the_retries_of_what_was_tried_beside_it_but_not_on_its_day(planned: datetime) -> None:
    method = a_method(kind="bank_debit")
    owes = {"inv_1": tried(owed(due_in_days=-9), 2), "inv_2": tried(owed(due_in_days=-2))}
    plan = {"next_attempt_at": planned, "failed_method": method}
    account = paying_by_itself(owes, method=method, autopay=plan)
    last = a_payment("pay_LATE", status="declined", method=method, trigger="autopay", decline=LATER)
    account = after_payment(account, last, NOW, AUTOPAY)
    assert (due_at(account, AUTOPAY), account.autopay.stopped_reason) == (SIX + DAY, None)
    assert invoices_due(account, SIX + DAY, AUTOPAY) == ("inv_2",)


def test_a_retry_that_brings_money_earns_what_was_given_up_one_more_attempt() -> None:
    owes = {"inv_1": given_up(owed(due_in_days=-9)), "inv_2": tried(owed(due_in_days=-2))}
    account = paying_by_itself(owes, autopay={"next_attempt_at": SIX, "failed_method": a_method()})
    left = account.model_copy(update={"open_invoices": {"inv_1": owes["inv_1"]}})
    assert due_at(ended(left, "succeeded", "manual"), AUTOPAY) is None, "by hand it says nothing of autopay"
    paid = ended(left, "succeeded")
    assert invoices_due(paid, NOW, AUTOPAY) == ("inv_1",)
    again = attempt(paid, "retry_later", NOW)
    assert (due_at(again, AUTOPAY), again.autopay.stopped_reason) == (None, "retries_exhausted")


def test_a_bank_debit_is_not_presented_once_more_for_that() -> None:
    debit = a_method(kind="bank_debit")
    stopped = {"stopped_reason": "retries_exhausted", "failed_method": debit}
    account = paying_by_itself({"inv_1": given_up(owed(due_in_days=-9))}, method=debit, autopay=stopped)
    paid = a_payment(attempt_id(account), {"inv_2": 100}, status="succeeded", trigger="autopay", method=debit)
    assert due_at(after_payment(account, paid, NOW, AUTOPAY), AUTOPAY) is None


def test_what_another_payment_is_for_is_not_given_up_with_what_one_payment_did_not_hold() -> None:
    owes = {f"inv_{n}": tried(owed(due_in_days=-7), 4) for n in (1, 2, 3)}
    account = paying_by_itself(owes, autopay={"failed_method": a_method()})
    at_the_bank = a_payment("pay_OLDER", {"inv_2": owes["inv_2"].remaining_minor}, status="processing")
    account = account.model_copy(update={"pending": {"pay_OLDER": at_the_bank}})
    last = a_payment(attempt_id(account), status="declined", trigger="autopay", decline=LATER, left_out_invoices=1)
    account = after_payment(account, last, NOW, AUTOPAY)
    assert [invoice.given_up for invoice in account.open_invoices.values()] == [True, False, True]


def test_a_late_technical_decline_moves_no_retry_of_what_was_declined_beside_it() -> None:
    """Nothing is asked for twice on one day because an older attempt, parked or at its bank, failed meanwhile."""
    account = paying_by_itself(DUE | {"inv_2": owed(due_in_days=0)})
    fault = Decline(code="processor_error", decline_class="technical")
    older = a_payment("pay_OLDER", {"inv_2": 100}, status="declined", trigger="autopay", decline=fault)
    asked = a_payment(attempt_id(account), {"inv_1": 100}, status="declined", trigger="autopay", decline=LATER)
    account = after_payment(account, asked, SIX, AUTOPAY)
    assert due_at(after_payment(account, older, SIX, AUTOPAY), AUTOPAY) == due_at(account, AUTOPAY) == SIX + DAY


def test_what_one_payment_did_not_hold_is_given_up_with_what_was_due_beside_it() -> None:
    owes = {f"inv_{n}": tried(owed(due_in_days=-7), 4) for n in (1, 2)} | {"inv_3": owed(due_in_days=1)}
    account = paying_by_itself(owes, autopay={"failed_method": a_method()})
    last = a_payment(status="declined", trigger="autopay", decline=LATER, left_out_invoices=1)
    account = after_payment(account, last, NOW, AUTOPAY)
    assert [invoice.given_up for invoice in account.open_invoices.values()] == [True, True, False]


def test_technical_declines_about_something_voided_since_take_none_from_the_next() -> None:
    account = paying_by_itself(DUE)
    for hours in range(3):
        account = attempt(account, "technical", SIX + timedelta(hours=hours))
    account = attempt(_owing_more(account.model_copy(update={"open_invoices": {}}), due_in_days=0), "technical", NOW)
    assert due_at(account, AUTOPAY) == NOW + timedelta(hours=1)


@given(
    due=st.lists(st.integers(0, 40), min_size=1, max_size=5),
    bank_takes=st.lists(st.integers(0, 12), min_size=40, max_size=40),
)
def test_a_bank_is_asked_for_an_invoice_three_times_whatever_is_on_its_way_beside_it(
    due: list[int], bank_takes: list[int]
) -> None:
    """Also when others fall due later. Every debit comes back, after days."""
    owes = {f"inv_{n}": owed(due_in_days=days) for n, days in enumerate(due)}
    account, asked, answers = paying_by_itself(owes, method=a_method(kind="bank_debit")), [], list(bank_takes)
    for day in range(200):
        now = NOW + day * DAY
        for debit, back_on in [(p, p.next_check_at) for p in account.pending.values()]:
            if back_on and back_on <= now:
                account = without_pending(account, [debit.payment_id])
                back = debit.model_copy(update={"status": "declined", "decline": LATER})
                account = after_payment(account, back, now, AUTOPAY)
        if invoice_ids := invoices_due(account, now, AUTOPAY):
            debit = a_payment(
                attempt_id(account),
                {i: account.open_invoices[i].remaining_minor for i in invoice_ids},
                status="processing",
                method=account.default_method,
                trigger="autopay",
                reserved_at=now,
                next_check_at=now + answers.pop() * DAY,
            )
            account = account.model_copy(update={"pending": account.pending | {debit.payment_id: debit}})
            account = after_payment(account, debit, now, AUTOPAY)
            asked.append(set(invoice_ids))
    assert due_at(account, AUTOPAY) is None, "it ends"
    assert all(invoice.given_up for invoice in account.open_invoices.values())
    for name in owes:
        assert 1 <= sum(name in invoices for invoices in asked) <= 3, f"{name} in {asked}"


@pytest.mark.parametrize("reason", ["fix_method", "needs_customer", "never_again"])
def test_after_any_other_stop_a_later_invoice_starts_nothing(reason: DeclineClass) -> None:
    account = attempt(paying_by_itself(DUE), reason, SIX)
    assert due_at(_owing_more(account, due_in_days=30), AUTOPAY) is None


def test_a_cycle_about_something_voided_since_does_not_shorten_the_next() -> None:
    account = attempt(paying_by_itself(DUE), "retry_later", SIX)
    account = _owing_more(account.model_copy(update={"open_invoices": {}}), due_in_days=30)
    days, _ = days_of_attempts(account, "retry_later")
    assert days == [30, 31, 33, 35, 37]


@pytest.mark.parametrize("trigger", ["manual", "autopay", "check"])
@pytest.mark.parametrize("decline_class", CLASSES)
def test_money_from_the_same_card_that_settles_what_is_due_ends_the_cycle(
    trigger: Trigger, decline_class: DeclineClass
) -> None:
    declined = attempt(paying_by_itself(DUE), decline_class, SIX)
    paid = ended(declined.model_copy(update={"open_invoices": {"inv_2": owed(due_in_days=9)}}), "succeeded", trigger)
    never_again = paid.autopay.refused_fingerprints
    assert paid.autopay == Autopay(
        enabled=True, sequence=2 if trigger == "autopay" else 1, refused_fingerprints=never_again
    )
    assert due_at(paid, AUTOPAY) == (None if decline_class == "never_again" else SIX + 9 * DAY)


@pytest.mark.parametrize("decline_class", CLASSES)
def test_money_that_came_another_way_leaves_a_stop_that_only_the_customer_can_lift(decline_class: DeclineClass) -> None:
    declined = attempt(paying_by_itself(DUE), decline_class, SIX)
    other = a_payment("pay_MANUAL", status="succeeded", method=a_method("pm_OTHER", fingerprint="other"))
    paid = after_payment(
        declined.model_copy(update={"open_invoices": {"inv_2": owed(due_in_days=9)}}), other, NOW, AUTOPAY
    )
    stays = decline_class in ("fix_method", "needs_customer")
    assert paid.autopay.stopped_reason == (decline_class if stays else None)
    assert due_at(paid, AUTOPAY) == (None if stays or decline_class == "never_again" else SIX + 9 * DAY)
    renewed = paid.model_copy(update={"default_method": a_method(last_usable_on=TODAY + 900 * DAY, fingerprint="new")})
    assert due_at(renewed, AUTOPAY) == SIX + 9 * DAY


def test_money_that_leaves_something_due_ends_nothing() -> None:
    declined = attempt(paying_by_itself(DUE), "retry_later", SIX)
    assert ended(declined, "succeeded", "manual").autopay == declined.autopay


@pytest.mark.parametrize("status", ["declined", "canceled"])
def test_a_manual_payment_that_brings_no_money_means_nothing_to_autopay(status: PaymentStatus) -> None:
    account = paying_by_itself(DUE)
    assert ended(account, status, "manual") == account


@pytest.mark.parametrize("status", ["in_flight", "requires_action", "processing", "parked", "succeeded", "canceled"])
def test_the_sequence_rises_once_with_every_attempt_that_is_out_of_our_hands_and_with_nothing_else(
    status: PaymentStatus,
) -> None:
    account = paying_by_itself(DUE, autopay={"sequence": 7})
    raised = ended(account, status)
    assert raised.autopay.sequence == (7 if status == "in_flight" else 8)
    assert ended(account, status, "manual").autopay.sequence == 7
    again = a_payment(attempt_id(account), status="succeeded", trigger="autopay")
    once = raised if status != "in_flight" else after_payment(account, again, NOW, AUTOPAY)
    assert after_payment(once, again, NOW, AUTOPAY).autopay.sequence == 8, "once, whatever becomes of it later"


@pytest.mark.parametrize("usable_for", [-1, 0])
def test_an_expired_card_stops_it_without_asking_anybody(usable_for: int) -> None:
    method = a_method(last_usable_on=TODAY + usable_for * DAY)
    stopped = stopped_before_trying(paying_by_itself(DUE, method=method), NOW)
    if usable_for == 0:
        assert stopped is None
        return
    assert stopped
    assert (stopped.autopay.stopped_reason, stopped.autopay.sequence, due_at(stopped, AUTOPAY)) == (
        "fix_method",
        0,
        None,
    )
    renewed = stopped.model_copy(update={"default_method": a_method(last_usable_on=TODAY + 365 * DAY)})
    assert due_at(renewed, AUTOPAY) == SIX


steps = st.sampled_from([*CLASSES, "succeeded", "canceled", "manual", "off_and_on", "new_default", "invoice", "void"])


@given(st.lists(st.tuples(steps, st.integers(0, 5)), max_size=25))
def test_whatever_happens_the_sequence_never_falls_and_refused_methods_stay_refused(
    history: list[tuple[Any, int]],
) -> None:
    account, now = paying_by_itself(DUE), NOW
    for number, (step, days) in enumerate(history):
        before, now = account, now + days * DAY
        account = _after(account, step, number, now)
        assert account.autopay.sequence >= before.autopay.sequence
        assert set(account.autopay.refused_fingerprints) >= set(before.autopay.refused_fingerprints)
        at = due_at(account, AUTOPAY)
        if account.default_method and account.default_method.fingerprint in account.autopay.refused_fingerprints:
            assert at is None
        if at is not None:
            assert any(invoice.due_on <= today_of(account, at) for invoice in account.open_invoices.values())


def _after(account: Account, step: Any, number: int, now: datetime) -> Account:
    if step in CLASSES:
        return attempt(account, step, now)
    match step:
        case "succeeded" | "canceled":
            return ended(account, step, now=now)
        case "manual":
            return after_payment(account, a_payment(status="succeeded"), now, AUTOPAY)
        case "off_and_on":
            autopay = autopay_switched(
                autopay_switched(account.autopay, account.default_method, enabled=False),
                account.default_method,
                enabled=True,
            )
            return account.model_copy(update={"autopay": autopay})
        case "new_default":
            return account.model_copy(update={"default_method": a_method(f"pm_{number}", fingerprint=f"f{number}")})
        case "invoice":
            return _owing_more(account, due_in_days=(now - NOW).days + 3, invoice_id=f"inv_{number}")
        case _:
            return account.model_copy(update={"open_invoices": {}})


def _owing_more(account: Account, *, due_in_days: int, invoice_id: str = "inv_NEW") -> Account:
    more = {invoice_id: owed(due_in_days=due_in_days)}
    return account.model_copy(update={"open_invoices": account.open_invoices | more})
