"""What every gateway promises, shown on the sandbox: a charge happens once under its key, and close is a fence."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from threading import Barrier

import pytest

from chalicelib.core.errors import Broken
from chalicelib.gateways.port import ActionRequired, Approved, Charge, Closed, Declined, NotSent, Unknown
from chalicelib.gateways.sandbox import ChargeTable, SandboxGateway
from tests.gateways.conftest import PAGE

VISA = Charge(
    payment_id="pay_1",
    account_id="acc_1",
    amount_minor=12_000,
    currency="EUR",
    method_reference="tok_visa:acc_1:pm_1",
    customer_present=True,
)


def with_card(token: str, payment_id: str = "pay_1") -> Charge:
    return replace(VISA, payment_id=payment_id, method_reference=f"{token}:acc_1:pm_1")


def test_a_charge_is_approved_and_named(gateway: SandboxGateway) -> None:
    assert gateway.charge(VISA) == Approved("sbx_pay_1")


@pytest.mark.parametrize("token", ["tok_visa", "tok_insufficient_funds", "tok_requires_action"])
def test_a_charge_asked_for_again_answers_what_happened(
    gateway: SandboxGateway, charges: ChargeTable, token: str
) -> None:
    first = gateway.charge(with_card(token))
    row = charges.get("pay_1")
    assert [gateway.charge(with_card(token)) for _ in range(3)] == [first] * 3
    assert charges.get("pay_1") == row


def test_two_keys_are_two_charges(gateway: SandboxGateway, charges: ChargeTable) -> None:
    for payment_id in ("pay_1", "pay_2"):
        assert gateway.charge(replace(VISA, payment_id=payment_id)) == Approved(f"sbx_{payment_id}")
    assert [(charges.get(key) or {}).get("state") for key in ("pay_1", "pay_2")] == ["approved"] * 2


def test_a_key_used_for_another_amount_is_a_defect_and_charges_nothing(
    gateway: SandboxGateway, charges: ChargeTable
) -> None:
    gateway.charge(VISA)
    with pytest.raises(Broken, match="gateway_key_reused"):
        gateway.charge(replace(VISA, amount_minor=1))
    assert (charges.get("pay_1") or {})["amount_minor"] == 12_000


def test_a_charge_carries_what_its_events_need_to_find_their_way_back(
    gateway: SandboxGateway, charges: ChargeTable
) -> None:
    gateway.charge(VISA)
    row = charges.get("pay_1")
    assert row == {"state": "approved", "account_id": "acc_1", "amount_minor": 12_000, "currency": "EUR"}


@pytest.mark.parametrize("token", ["tok_visa", "tok_insufficient_funds", "tok_requires_action"])
def test_after_a_close_no_charge_can_happen_under_that_key(
    gateway: SandboxGateway, charges: ChargeTable, token: str
) -> None:
    assert gateway.close("pay_1") == Closed()
    assert isinstance(gateway.charge(with_card(token)), NotSent)
    assert (charges.get("pay_1") or {})["state"] == "void"
    assert gateway.close("pay_1") == Closed()


@pytest.mark.parametrize("token", ["tok_timeout_then_approved", "tok_timeout_then_declined"])
def test_after_a_close_a_charge_without_an_answer_did_not_happen_either(gateway: SandboxGateway, token: str) -> None:
    assert gateway.close("pay_1") == Closed()
    assert isinstance(gateway.charge(with_card(token)), Unknown)
    assert gateway.close("pay_1") == Closed()


@pytest.mark.parametrize(
    ("token", "outcome"),
    [
        ("tok_visa", Approved("sbx_pay_1")),
        ("tok_timeout_then_approved", Approved("sbx_pay_1")),
        ("tok_insufficient_funds", Declined("insufficient_funds", "retry_later", "sbx_pay_1")),
        ("tok_timeout_then_declined", Declined("insufficient_funds", "retry_later", "sbx_pay_1")),
        ("tok_requires_action", Closed()),
        ("tok_timeout_not_charged", Closed()),
        ("tok_not_sent", Closed()),
    ],
)
def test_a_close_after_a_charge_tells_what_happened_every_time(
    gateway: SandboxGateway, token: str, outcome: object
) -> None:
    gateway.charge(with_card(token))
    assert [gateway.close("pay_1") for _ in range(3)] == [outcome] * 3


def test_a_close_concerns_its_own_key_only(gateway: SandboxGateway) -> None:
    gateway.close("pay_1")
    assert gateway.charge(replace(VISA, payment_id="pay_2")) == Approved("sbx_pay_2")


@pytest.mark.parametrize(
    ("approve", "outcome"),
    [
        (True, Approved("sbx_pay_1")),
        (False, Declined("authentication_failed", "needs_customer", "sbx_pay_1")),
    ],
)
def test_what_the_customer_decided_before_the_close_stands(
    gateway: SandboxGateway, approve: bool, outcome: object
) -> None:
    asked = gateway.charge(with_card("tok_requires_action"))
    assert isinstance(asked, ActionRequired)
    assert asked.next_action.url == f"{PAGE}/pay_1"
    assert gateway.complete_action("pay_1", approve=approve)
    assert gateway.close("pay_1") == gateway.charge(with_card("tok_requires_action")) == outcome


@pytest.mark.parametrize("approve", [True, False])
def test_after_the_close_the_customer_decides_nothing_any_more(gateway: SandboxGateway, approve: bool) -> None:
    gateway.charge(with_card("tok_requires_action"))
    gateway.close("pay_1")
    assert not gateway.complete_action("pay_1", approve=approve)
    assert gateway.close("pay_1") == Closed()


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("second", [True, False])
def test_the_customer_decides_once(gateway: SandboxGateway, first: bool, second: bool) -> None:
    gateway.charge(with_card("tok_requires_action"))
    assert gateway.complete_action("pay_1", approve=first)
    assert not gateway.complete_action("pay_1", approve=second)


@pytest.mark.parametrize("token", ["tok_visa", "tok_insufficient_funds"])
def test_there_is_nothing_to_decide_about_any_other_charge(gateway: SandboxGateway, token: str) -> None:
    assert not gateway.complete_action("pay_1", approve=True)
    before = gateway.charge(with_card(token))
    assert not gateway.complete_action("pay_1", approve=True)
    assert gateway.close("pay_1") == before


def all_at_once(*calls: Callable[[], object]) -> list[object]:
    """The answers of calls that start in the same moment, each in a thread of its own."""
    start = Barrier(len(calls))

    def run(call: Callable[[], object]) -> object:
        start.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(run, calls))


def test_of_charges_and_closes_at_once_all_tell_the_same_story(threadsafe_charges: ChargeTable) -> None:
    gateway = SandboxGateway(threadsafe_charges, PAGE)
    for number in range(30):
        charge = replace(VISA, payment_id=f"pay_{number}")
        both: list[Callable[[], object]] = [partial(gateway.charge, charge), partial(gateway.close, charge.payment_id)]
        answers = all_at_once(*both * 4)
        charged, closed = answers[::2], answers[1::2]
        if isinstance(gateway.close(charge.payment_id), Approved):
            assert all(isinstance(answer, Approved) for answer in [*charged, *closed])
        else:
            assert all(isinstance(answer, NotSent) for answer in charged)
            assert all(isinstance(answer, Closed) for answer in closed)


def test_a_customer_who_approves_while_the_charge_is_closed_has_paid_or_has_not(
    threadsafe_charges: ChargeTable,
) -> None:
    gateway = SandboxGateway(threadsafe_charges, PAGE)
    for number in range(30):
        payment_id = f"pay_{number}"
        gateway.charge(with_card("tok_requires_action", payment_id))
        approve = partial(gateway.complete_action, payment_id, approve=True)
        answers = all_at_once(*[approve] * 4, *[partial(gateway.close, payment_id)] * 4)
        approved, closed = answers[:4], answers[4:]
        assert sorted(map(bool, approved)) in ([False] * 4, [False, False, False, True])
        assert set(map(type, closed)) == ({Approved} if any(approved) else {Closed})
