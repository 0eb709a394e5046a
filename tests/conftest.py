"""Fixtures for everybody. Servers run on loopback, on free ports; the rest of the network is closed.

moto, ministack   DynamoDB engines (session): tests/support/engines.py
"""

from collections.abc import Iterator

import pytest

from local.aws import serve_aws
from tests.support.engines import Engine, engine, isolate_environment
from tests.support.ministack import serve_ministack
from tests.support.network import close_network

_environment = pytest.MonkeyPatch()


def pytest_configure() -> None:
    close_network()
    isolate_environment(_environment)


def pytest_unconfigure() -> None:
    _environment.undo()


@pytest.fixture(scope="session")
def moto() -> Iterator[Engine]:
    """DynamoDB and Cognito. Calls are served one after another: nothing about races can be shown here."""
    with serve_aws() as url:
        yield engine("moto", url)


@pytest.fixture(scope="session")
def ministack() -> Iterator[Engine]:
    """A DynamoDB that isolates transactions under threads: for races, and as the second opinion on the ledger."""
    with serve_ministack() as url:
        yield engine("ministack", url)
