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
from tests.autopay.attempts import CLASSES, DAY, DUE, LATER, SIX, attempt, days_of_attempts, ended, owing_more
from tests.support.builders import AUTOPAY, NOW, TODAY, a_method, a_payment, given_up, owed, paying_by_itself, tried


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


@pytest.mark.parametrize("late", ["retry_later", "technical"])
@pytest.mark.parametrize("reason", ["fix_method", "needs_customer", "never_again"])
def test_a_late_decline_that_may_pass_lifts_no_stop_of_the_same_method(
    reason: DeclineClass, late: DeclineClass
) -> None:
    stopped = attempt(paying_by_itself(DUE), reason, SIX)
    late_one = a_payment(
        "pay_OLD", status="declined", trigger="autopay", decline=Decline(code="no", decline_class=late)
    )
    after = after_payment(stopped, late_one, SIX + DAY, AUTOPAY)
    assert after.open_invoices == stopped.open_invoices
    assert after.autopay == stopped.autopay.model_copy(update={"declined_on": TODAY + DAY})


def test_a_card_refused_for_good_while_autopay_is_off_is_remembered_and_stops_nothing() -> None:
    off = paying_by_itself(DUE, autopay={"enabled": False})
    account = attempt(off, "never_again", SIX, "manual")
    assert (account.autopay.stopped_reason, account.autopay.failed_method) == (None, None)
    assert account.autopay.refused_fingerprints == (a_method().fingerprint,)


def test_refused_cards_are_remembered_once_and_of_too_many_the_latest() -> None:
    account = paying_by_itself(DUE)
    cards = [f"card {number}" for number in range(105)]
    for card in cards:
        for _ in range(2):
            account = account.model_copy(update={"default_method": a_method(fingerprint=card)})
            account = attempt(account, "never_again", SIX)
    assert account.autopay.refused_fingerprints == tuple(cards[-100:])


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


@pytest.mark.parametrize("trigger", ["manual", "autopay", "check"])
@pytest.mark.parametrize("decline_class", CLASSES)
def test_money_from_the_same_card_that_settles_what_is_due_ends_the_cycle(
    trigger: Trigger, decline_class: DeclineClass
) -> None:
    declined = attempt(paying_by_itself(DUE), decline_class, SIX)
    paid = ended(declined.model_copy(update={"open_invoices": {"inv_2": owed(due_in_days=9)}}), "succeeded", trigger)
    never_again = paid.autopay.refused_fingerprints
    assert paid.autopay == Autopay(
        enabled=True,
        sequence=2 if trigger == "autopay" else 1,
        refused_fingerprints=never_again,
        declined_on=TODAY,
        declines_that_day=1,
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


def test_what_was_voided_during_its_attempt_stops_nothing() -> None:
    voided = paying_by_itself({"inv_2": owed(due_in_days=9)})
    after = after_payment(
        voided,
        a_payment(attempt_id(voided), {"inv_1": 100}, status="declined", trigger="autopay", decline=LATER),
        SIX,
        AUTOPAY,
    )
    assert after.autopay.stopped_reason is None
    assert due_at(after, AUTOPAY) == SIX + 9 * DAY


def test_nor_does_it_lift_the_stop_of_what_was_given_up() -> None:
    _, stopped = days_of_attempts(paying_by_itself(DUE), "retry_later")
    voided = a_payment(attempt_id(stopped), {"inv_2": 100}, status="declined", trigger="autopay", decline=LATER)
    after = after_payment(stopped, voided, SIX + 9 * DAY, AUTOPAY)
    assert after.autopay.stopped_reason == "retries_exhausted"


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
            return owing_more(account, due_in_days=(now - NOW).days + 3, invoice_id=f"inv_{number}")
        case _:
            return account.model_copy(update={"open_invoices": {}})
