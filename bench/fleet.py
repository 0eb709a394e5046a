"""Many customers that are one customer with other ids, laid out by batch writes in seconds.

Index keys hold an account's shard, so they are worked out anew.
"""

import itertools
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, cast

from chalicelib.ledger.due import shard_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_BATCH_MAX = 25
_SHARD = re.compile(r'("\w+_shard": \{"S": ")\d\d"')


def account_ids(count: int, letter: str = "X") -> list[str]:
    """Ids as long as real ones."""
    return [f"acc_{letter}{number:025d}" for number in range(count)]


class Original:
    """One customer's items in the given tables, to be cloned under other account ids."""

    def __init__(self, client: "DynamoDBClient", prefix: str, account_id: str, tables: Sequence[str]) -> None:
        self.account_id = account_id
        self._items: list[tuple[str, str]] = []
        for table in tables:
            answer: Any = client.query(
                TableName=prefix + table,
                KeyConditionExpression="account_id = :id",
                ExpressionAttributeValues={":id": {"S": account_id}},
                ConsistentRead=True,
            )
            self._items += [(table, json.dumps(item)) for item in answer["Items"]]
        assert {table for table, _ in self._items} == set(tables)

    def clone(self, client: "DynamoDBClient", prefix: str, account_ids: Iterable[str], threads: int = 4) -> None:
        """Writes a clone for each id into the tables under `prefix`."""
        with ThreadPoolExecutor(threads) as pool:
            for helping in _helpings(self._writes(prefix, account_ids), threads * _BATCH_MAX):
                batches = _helpings(iter(helping), _BATCH_MAX)
                list(pool.map(lambda batch: _write(client, batch), batches))

    def _writes(self, prefix: str, account_ids: Iterable[str]) -> Iterator[tuple[str, Any]]:
        for account_id in account_ids:
            shard = shard_of(account_id)
            for table, text in self._items:
                item = json.loads(_SHARD.sub(rf'\g<1>{shard}"', text.replace(self.account_id, account_id)))
                yield prefix + table, {"PutRequest": {"Item": item}}


def _helpings(writes: Iterator[tuple[str, Any]], size: int) -> Iterator[list[tuple[str, Any]]]:
    while helping := list(itertools.islice(writes, size)):
        yield helping


def _write(client: "DynamoDBClient", batch: list[tuple[str, Any]]) -> None:
    requests: dict[str, list[Any]] = {}
    for table, write in batch:
        requests.setdefault(table, []).append(write)
    answer = client.batch_write_item(RequestItems=cast(Any, requests))
    assert not answer.get("UnprocessedItems"), "an engine on this machine is never short of capacity"
