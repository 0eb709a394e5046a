"""moto runs in this process, so what its tables hold can be looked at, and thrown away, without a request.

Making nine tables takes longer than most stories that are told on them, and so does scanning them.
"""

import contextlib
import copy
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from moto.dynamodb.models import DynamoDBBackend, dynamodb_backends

from local.stage import REGION
from tests.support.engines import Engine

_AWS_ACCOUNT = "123456789012"
"""Whose tables moto takes all to be."""


def items(prefix: str) -> dict[str, list[dict[str, Any]]]:
    """Table, without the prefix -> its items as DynamoDB writes them."""
    return {
        name.removeprefix(prefix): [copy.deepcopy(item.to_json()["Attributes"]) for item in table.all_items()]
        for name, table in _backend().tables.items()
        if name.startswith(prefix)
    }


@dataclass(frozen=True)
class TablesUsedAgain(Engine):
    """moto, but a test's tables are emptied at its end and given to the next one."""

    _free: list[str] = field(default_factory=list)
    _made: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    @contextlib.contextmanager
    def tables(self) -> Iterator[str]:
        prefix = self._free.pop() if self._free else self._made.enter_context(super().tables())
        try:
            yield prefix
        finally:
            for name, table in _backend().tables.items():
                if name.startswith(prefix):
                    table.items.clear()
            self._free.append(prefix)

    def close(self) -> None:
        """Drops all tables."""
        self._made.close()


def _backend() -> DynamoDBBackend:
    return dynamodb_backends[_AWS_ACCOUNT][REGION]
