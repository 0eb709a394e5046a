"""Where orders wait and runs are counted: SQS and DynamoDB, or memory for simulation and fast tests.

table runs: PK run = <sweep>#<day>, SK shard; counts and amounts as number attributes n:<what>, a:<what>
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from chalicelib.ledger.calls import Calls
from chalicelib.ledger.due import SHARDS
from chalicelib.ledger.expressions import between
from chalicelib.ledger.marshalling import marshal
from chalicelib.sweeps.models import Order, ShardRun, SweepName, Tally

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient

_COUNT, _AMOUNT = "n:", "a:"


class SqsQueue:
    """Queue on SQS. Client and address are had when the first order is sent: no route ever sends one. A queue that does
    not answer is given up after 12 s: whoever sends still has time to end, and its log says what was amiss.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def send(self, order: Order) -> None:
        client, url = self._connected
        client.send_message(QueueUrl=url, MessageBody=order.model_dump_json())

    @cached_property
    def _connected(self) -> "tuple[SQSClient, str]":
        patience = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 3, "mode": "standard"})
        client = boto3.client("sqs", config=patience)
        return client, client.get_queue_url(QueueName=self._name)["QueueUrl"]


class MemoryQueue:
    """Queue in memory; `orders` is what waits."""

    def __init__(self) -> None:
        self.orders: list[Order] = []

    def send(self, order: Order) -> None:
        self.orders.append(order)


class DynamoDBRuns:
    """Runs on DynamoDB. A write is tried once: these are statistics, accounts wait meanwhile, and a second try may
    count a visit twice. `attempts` bounds the tries of reading.
    """

    def __init__(self, connect: "Callable[[], DynamoDBClient]", table_prefix: str, attempts: int) -> None:
        self._connect = connect
        self._table = f"{table_prefix}runs"
        self._attempts = attempts

    @cached_property
    def _client(self) -> "DynamoDBClient":
        return self._connect()

    def begin(self, order: Order, shard: str, at: str) -> None:
        self._update(order, shard, "SET #started = :at REMOVE #finished", {":at": at}, _STARTED | _FINISHED)

    def count(self, order: Order, shard: str, tally: Tally) -> None:
        if numbers := _numbers(tally):
            self._update(order, shard, *_adding(numbers))

    def finish(self, order: Order, shard: str, tally: Tally, at: str) -> None:
        expression, values, names = _adding(_numbers(tally))
        self._update(order, shard, f"SET #finished = :at {expression}", values | {":at": at}, names | _FINISHED)

    def of(self, sweep: SweepName, day: str) -> Sequence[ShardRun]:
        query = {"TableName": self._table, **between("run", f"{sweep}#{day}", None, ("", ""))}
        return [_shard_run(item) for item in Calls(self._client, self._attempts).pages("query", query, SHARDS)]

    def _update(
        self, order: Order, shard: str, expression: str, values: dict[str, Any], names: Mapping[str, str]
    ) -> None:
        Calls(self._client, attempts=1).one(
            "update_item",
            TableName=self._table,
            Key=marshal({"run": f"{order.sweep}#{order.run}", "shard": shard}),
            UpdateExpression=expression,
            ExpressionAttributeNames=dict(names),
            ExpressionAttributeValues=marshal(values),
        )


_STARTED, _FINISHED = {"#started": "started_at"}, {"#finished": "finished_at"}


class MemoryRuns:
    """Runs in memory."""

    def __init__(self) -> None:
        self._runs: dict[tuple[str, str], ShardRun] = {}
        self._lock = threading.Lock()

    def begin(self, order: Order, shard: str, at: str) -> None:
        with self._lock:
            self._put(order, replace(self._get(order, shard), started_at=at, finished_at=None))

    def count(self, order: Order, shard: str, tally: Tally) -> None:
        with self._lock:
            before = self._get(order, shard)
            self._put(order, replace(before, tally=before.tally + tally))

    def finish(self, order: Order, shard: str, tally: Tally, at: str) -> None:
        with self._lock:
            before = self._get(order, shard)
            self._put(order, replace(before, tally=before.tally + tally, finished_at=at))

    def of(self, sweep: SweepName, day: str) -> Sequence[ShardRun]:
        with self._lock:
            return sorted(
                (run for (name, _), run in self._runs.items() if name == f"{sweep}#{day}"), key=lambda run: run.shard
            )

    def _get(self, order: Order, shard: str) -> ShardRun:
        return self._runs.get((f"{order.sweep}#{order.run}", shard)) or ShardRun(shard, Tally(), None, None)

    def _put(self, order: Order, run: ShardRun) -> None:
        self._runs[f"{order.sweep}#{order.run}", run.shard] = run


def _numbers(tally: Tally) -> dict[str, int]:
    counts = {_COUNT + name: count for name, count in tally.counts.items() if count}
    return counts | {_AMOUNT + name: amount for name, amount in tally.amounts.items() if amount}


def _adding(numbers: dict[str, int]) -> tuple[str, dict[str, Any], dict[str, str]]:
    """The clause that adds them, its values and its names; an empty one for none."""
    places = list(enumerate(sorted(numbers)))
    adds = ", ".join(f"#{place} :{place}" for place, _ in places)
    values: dict[str, Any] = {f":{place}": numbers[name] for place, name in places}
    return f"ADD {adds}" if adds else "", values, {f"#{place}": name for place, name in places}


def _shard_run(item: dict[str, Any]) -> ShardRun:
    counts = {name.removeprefix(_COUNT): int(value) for name, value in item.items() if name.startswith(_COUNT)}
    amounts = {name.removeprefix(_AMOUNT): int(value) for name, value in item.items() if name.startswith(_AMOUNT)}
    return ShardRun(item["shard"], Tally(counts, amounts), item.get("started_at"), item.get("finished_at"))
