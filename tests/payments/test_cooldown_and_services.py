"""What a settlement does beyond the payment: the cooldown after a decline, suspended services coming back."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.accounts.models import Account
from chalicelib.activity.models import PAYDESK, ActivityEntry
from chalicelib.gateways.port import Approved, Closed, Declined, NotSent
from chalicelib.payments.models import Payment, PaymentStatus, Trigger
from chalicelib.payments.moves import PENDING
from chalicelib.payments.reserving import PaymentPolicy
from chalicelib.payments.settling import Answer, settle
from tests.support.builders import NOW, POLICY, a_method, a_payment, owed, suspended_account
from tests.support.builders import an_account as an_active_account

DECLINED = Declined("do_not_honor", "retry_later", "ref")
BY_METHOD = replace(POLICY, cooldown_scope="payment_method")


def settled(
    payment: Payment, answer: Answer, policy: PaymentPolicy = POLICY, **account: Any
) -> tuple[Payment, Account]:
    before = an_active_account({"inv_1": 10_000}, pending=[payment], **account)
    settlement = settle(before, payment, answer, NOW, policy)
    assert settlement.change
    return settlement.payment, settlement.change.account


def test_a_declined_payment_may_be_tried_again_after_one_hour() -> None:
    declined, account = settled(a_payment(), DECLINED)
    assert declined.retry_at == NOW + timedelta(hours=1)
    assert account.cooldowns == {"account": NOW + timedelta(hours=1)}


def test_the_cooldown_may_hold_for_the_method_alone() -> None:
    payment = a_payment(method=a_method(fingerprint="the same card"))
    _, account = settled(payment, DECLINED, BY_METHOD)
    assert account.cooldowns == {"the same card": NOW + timedelta(hours=1)}


def test_how_long_it_lasts_is_static_config() -> None:
    declined, _ = settled(a_payment(), DECLINED, replace(POLICY, cooldown=timedelta(seconds=90)))
    assert declined.retry_at == NOW + timedelta(seconds=90)


@pytest.mark.parametrize("trigger", ["autopay", "check"])
def test_a_decline_nobody_asked_for_by_hand_starts_no_cooldown(trigger: Trigger) -> None:
    declined, account = settled(a_payment(trigger=trigger), DECLINED)
    assert (declined.retry_at, account.cooldowns) == (None, {})


@pytest.mark.parametrize("answer", [Approved("ref"), Closed(), NotSent("refused")])
def test_whatever_is_no_decline_starts_no_cooldown(answer: Answer) -> None:
    ended, account = settled(a_payment(), answer)
    assert (ended.retry_at, account.cooldowns) == (None, {})


def test_cooldowns_that_are_over_are_forgotten_and_others_kept() -> None:
    cooldowns = {"long over": NOW - timedelta(days=1), "just over": NOW, "still on": NOW + timedelta(minutes=1)}
    _, account = settled(a_payment(method=a_method(fingerprint="new")), DECLINED, BY_METHOD, cooldowns=cooldowns)
    assert set(account.cooldowns) == {"still on", "new"}


@pytest.mark.parametrize("status", sorted(PENDING | {"canceled", "declined"}))
def test_paying_all_that_is_overdue_brings_services_back_in_the_same_change(status: PaymentStatus) -> None:
    payment = a_payment(covers={"inv_late": 100}, status=status)
    pending = [payment] if status in PENDING else []
    account = suspended_account({"inv_late": owed(100, due_in_days=-1), "inv_next": 500}, pending=pending)
    settlement = settle(account, payment, Approved("ref"), NOW, POLICY)
    assert settlement.change
    assert (settlement.change.account.services.status, settlement.change.account.services.since) == ("active", NOW)
    entries = [record for record in settlement.change.puts if isinstance(record, ActivityEntry)]
    assert (entries[1].action, entries[1].actor) == ("services.reactivated", PAYDESK.subject)
    assert entries[1].facts == {"payment_id": "pay_1"}
    assert [entry.sequence for entry in entries] == [1, 2]


def test_paying_all_but_a_cent_of_what_is_overdue_does_not() -> None:
    payment = a_payment(covers={"inv_late": 99})
    account = suspended_account({"inv_late": owed(100, due_in_days=-1)}, pending=[payment])
    settlement = settle(account, payment, Approved("ref"), NOW, POLICY)
    assert settlement.change
    assert settlement.change.account.services.status == "suspended"


def test_paying_something_else_than_what_is_overdue_does_not() -> None:
    payment = a_payment(covers={"inv_next": 500})
    account = suspended_account({"inv_late": owed(1, due_in_days=-1), "inv_next": 500}, pending=[payment])
    settlement = settle(account, payment, Approved("ref"), NOW, POLICY)
    assert settlement.change
    assert settlement.change.account.services.status == "suspended"


@pytest.mark.parametrize("answer", [DECLINED, Closed(), NotSent("refused")])
def test_no_money_no_services(answer: Answer) -> None:
    payment = a_payment(covers={"inv_late": 100})
    account = suspended_account({"inv_late": owed(100, due_in_days=-1)}, pending=[payment])
    settlement = settle(account, payment, answer, NOW, POLICY)
    assert settlement.change
    assert settlement.change.account.services == account.services


def test_active_services_are_not_reactivated_again() -> None:
    settlement = settle(
        an_active_account({"inv_1": 10_000}, pending=[a_payment()]), a_payment(), Approved("ref"), NOW, POLICY
    )
    assert settlement.change
    entries = [record for record in settlement.change.puts if isinstance(record, ActivityEntry)]
    assert [entry.action for entry in entries] == ["payment.succeeded"]
