"""Fixtures for everybody. Servers run on loopback, on free ports; the rest of the network is closed.

moto, ministack   DynamoDB engines (session): tests/support/engines.py
"""

import contextlib
from collections.abc import Callable, Iterator

import pytest
from chalice.app import Chalice
from hypothesis import HealthCheck, settings

from local.aws import serve_aws
from tests.support.engines import Engine, engine, isolate_environment
from tests.support.ministack import serve_ministack
from tests.support.network import close_network
from tests.support.stack import Stack, stack_on
from tests.support.tokens import Tokens

_environment = pytest.MonkeyPatch()


def pytest_configure() -> None:
    close_network()
    isolate_environment(_environment)
    # A busy machine is no counterexample.
    settings.register_profile("paydesk", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("paydesk")


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


@pytest.fixture(scope="session")
def tokens(moto: Engine) -> Tokens:
    return Tokens(moto.url)


@pytest.fixture(scope="session")
def app() -> Chalice:
    """The app as it is deployed."""
    from app import app as deployed

    return deployed


@pytest.fixture
def stack(moto: Engine, app: Chalice, tokens: Tokens) -> Iterator[Stack]:
    with stack_on(moto, app, tokens) as made:
        yield made


@pytest.fixture
def ministack_stack(ministack: Engine, app: Chalice, tokens: Tokens) -> Iterator[Stack]:
    """Its tokens still come from moto's Cognito; only the tables are elsewhere."""
    with stack_on(ministack, app, tokens) as made:
        yield made


@pytest.fixture
def make_stack(moto: Engine, app: Chalice, tokens: Tokens) -> Iterator[Callable[..., Stack]]:
    with contextlib.ExitStack() as open_stacks:
        yield lambda **variables: open_stacks.enter_context(stack_on(moto, app, tokens, **variables))
