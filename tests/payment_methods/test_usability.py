"""Whether a method may be charged, how it is called, until when a card is good."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from chalicelib.payment_methods.models import (
    BankDebit,
    Check,
    Mandate,
    MethodKind,
    PaymentMethodRecord,
    PayPal,
)
from chalicelib.payment_methods.rules import label, last_day, snapshot, why_not_usable
from tests.support.builders import NOW, TODAY, a_card, a_method

COMMON: dict[str, Any] = {
    "account_id": "acc_ACME",
    "payment_method_id": "pm_1",
    "gateway": "sandbox",
    "gateway_reference": "ref",
    "fingerprint": "same",
    "request_fingerprint": "added",
    "added_at": NOW,
}
MANDATE = Mandate(reference="M-1", accepted_at=NOW, accepted_by="user-anna")
EVERY_KIND: list[tuple[PaymentMethodRecord, str]] = [
    (a_card(), "Visa •••• 4242"),
    (a_card(brand="american_express", last4="0005"), "American Express •••• 0005"),
    (a_card(brand="a_new_brand"), "a_new_brand •••• 4242"),
    (BankDebit(bank="Sparkasse", last4="6789", mandate=MANDATE, **COMMON), "Sparkasse •••• 6789"),
    (PayPal(payer="ap@example.com", **COMMON), "PayPal ap@example.com"),
    (Check(payable_to="Paydesk Ltd", **COMMON), "Check to Paydesk Ltd"),
]
EACH_KIND = pytest.mark.parametrize(("method", "called"), EVERY_KIND, ids=[name for _, name in EVERY_KIND])


@EACH_KIND
def test_a_method_is_called_by_what_people_recognise(method: PaymentMethodRecord, called: str) -> None:
    assert label(method) == called


@EACH_KIND
def test_each_kind_is_read_back_as_what_it_is(method: PaymentMethodRecord, called: str) -> None:
    read = PaymentMethodRecord.parse(method.item())
    assert type(read) is type(method)
    assert read == method


@EACH_KIND
def test_the_copy_holds_all_that_charging_needs(method: PaymentMethodRecord, called: str) -> None:
    copy = snapshot(method)
    assert (copy.payment_method_id, copy.kind, copy.label) == (method.payment_method_id, method.kind, called)
    assert (copy.gateway, copy.gateway_reference) == (method.gateway, method.gateway_reference)
    assert copy.fingerprint == method.fingerprint
    assert (copy.last_usable_on is not None) == (method.kind == "card")


def test_an_unknown_kind_cannot_be_read() -> None:
    with pytest.raises(ValidationError):
        PaymentMethodRecord.parse(a_card().item() | {"kind": "cash"})


@pytest.mark.parametrize(
    ("year", "month", "day"), [(2026, 1, 31), (2026, 2, 28), (2028, 2, 29), (2026, 4, 30), (2039, 12, 31)]
)
def test_a_card_is_good_through_the_last_day_of_its_month(year: int, month: int, day: int) -> None:
    assert last_day(year, month) == date(year, month, day)
    assert snapshot(a_card(expires_year=year, expires_month=month)).last_usable_on == date(year, month, day)


@pytest.mark.parametrize(
    ("kind", "fields", "reason"),
    [
        ("card", {}, None),
        ("card", {"last_usable_on": TODAY}, None),
        ("card", {"last_usable_on": TODAY - timedelta(days=1)}, "expired"),
        ("bank_debit", {"last_usable_on": None}, None),
        ("bank_debit", {"usable_from": NOW}, None),
        ("bank_debit", {"usable_from": NOW + timedelta(milliseconds=1)}, "not_yet_usable"),
        ("paypal", {"last_usable_on": None}, None),
        ("check", {"last_usable_on": None}, "check"),
    ],
)
def test_a_method_can_be_charged_unless_it_is_a_check_expired_or_not_confirmed(
    kind: MethodKind, fields: dict[str, Any], reason: str | None
) -> None:
    assert why_not_usable(a_method(kind=kind, **fields), NOW, TODAY) == reason


def test_a_card_expires_at_the_customers_midnight() -> None:
    card = snapshot(a_card(expires_year=2026, expires_month=3))
    late = datetime(2026, 3, 31, 23, 0, tzinfo=UTC)
    assert why_not_usable(card, late, date(2026, 3, 31)) is None
    assert why_not_usable(card, late, date(2026, 4, 1)) == "expired"
