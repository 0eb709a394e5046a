"""Several invoices at once: what one attempt's end means for what another was for."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.accounts.rules import today_of
from chalicelib.autopay.after_payments import after_payment
from chalicelib.autopay.rules import attempt_id, due_at, invoices_due
from chalicelib.payments.models import Decline, DeclineClass
from chalicelib.payments.reserving import without_pending
from tests.autopay.attempts import DAY, DUE, LATER, SIX, attempt, days_of_attempts, owing_more
from tests.support.builders import AUTOPAY, NOW, TODAY, a_method, a_payment, owed, paying_by_itself, tried


def test_an_invoice_that_falls_due_after_the_retries_ended_starts_a_new_cycle() -> None:
    _, account = days_of_attempts(paying_by_itself(DUE), "retry_later")
    account = owing_more(account, due_in_days=30)
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
    account = attempt(owing_more(account.model_copy(update={"open_invoices": {}}), due_in_days=0), "technical", NOW)
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
    assert due_at(owing_more(account, due_in_days=30), AUTOPAY) is None


def test_a_cycle_about_something_voided_since_does_not_shorten_the_next() -> None:
    account = attempt(paying_by_itself(DUE), "retry_later", SIX)
    account = owing_more(account.model_copy(update={"open_invoices": {}}), due_in_days=30)
    days, _ = days_of_attempts(account, "retry_later")
    assert days == [30, 31, 33, 35, 37]
