"""Fixtures of the journeys. Every request and answer is held to the OpenAPI document, whatever a test is about."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields

import pytest
from chalice.app import Chalice

from chalicelib import wiring
from tests.journeys.all_routes import Records, Untouched
from tests.journeys.customer import Customer
from tests.support.client import ApiClient
from tests.support.contents import Contents, contents
from tests.support.contract import Contract
from tests.support.ear import Ear, listening
from tests.support.engines import Engine
from tests.support.moto_memory import TablesUsedAgain
from tests.support.stack import Stack, stack_on
from tests.support.tokens import Tokens


@dataclass(frozen=True)
class WatchedStack(Stack):
    """A stack whose clients fail the test at the first answer that breaks the contract."""

    contract: Contract

    def client(self, *roles: str, accounts: tuple[str, ...] = ()) -> ApiClient:
        client = super().client(*roles, accounts=accounts)
        return client.over(self.contract.watching(client.transport))


@pytest.fixture(scope="session")
def moto(moto: Engine) -> Iterator[Engine]:
    """The moto of all tests; here each story is told on tables another one left empty."""
    engine = TablesUsedAgain(moto.name, moto.url, moto.client)
    yield engine
    engine.close()


@pytest.fixture
def ear() -> Iterator[Ear]:
    """Hears all that anybody logs during the test."""
    with listening() as ear:
        yield ear


@pytest.fixture(scope="session")
def contract(moto: Engine, app: Chalice, tokens: Tokens) -> Contract:
    with stack_on(moto, app, tokens) as made:
        return Contract(made.client().get("/openapi.json").body)


@pytest.fixture
def stack(moto: Engine, app: Chalice, tokens: Tokens, contract: Contract) -> Iterator[Stack]:
    with stack_on(moto, app, tokens) as made:
        yield _watched(made, contract)


@pytest.fixture(scope="module")
def _shared(moto: Engine, app: Chalice, tokens: Tokens, contract: Contract) -> Iterator[tuple[Untouched, Contents]]:
    with stack_on(moto, app, tokens) as made:
        stack = _watched(made, contract)
        acme, globex = (Records.of(Customer.of(stack, key)) for key in ("acme", "globex"))
        yield Untouched(stack, acme, globex), contents(stack)


@pytest.fixture
def untouched(_shared: tuple[Untouched, Contents]) -> Iterator[Untouched]:
    """One stack for all tests of a module that write nothing. Each fails if it did, in whatever table."""
    shared, standing = _shared
    wiring.use(shared.stack.desk)  # a test before may have had a stack of its own
    yield shared
    assert contents(shared.stack) == standing


@pytest.fixture
def make_stack(moto: Engine, app: Chalice, tokens: Tokens, contract: Contract) -> Iterator[Callable[..., Stack]]:
    """A stack of another stage's choices: `make_stack(PAYDESK_COOLDOWN_SCOPE="payment_method")`."""
    with contextlib.ExitStack() as open_stacks:
        yield lambda **variables: _watched(
            open_stacks.enter_context(stack_on(moto, app, tokens, **variables)), contract
        )


@pytest.fixture
def watched_ministack_stack(contract: Contract, ministack_stack: Stack) -> Stack:
    return _watched(ministack_stack, contract)


@pytest.fixture
def acme(stack: Stack) -> Customer:
    """A customer in euros with nothing to pay yet and no payment method."""
    return Customer.of(stack)


def _watched(made: Stack, contract: Contract) -> WatchedStack:
    return WatchedStack(**{field.name: getattr(made, field.name) for field in fields(Stack)}, contract=contract)
