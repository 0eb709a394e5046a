"""Every named instrument of the sandbox does what its name says."""

from typing import get_args

import pytest

from chalicelib.gateways.instruments import CARDS, DECLINES, Behaviour
from chalicelib.gateways.port import (
    ActionRequired,
    Approved,
    AttachedCard,
    Charge,
    Closed,
    Declined,
    NotSent,
    TokenRefused,
    Unknown,
)
from chalicelib.gateways.sandbox import SandboxGateway
from chalicelib.gateways.sandbox_tables import MemoryCharges
from chalicelib.payments.models import DeclineClass

APPROVED = ["tok_visa", "tok_mastercard", "tok_amex", "tok_discover", "tok_diners", "tok_visa_past_expiry"]
CHARGED: dict[str, tuple[type, type]] = {
    **dict.fromkeys(APPROVED, (Approved, Approved)),
    **{f"tok_{code}": (Declined, Declined) for code in DECLINES},
    "tok_requires_action": (ActionRequired, Closed),
    "tok_not_sent": (NotSent, Closed),
    "tok_timeout_then_approved": (Unknown, Approved),
    "tok_timeout_then_declined": (Unknown, Declined),
    "tok_timeout_not_charged": (Unknown, Closed),
    "tok_never_answers": (Unknown, Unknown),
}
"""What a charge answers, and what a close says of it afterwards."""

ATTACHED: dict[str, type] = {
    **dict.fromkeys(CHARGED, AttachedCard),
    "tok_refused_at_attach": TokenRefused,
    "tok_timeout_at_attach": Unknown,
}


@pytest.fixture
def gateway() -> SandboxGateway:
    return SandboxGateway(MemoryCharges(), "https://pay.example.com/sandbox")


def a_charge(token: str, *, customer_present: bool = True) -> Charge:
    return Charge("pay_1", "acc_1", 100, "EUR", f"{token}:acc_1:pm_1", customer_present)


def test_every_instrument_and_every_behaviour_is_tested_here() -> None:
    assert set(ATTACHED) == set(CARDS)
    assert {card.behaviour for card in CARDS.values()} == set(get_args(Behaviour))


@pytest.mark.parametrize(("token", "answer"), sorted(ATTACHED.items()))
def test_an_instrument_is_attached_or_refused(gateway: SandboxGateway, token: str, answer: type) -> None:
    assert type(gateway.attach_card("acc_1", "pm_1", token)) is answer


@pytest.mark.parametrize(("token", "answers"), sorted(CHARGED.items()))
def test_an_instrument_is_charged_as_its_name_says(
    gateway: SandboxGateway, token: str, answers: tuple[type, type]
) -> None:
    assert (type(gateway.charge(a_charge(token))), type(gateway.close("pay_1"))) == answers


@pytest.mark.parametrize(("code", "decline_class"), sorted(DECLINES.items()))
def test_a_decline_names_its_code_and_its_class(
    gateway: SandboxGateway, code: str, decline_class: DeclineClass
) -> None:
    assert gateway.charge(a_charge(f"tok_{code}")) == Declined(code, decline_class, "sbx_pay_1")


def test_every_class_of_declines_can_be_met() -> None:
    assert set(DECLINES.values()) == set(get_args(DeclineClass))


def test_a_token_nobody_knows_is_refused(gateway: SandboxGateway) -> None:
    assert gateway.attach_card("acc_1", "pm_1", "tok_nothing") == TokenRefused("token_unknown")


def test_where_nobody_is_there_to_authenticate_the_bank_declines(gateway: SandboxGateway) -> None:
    outcome = gateway.charge(a_charge("tok_requires_action", customer_present=False))
    assert outcome == Declined("authentication_required", "needs_customer", "sbx_pay_1")


def test_the_same_card_has_one_fingerprint_and_a_reference_for_each_time_it_is_kept(gateway: SandboxGateway) -> None:
    first = gateway.attach_card("acc_1", "pm_1", "tok_visa")
    again = gateway.attach_card("acc_1", "pm_1", "tok_visa")
    second = gateway.attach_card("acc_1", "pm_2", "tok_visa")
    other = gateway.attach_card("acc_1", "pm_3", "tok_amex")
    assert isinstance(first, AttachedCard)
    assert isinstance(second, AttachedCard)
    assert isinstance(other, AttachedCard)
    assert again == first
    assert first.fingerprint == second.fingerprint != other.fingerprint
    assert first.reference != second.reference


@pytest.mark.parametrize(
    ("token", "brand", "last4"),
    [
        ("tok_visa", "visa", "4242"),
        ("tok_mastercard", "mastercard", "4444"),
        ("tok_amex", "american_express", "0005"),
        ("tok_discover", "discover", "1117"),
    ],
)
def test_the_four_brands_are_there(gateway: SandboxGateway, token: str, brand: str, last4: str) -> None:
    card = gateway.attach_card("acc_1", "pm_1", token)
    assert isinstance(card, AttachedCard)
    assert (card.brand, card.last4) == (brand, last4)


def test_forgetting_a_method_may_be_done_any_number_of_times(gateway: SandboxGateway) -> None:
    for _ in range(2):
        gateway.detach("tok_visa:acc_1:pm_1")
