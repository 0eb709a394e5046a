"""A sandbox whose table is busy, unreachable or deaf: it answers Unknown, as a real gateway would time out, and what
it wrote down unheard stands.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from botocore.exceptions import ClientError

from chalicelib.core.errors import Unavailable
from chalicelib.gateways.port import ActionRequired, Approved, Charge, Closed, Unknown
from chalicelib.gateways.sandbox import SandboxGateway
from chalicelib.gateways.sandbox_tables import DynamoDBCharges
from tests.gateways.conftest import PAGE
from tests.support.engines import Engine
from tests.support.faults import (
    Fault,
    Road,
    acknowledgement_lost,
    overtaken_by,
    refused,
    request_lost,
    server_error,
    throttled,
    unreachable,
)

VISA = Charge("pay_1", "acc_1", 12_000, "EUR", "tok_visa:acc_1:pm_1", customer_present=True)
WAITS = Charge("pay_1", "acc_1", 12_000, "EUR", "tok_requires_action:acc_1:pm_1", customer_present=True)
PASSING = pytest.mark.parametrize("fault", [throttled, server_error, request_lost, unreachable, acknowledgement_lost])
LASTING = pytest.mark.parametrize("fault", [throttled, server_error, request_lost, unreachable])


@dataclass(frozen=True)
class Sandbox:
    """The gateway, the road to its table, and the same table by an undisturbed road."""

    gateway: SandboxGateway
    road: Road
    undisturbed: SandboxGateway


@pytest.fixture
def sandbox(moto: Engine) -> Iterator[Sandbox]:
    with moto.tables() as prefix:
        client = moto.ledger_client()
        gateway = SandboxGateway(DynamoDBCharges(client, prefix), PAGE)
        other = SandboxGateway(DynamoDBCharges(moto.ledger_client(), prefix), PAGE)
        yield Sandbox(gateway, Road(client), other)


@PASSING
def test_a_charge_gets_over_passing_faults_and_is_made_once(sandbox: Sandbox, fault: Fault) -> None:
    sandbox.road.meets(fault, fault)
    assert sandbox.gateway.charge(VISA) == Approved("sbx_pay_1")
    assert sandbox.undisturbed.close("pay_1") == Approved("sbx_pay_1")


@PASSING
def test_a_close_gets_over_passing_faults(sandbox: Sandbox, fault: Fault) -> None:
    assert isinstance(sandbox.undisturbed.charge(WAITS), ActionRequired)
    sandbox.road.meets(fault, None, fault)
    assert sandbox.gateway.close("pay_1") == Closed()
    assert not sandbox.undisturbed.complete_action("pay_1", approve=True)


@LASTING
def test_a_table_that_stays_away_is_a_gateway_that_does_not_answer(sandbox: Sandbox, fault: Fault) -> None:
    sandbox.road.always_meets(fault)
    assert isinstance(sandbox.gateway.charge(VISA), Unknown)
    assert isinstance(sandbox.gateway.close("pay_1"), Unknown)
    with pytest.raises(Unavailable):
        sandbox.gateway.complete_action("pay_1", approve=True)
    assert sandbox.undisturbed.close("pay_1") == Closed()


def test_a_charge_that_was_made_unheard_is_told_by_the_close(sandbox: Sandbox) -> None:
    sandbox.road.always_meets(acknowledgement_lost)
    assert isinstance(sandbox.gateway.charge(VISA), Unknown)
    sandbox.road.always_meets(None)
    assert sandbox.gateway.close("pay_1") == Approved("sbx_pay_1")


def test_a_close_that_was_made_unheard_still_fences(sandbox: Sandbox) -> None:
    sandbox.road.always_meets(acknowledgement_lost)
    assert isinstance(sandbox.gateway.close("pay_1"), Unknown)
    assert sandbox.undisturbed.close("pay_1") == Closed()


def test_a_close_overtaken_by_the_customers_approval_tells_of_it_as_it_stands_now(sandbox: Sandbox) -> None:
    assert isinstance(sandbox.undisturbed.charge(WAITS), ActionRequired)
    approved = overtaken_by(lambda: sandbox.undisturbed.complete_action("pay_1", approve=True))
    sandbox.road.meets(None, approved)
    assert sandbox.gateway.close("pay_1") == Approved("sbx_pay_1")
    assert sandbox.road.operations == ["PutItem", "UpdateItem", "GetItem"]
    assert sandbox.road.trips[-1].body["ConsistentRead"] is True


def test_what_trying_again_cannot_help_is_raised(sandbox: Sandbox) -> None:
    for call in (
        lambda: sandbox.gateway.charge(VISA),
        lambda: sandbox.gateway.complete_action("pay_1", approve=True),
    ):
        sandbox.road.meets(refused("AccessDeniedException"))
        with pytest.raises(ClientError, match="AccessDenied"):
            call()
