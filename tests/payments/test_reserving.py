"""Whether a payment may be taken now: currency, method, cooldown, limit. And what it then looks like."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, Literal

import pytest

from chalicelib.core.errors import Invalid, TooSoon
from chalicelib.payments.models import Trigger
from chalicelib.payments.reserving import reserve
from tests.support.builders import ANNA, NOW, POLICY, TODAY, a_method, a_payment, an_account, an_order


def test_a_reserved_payment_is_in_flight_and_covers_what_it_is_for() -> None:
    payment = reserve(an_account({"inv_1": 100}), an_order(amount_minor=60), NOW, POLICY)
    assert (payment.status, payment.amount_minor, payment.currency) == ("in_flight", 60, "EUR")
    assert [(part.invoice_id, part.amount_minor) for part in payment.allocations] == [("inv_1", 60)]
    assert (payment.actor, payment.trigger, payment.method) == (ANNA, "manual", a_method())
    assert (payment.reserved_at, payment.settled_at, payment.checks) == (NOW, None, 0)


def test_it_is_checked_for_the_first_time_after_five_minutes() -> None:
    payment = reserve(an_account({"inv_1": 100}), an_order(), NOW, POLICY)
    assert payment.next_check_at == NOW + timedelta(minutes=5)


@pytest.mark.parametrize("currency", ["EUR", None])
def test_the_accounts_currency_may_be_named_or_not(currency: str | None) -> None:
    assert reserve(an_account({"inv_1": 100}), an_order(currency=currency), NOW, POLICY).currency == "EUR"


def test_another_currency_is_refused() -> None:
    with pytest.raises(Invalid) as refused:
        reserve(an_account({"inv_1": 100}), an_order(currency="USD"), NOW, POLICY)
    assert (refused.value.code, refused.value.facts) == ("wrong_currency", {"currency": "EUR"})


@pytest.mark.parametrize(
    ("method", "reason"),
    [
        (a_method(last_usable_on=TODAY - timedelta(days=1)), "expired"),
        (a_method(usable_from=NOW + timedelta(seconds=1)), "not_yet_usable"),
        (a_method(kind="check"), "check"),
    ],
)
def test_a_method_that_cannot_be_charged_is_refused_and_says_why(method: Any, reason: str) -> None:
    with pytest.raises(Invalid) as refused:
        reserve(an_account({"inv_1": 100}), an_order(method=method), NOW, POLICY)
    assert (refused.value.code, refused.value.facts) == (
        "method_not_usable",
        {"payment_method_id": "pm_VISA", "reason": reason},
    )


Scope = Literal["account", "payment_method"]


@pytest.mark.parametrize(
    ("scope", "cooling", "method", "waits"),
    [
        ("account", "account", "sandbox_visa", True),
        ("account", "account", "sandbox_other", True),
        ("account", "sandbox_visa", "sandbox_visa", False),
        ("payment_method", "sandbox_visa", "sandbox_visa", True),
        ("payment_method", "sandbox_visa", "sandbox_other", False),
        ("payment_method", "account", "sandbox_visa", False),
    ],
)
@pytest.mark.parametrize("trigger", ["manual", "autopay"])
def test_a_manual_payment_waits_while_its_account_or_method_cools_down(
    scope: Scope, cooling: str, method: str, waits: bool, trigger: Trigger
) -> None:
    until = NOW + timedelta(hours=1)
    account = an_account({"inv_1": 100}, cooldowns={cooling: until})
    order = an_order(method=a_method(fingerprint=method), trigger=trigger)
    policy = replace(POLICY, cooldown_scope=scope)
    if waits and trigger == "manual":
        with pytest.raises(TooSoon) as refused:
            reserve(account, order, until - timedelta(minutes=1), policy)
        assert refused.value.code == "cooling_down"
        assert refused.value.facts == {"retry_at": until, "scope": scope}
        with pytest.raises(TooSoon):
            reserve(account, order, until - timedelta(milliseconds=1), policy)
    else:
        assert reserve(account, order, until - timedelta(minutes=1), policy).status == "in_flight"
    assert reserve(account, order, until, policy).status == "in_flight"


def test_the_twentieth_pending_payment_is_reserved_and_the_next_refused() -> None:
    pending = [a_payment(f"pay_{n}", {"inv_1": 1}) for n in range(20)]
    account = an_account({"inv_1": 100}, pending=pending[:19])
    assert reserve(account, an_order(amount_minor=1), NOW, POLICY).amount_minor == 1
    with pytest.raises(Invalid) as refused:
        reserve(an_account({"inv_1": 100}, pending=pending), an_order(amount_minor=1), NOW, POLICY)
    assert (refused.value.code, refused.value.facts) == ("limit_reached", {"what": "pending_payments", "limit": 20})
