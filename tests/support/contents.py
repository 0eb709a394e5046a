"""What stands in the tables, to be compared before and after."""

import contextlib
from collections.abc import Iterator
from typing import Any

from tests.support import moto_memory
from tests.support.stack import Stack

Contents = dict[str, list[dict[str, Any]]]
"""Table, without its prefix -> items, as DynamoDB writes them."""


def contents(stack: Stack) -> Contents:
    """Every item of every table of the stack, in a fixed order."""
    tables = moto_memory.items(stack.prefix) if stack.engine.name == "moto" else _scanned(stack)
    return {name: sorted(items, key=repr) for name, items in tables.items()}


@contextlib.contextmanager
def nothing_written(stack: Stack) -> Iterator[None]:
    """Fails when an item was made, changed or removed inside, in any table: the sandbox's charges are one of them."""
    before = contents(stack)
    yield
    assert contents(stack) == before


def _scanned(stack: Stack) -> Contents:
    client = stack.engine.client
    scans = client.get_paginator("scan")
    return {
        name.removeprefix(stack.prefix): [
            item for page in scans.paginate(TableName=name, ConsistentRead=True) for item in page["Items"]
        ]
        for name in client.list_tables()["TableNames"]
        if name.startswith(stack.prefix)
    }
