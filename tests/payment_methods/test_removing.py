"""Removing a method; removing the default is an explicit choice."""

import pytest

from chalicelib.core.errors import Conflict, Invalid, NotFound
from chalicelib.payment_methods.keeping import OnDefault
from chalicelib.payments.models import PaymentStatus
from tests.support.builders import BEN
from tests.support.memory_desk import MemoryDesk
from tests.support.reconciling import reconcile


def remove(desk: MemoryDesk, card: str, on_default: OnDefault = "refuse", promote: str | None = None) -> None:
    desk.desk.payment_methods.remove(desk.account_id, card, BEN, on_default=on_default, promote=promote)


def listed(desk: MemoryDesk) -> list[str]:
    _, page = desk.desk.payment_methods.list(desk.account_id, limit=100, cursor=None)
    return [method.payment_method_id for method in page.items]


def test_a_removed_method_is_listed_no_more_and_cannot_pay(desk: MemoryDesk) -> None:
    kept, gone = desk.add_card(), desk.add_card()
    remove(desk, gone)
    assert listed(desk) == [kept]
    assert desk.account().method_count == 1
    desk.issue()
    with pytest.raises(Invalid, match="method_not_usable"):
        desk.pay(payment_method_id=gone)


def test_removing_again_changes_nothing(desk: MemoryDesk) -> None:
    desk.add_card()
    gone = desk.add_card()
    remove(desk, gone)
    before = desk.account()
    remove(desk, gone)
    assert desk.account() == before


def test_a_method_that_never_was_is_not_found(desk: MemoryDesk) -> None:
    with pytest.raises(NotFound):
        remove(desk, "pm_NONE")


def test_removing_the_default_is_refused_and_says_what_to_choose_from(desk: MemoryDesk) -> None:
    default = desk.add_card()
    desk.add_card()
    with pytest.raises(Conflict) as refused:
        remove(desk, default)
    assert refused.value.code == "default_method"
    assert refused.value.facts == {"choices": ["disable_autopay", "promote"]}
    assert desk.default_id() == default


def test_removing_the_default_with_disable_autopay_leaves_none_and_autopay_off(desk: MemoryDesk) -> None:
    default = desk.add_card()
    desk.add_card()
    desk.choose(default, autopay=True)
    remove(desk, default, "disable_autopay")
    assert (desk.default_id(), desk.account().autopay.enabled) == (None, False)
    entry = desk.log()[-1]
    assert (entry.action, entry.actor) == ("payment_method.removed", "user-ben")
    assert entry.facts == {"payment_method_id": default, "autopay_enabled": False}


def test_removing_the_default_with_promote_makes_another_one_the_default_and_keeps_autopay(desk: MemoryDesk) -> None:
    default, other = desk.add_card(), desk.add_card("tok_mastercard")
    desk.choose(default, autopay=True)
    remove(desk, default, "promote", other)
    assert (desk.default_id(), desk.account().autopay.enabled) == (other, True)
    entry = desk.log()[-1]
    assert entry.facts == {"payment_method_id": default, "default_payment_method_id": other}


@pytest.mark.parametrize("promoted", ["itself", "one never there", "one removed"])
def test_only_a_method_that_is_there_can_be_promoted(desk: MemoryDesk, promoted: str) -> None:
    default, gone = desk.add_card(), desk.add_card()
    remove(desk, gone)
    candidates = {"itself": default, "one never there": "pm_NONE", "one removed": gone}
    reason = "being_removed" if promoted == "itself" else "not_found"
    with pytest.raises(Invalid) as refused:
        remove(desk, default, "promote", candidates[promoted])
    assert (refused.value.code, refused.value.facts["reason"]) == ("method_not_usable", reason)
    assert desk.default_id() == default


def test_with_autopay_on_only_a_method_that_can_be_charged_is_promoted(desk: MemoryDesk) -> None:
    default, expired = desk.add_card(), desk.add_card("tok_visa_past_expiry")
    desk.choose(default, autopay=True)
    with pytest.raises(Invalid) as refused:
        remove(desk, default, "promote", expired)
    assert refused.value.facts["reason"] == "expired"
    desk.choose(default, autopay=False)
    remove(desk, default, "promote", expired)
    assert desk.default_id() == expired


@pytest.mark.parametrize(
    ("token", "status"), [("tok_requires_action", "requires_action"), ("tok_timeout_then_approved", "in_flight")]
)
def test_a_method_a_payment_is_pending_on_stays_until_that_payment_has_ended(
    desk: MemoryDesk, token: str, status: PaymentStatus
) -> None:
    desk.issue()
    desk.add_card()
    payment = desk.pay_with(token)
    assert payment.status == status
    method = payment.method.payment_method_id
    with pytest.raises(Conflict) as refused:
        remove(desk, method)
    assert (refused.value.code, refused.value.facts) == ("method_in_use", {"payment_ids": [payment.payment_id]})
    desk.advance(hours=1)
    reconcile(desk.desk)
    remove(desk, method)


def test_a_payment_reserved_at_the_same_moment_keeps_its_method(desk: MemoryDesk) -> None:
    desk.issue()
    desk.add_card()
    method = desk.add_card("tok_requires_action")
    desk.ledger.before_commit.plan(lambda: desk.pay(payment_method_id=method))
    with pytest.raises(Conflict, match="method_in_use"):
        remove(desk, method)


def test_a_method_removed_at_the_same_moment_is_not_charged(desk: MemoryDesk) -> None:
    desk.issue()
    desk.add_card()
    method = desk.add_card("tok_mastercard")
    desk.ledger.before_commit.plan(lambda: remove(desk, method))
    with pytest.raises(Invalid, match="method_not_usable"):
        desk.pay(payment_method_id=method)
    assert desk.charges.rows == {}


def test_a_method_removed_just_before_it_is_read_is_not_charged(desk: MemoryDesk) -> None:
    desk.issue()
    gone = (desk.add_card(), desk.add_card())[1]
    desk.ledger.before_read.plan(lambda: remove(desk, gone))
    with pytest.raises(Invalid, match="method_not_usable"):
        desk.pay(payment_method_id=gone)


def test_a_method_removed_just_before_it_is_read_is_not_promoted(desk: MemoryDesk) -> None:
    """Read with its account: read before it, the method could be older than the version that guards the choice."""
    default, other = desk.add_card(), desk.add_card()
    desk.ledger.before_read.plan(lambda: remove(desk, other))
    with pytest.raises(Invalid, match="method_not_usable"):
        remove(desk, default, "promote", other)
    assert listed(desk) == [default]


def test_the_next_card_becomes_the_default_where_none_was_left(desk: MemoryDesk) -> None:
    remove(desk, desk.add_card(), "disable_autopay")
    assert desk.default_id() is None
    added = desk.add_card()
    assert desk.default_id() == added


@pytest.mark.parametrize("limit", [1, 2, 4, 5])
def test_pages_of_methods_hold_each_active_one_once(desk: MemoryDesk, limit: int) -> None:
    cards = [desk.add_card() for _ in range(6)]
    remove(desk, cards[2])
    found: list[str] = []
    cursor = None
    while True:
        _, page = desk.desk.payment_methods.list(desk.account_id, limit=limit, cursor=cursor)
        found += [method.payment_method_id for method in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert sorted(found) == sorted([*cards[:2], *cards[3:]])


def test_methods_of_an_account_that_is_not_there_are_not_found(desk: MemoryDesk) -> None:
    with pytest.raises(NotFound):
        desk.desk.payment_methods.list("acc_NOBODY", limit=1, cursor=None)
