"""The sandbox gateway on every table it can keep its charges in."""

from collections.abc import Iterator

import pytest

from chalicelib.gateways.sandbox import ChargeTable, SandboxGateway
from chalicelib.gateways.sandbox_tables import DynamoDBCharges, MemoryCharges
from tests.support.engines import Engine

PAGE = "https://pay.example.com/sandbox"


def _charges(request: pytest.FixtureRequest) -> Iterator[ChargeTable]:
    if request.param == "memory":
        yield MemoryCharges()
        return
    engine: Engine = request.getfixturevalue(request.param)
    with engine.tables() as prefix:
        yield DynamoDBCharges(engine.ledger_client(), prefix)


charges = pytest.fixture(params=["memory", "moto", "ministack"])(_charges)
threadsafe_charges = pytest.fixture(params=["memory", "ministack"])(_charges)  # moto loses writes under threads


@pytest.fixture
def gateway(charges: ChargeTable) -> SandboxGateway:
    return SandboxGateway(charges, PAGE + "/")
