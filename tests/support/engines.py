"""The DynamoDB engines tests run on, each with tables made from `.chalice/resources.json`."""

import contextlib
import itertools
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from chalicelib.ledger.dynamodb import dynamodb_client
from local import aws
from local.resources import create_tables, delete_tables
from local.stage import Stage

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Engine:
    """A DynamoDB on loopback. `client` is for looking into tables; Paydesk's own comes from `ledger_client`."""

    name: str
    url: str
    client: "DynamoDBClient"

    @contextlib.contextmanager
    def tables(self) -> Iterator[str]:
        """All tables, empty, under a prefix nobody else uses; yields the prefix and drops the tables at the end."""
        prefix = f"test-{next(_numbers)}-"
        names = create_tables(self.client, Stage(), prefix)
        try:
            yield prefix
        finally:
            delete_tables(self.client, names)

    @contextlib.contextmanager
    def environment(self) -> Iterator[None]:
        """Clients made inside talk to this engine, and go on doing so outside."""
        with environment(aws.environment(self.url)):
            yield

    def ledger_client(self) -> "DynamoDBClient":
        """A client as Paydesk makes it, talking to this engine."""
        with self.environment():
            return dynamodb_client()


def engine(name: str, url: str) -> Engine:
    return Engine(name, url, aws.dynamodb(url))


@contextlib.contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """The process's environment with some variables set, and as it was afterwards."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        yield


def isolate_environment(patch: pytest.MonkeyPatch) -> None:
    """Nothing of the person who runs the tests: no profile, no credentials, no proxy, no setting of Paydesk.

    Clients made without naming an engine reach nobody.
    """
    for name in list(os.environ):
        if name.startswith(("AWS_", "PAYDESK_", "POWERTOOLS_")) or name.lower().endswith("_proxy"):
            patch.delenv(name)
    for name, value in aws.environment("http://127.0.0.1:1").items():
        patch.setenv(name, value)
    patch.setenv("AWS_CONFIG_FILE", os.devnull)
    patch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    for name, value in Stage().environment().items():
        if name.startswith("POWERTOOLS_"):
            patch.setenv(name, value)
