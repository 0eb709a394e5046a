"""The calls Paydesk makes to DynamoDB, recorded on their way, and made again for other accounts by a bare client.

That is the bare side of every comparison: the same operations, conditions and items, and nothing decided.
"""

import contextlib
import copy
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import boto3
from botocore import xform_name
from botocore.config import Config

from chalicelib.core.ids import random_id

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_COMMIT_ID = re.compile(r'"commit_id": \{"S": "(\w+)"\}')


@dataclass(frozen=True)
class Call:
    """`operation` as DynamoDB names it; `parameters` as they reach boto3."""

    operation: str
    parameters: Mapping[str, Any]

    @property
    def method(self) -> str:
        """What boto3's client calls the operation."""
        return str(xform_name(self.operation))


class Tape:
    """Recorded calls. `calls` grows while they are recorded."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    @property
    def operations(self) -> list[str]:
        return [call.operation for call in self.calls]

    def only(self, *operations: str) -> "Tape":
        """The calls of these operations."""
        part = Tape()
        part.calls = [call for call in self.calls if call.operation in operations]
        return part

    def for_others(self, names: Mapping[str, str]) -> list[Call]:
        """The calls with names replaced wherever they stand, and with commit ids of their own. Names keep their
        length, so items keep their size.
        """
        assert all(len(old) == len(new) for old, new in names.items()), "another length is another item"
        text = json.dumps([[call.operation, call.parameters] for call in self.calls])
        for commit_id in set(_COMMIT_ID.findall(text)):
            text = text.replace(commit_id, random_id())
        for old, new in names.items():
            text = text.replace(old, new)
        return [Call(operation, parameters) for operation, parameters in json.loads(text)]


@contextlib.contextmanager
def recording(client: "DynamoDBClient") -> Iterator[Tape]:
    """Records the calls a client makes inside."""
    tape = Tape()

    def record(params: dict[str, Any], model: Any, **_: Any) -> None:
        tape.calls.append(Call(model.name, copy.deepcopy(params)))

    events = cast(Any, client.meta.events)  # the stubs know only of handlers that answer nothing
    events.register("before-parameter-build.dynamodb", record)
    try:
        yield tape
    finally:
        events.unregister("before-parameter-build.dynamodb", record)


def bare_client() -> "DynamoDBClient":
    """Paydesk's client, but for its patience: a bare script does not try again when a busy machine lets it wait."""
    return boto3.client(
        "dynamodb",
        config=Config(
            connect_timeout=60,
            read_timeout=60,
            parameter_validation=False,
            max_pool_connections=64,
            retries={"total_max_attempts": 1, "mode": "standard"},
        ),
    )


def play(client: "DynamoDBClient", calls: list[Call]) -> None:
    """Makes the calls one after another. Raises ClientError when one is refused: then it was not the same call."""
    for call in calls:
        getattr(client, call.method)(**call.parameters)
