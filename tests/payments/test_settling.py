"""What a gateway's answer means for the books: every answer in every status, and no money is ever lost."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.accounts.models import Account
from chalicelib.activity.models import ActivityEntry
from chalicelib.core.errors import Broken
from chalicelib.gateways.port import ActionRequired, Approved, Closed, Declined, NotSent, Processing, Unknown
from chalicelib.ledger.models import FieldSet
from chalicelib.payments.models import NextAction, Payment, PaymentStatus
from chalicelib.payments.moves import PENDING
from chalicelib.payments.settling import Answer, Closing, Settlement, _moved, settle
from tests.support.builders import BEN, NOW, POLICY, a_payment, an_account, owed

STATUSES: tuple[PaymentStatus, ...] = get_args(PaymentStatus)
ACTION = NextAction(type="redirect", url="https://bank.example.com/1")
ANSWERS: dict[str, Answer] = {
    "approved": Approved("ref"),
    "declined": Declined("insufficient_funds", "retry_later", "ref"),
    "processing": Processing("ref"),
    "action_required": ActionRequired(ACTION, "ref"),
    "not_sent": NotSent("connection refused"),
    "closed": Closed(),
    "unknown": Unknown("timeout"),
}

BECOMES: dict[tuple[str, PaymentStatus], PaymentStatus] = {
    **{("approved", status): "succeeded" for status in STATUSES if status not in ("succeeded", "returned")},
    **{("declined", status): "declined" for status in PENDING},
    **{("closed", status): "canceled" for status in PENDING},
    ("not_sent", "in_flight"): "canceled",
    ("processing", "in_flight"): "processing",
    ("processing", "requires_action"): "processing",
    ("processing", "processing"): "processing",
    ("action_required", "in_flight"): "requires_action",
    ("action_required", "requires_action"): "requires_action",
}
"""What every answer makes of every status. What does not stand here changes nothing."""


def standing(payment: Payment, owes: dict[str, int] | None = None) -> Account:
    """The account the payment was read with, which owes what it is for unless said otherwise."""
    owes = {part.invoice_id: part.amount_minor for part in payment.allocations} if owes is None else owes
    pending = [payment] if payment.status in PENDING else []
    return an_account({invoice_id: owed(minor) for invoice_id, minor in owes.items()}, pending=pending)


def settled(payment: Payment, answer: Answer, account: Account | None = None) -> tuple[Payment, Account]:
    account = account or standing(payment)
    settlement = settle(account, payment, answer, NOW, POLICY)
    return settlement.payment, settlement.change.account if settlement.change else account


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("status", STATUSES)
def test_every_answer_may_meet_every_status_and_moves_it_only_where_it_may(answer: str, status: PaymentStatus) -> None:
    before = a_payment(covers={"inv_1": 100}, status=status)
    account = standing(before)
    settlement = settle(account, before, ANSWERS[answer], NOW, POLICY)
    becomes = BECOMES.get((answer, status))
    if becomes is None:
        assert (settlement.payment, settlement.change, settlement.late) == (before, None, False)
        return
    assert settlement.change
    after = settlement.change.account
    assert settlement.payment.status == becomes
    assert after.pending == ({"pay_1": settlement.payment} if becomes in PENDING else {})
    assert (settlement.payment.settled_at == NOW) == (becomes not in PENDING)
    assert (settlement.payment.next_check_at is None) == (becomes not in PENDING)
    assert settlement.late == (status in ("canceled", "declined"))
    records = [record for record in settlement.change.puts if isinstance(record, Payment)]
    assert records == ([settlement.payment] if status in PENDING and becomes not in PENDING else [])
    logged = [record.action for record in settlement.change.puts if isinstance(record, ActivityEntry)]
    ends = f"payment.{becomes}_late" if settlement.late else f"payment.{becomes}"
    assert logged == ([] if becomes in PENDING else [ends])
    assert after.activity.count == len(logged)


@pytest.mark.parametrize("status", sorted(PENDING | {"canceled", "declined"}))
def test_money_taken_pays_its_invoices_whatever_the_payment_waited_for(status: PaymentStatus) -> None:
    paid, account = settled(a_payment(covers={"inv_1": 100, "inv_2": 50}, status=status), Approved("ref"))
    assert [(part.invoice_id, part.amount_minor) for part in paid.allocations] == [("inv_1", 100), ("inv_2", 50)]
    assert (paid.credited_minor, paid.gateway_reference) == (0, "ref")
    assert (account.open_invoices, account.credit_minor) == ({}, 0)


def test_an_invoice_paid_in_part_stays_open_with_the_rest() -> None:
    payment = a_payment(covers={"inv_1": 30})
    settlement = settle(standing(payment, {"inv_1": 100}), payment, Approved("ref"), NOW, POLICY)
    assert settlement.change
    assert settlement.change.account.open_invoices["inv_1"].remaining_minor == 70
    (invoice_set,) = settlement.change.sets
    assert invoice_set.values == {"payments.pay_1": 30, "remaining_minor": 70}


def test_an_invoice_paid_in_full_turns_paid_in_the_same_change() -> None:
    payment = a_payment(covers={"inv_1": 100})
    settlement = settle(standing(payment), payment, Approved("ref"), NOW, POLICY)
    assert settlement.change
    (invoice_set,) = settlement.change.sets
    assert invoice_set.values == {"payments.pay_1": 100, "remaining_minor": 0, "status": "paid"}


@pytest.mark.parametrize("status", sorted(PENDING | {"canceled", "declined"}))
def test_money_for_an_invoice_that_is_void_or_paid_meanwhile_becomes_credit(status: PaymentStatus) -> None:
    payment = a_payment(covers={"inv_gone": 100, "inv_part": 50, "inv_open": 20}, status=status)
    account = standing(payment, {"inv_part": 10, "inv_open": 25}).model_copy(update={"credit_minor": 7})
    paid, after = settled(payment, Approved("ref"), account)
    assert [(part.invoice_id, part.amount_minor) for part in paid.allocations] == [("inv_part", 10), ("inv_open", 20)]
    assert paid.credited_minor == 100 + 40
    assert after.credit_minor == 7 + 140
    assert {i: invoice.remaining_minor for i, invoice in after.open_invoices.items()} == {"inv_open": 5}


def test_late_money_is_booked_on_the_payment_that_had_ended_and_forgets_its_decline() -> None:
    declined, account = settled(a_payment(covers={"inv_1": 100}), ANSWERS["declined"])
    settlement = settle(account, declined, Approved("late"), NOW, POLICY)
    assert settlement.late
    assert settlement.change
    assert (settlement.payment.decline, settlement.payment.retry_at) == (None, None)
    record_set = _of(settlement, declined)
    assert record_set.values["status"] == "succeeded"
    assert record_set.values["gateway_reference"] == "late"
    assert (record_set.values["decline"], record_set.values["retry_at"]) == (None, None)


def _of(settlement: Settlement, payment: Payment) -> FieldSet:
    assert settlement.change
    (found,) = [field_set for field_set in settlement.change.sets if field_set.key == payment.key()]
    return found


def test_a_decline_says_why_and_keeps_the_gateways_reference() -> None:
    declined, account = settled(a_payment(), ANSWERS["declined"])
    assert declined.decline
    assert (declined.decline.code, declined.decline.decline_class) == ("insufficient_funds", "retry_later")
    assert declined.gateway_reference == "ref"
    assert account.open_invoices["inv_1"].remaining_minor == 10_000


def test_the_log_tells_why_an_issuer_said_no() -> None:
    settlement = settle(standing(a_payment()), a_payment(), Declined("stolen_card", "never_again"), NOW, POLICY)
    assert settlement.change
    (entry,) = [put for put in settlement.change.puts if isinstance(put, ActivityEntry)]
    assert entry.action == "payment.declined"
    assert (entry.facts["code"], entry.facts["decline_class"]) == ("stolen_card", "never_again")


def test_a_move_that_is_not_legal_is_a_defect_and_makes_no_payment() -> None:
    with pytest.raises(Broken, match="illegal_move"):
        _moved(a_payment(status="succeeded"), "canceled", NOW)


def test_an_authentication_says_where_to_go_and_is_given_one_hour() -> None:
    payment, _ = settled(a_payment(), ANSWERS["action_required"])
    assert payment.next_action == ACTION
    assert payment.next_check_at == NOW + POLICY.action_expires


def test_being_told_again_to_authenticate_gives_no_more_time() -> None:
    waits, account = settled(a_payment(), ANSWERS["action_required"])
    again = settle(account, waits, ANSWERS["action_required"], NOW.replace(hour=10), POLICY)
    assert again.payment.next_check_at == waits.next_check_at


def test_once_the_customer_has_acted_there_is_nothing_more_to_do() -> None:
    waits, account = settled(a_payment(), ANSWERS["action_required"])
    assert settled(waits, Processing("ref"), account)[0].next_action is None
    assert settled(waits, Approved("ref"), account)[0].next_action is None


def test_who_closed_a_payment_is_named_in_the_log_and_who_paid_otherwise() -> None:
    payment = a_payment()
    for answer, actor in (("closed", "user-ben"), ("approved", "user-anna"), ("declined", "user-anna")):
        settlement = settle(standing(payment), payment, ANSWERS[answer], NOW, POLICY, closing=Closing(BEN))
        assert settlement.change
        (entry,) = [record for record in settlement.change.puts if isinstance(record, ActivityEntry)]
        assert entry.actor == actor


ids = [f"inv_{n}" for n in range(5)]
amounts = st.integers(1, 100)


@given(
    covers=st.dictionaries(st.sampled_from(ids), amounts, min_size=1),
    owes=st.dictionaries(st.sampled_from(ids), amounts),
    others=st.lists(st.dictionaries(st.sampled_from(ids), amounts), max_size=2),
    status=st.sampled_from(STATUSES),
    answer=st.sampled_from(sorted(ANSWERS)),
    credit=st.integers(0, 50),
)
def test_for_any_account_status_and_answer_captured_is_allocated_plus_credited(
    covers: dict[str, int],
    owes: dict[str, int],
    others: list[dict[str, int]],
    status: PaymentStatus,
    answer: str,
    credit: int,
) -> None:
    payment = a_payment(covers=covers, status=status)
    account = standing(payment, owes).model_copy(update={"credit_minor": credit})
    beside = {f"pay_other_{n}": a_payment(f"pay_other_{n}", cover) for n, cover in enumerate(others)}
    account = account.model_copy(update={"pending": account.pending | beside})
    after_payment, after = settled(payment, ANSWERS[answer], account)
    booked = sum(part.amount_minor for part in after_payment.allocations)
    assert after_payment.amount_minor == payment.amount_minor == booked + after_payment.credited_minor
    paid_off = _open(account) - _open(after)
    credited = after.credit_minor - account.credit_minor
    took = after_payment.status == "succeeded" and status != "succeeded"
    assert paid_off + credited == (payment.amount_minor if took else 0)
    assert {i: after.pending[i] for i in beside} == beside, "other payments are not touched"


def _open(account: Account) -> int:
    return sum(invoice.remaining_minor for invoice in account.open_invoices.values())
