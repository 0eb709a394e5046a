"""Where orders wait and runs are counted: SQS and DynamoDB, or memory for simulation and fast tests.

table runs: PK run = <sweep>#<day>, SK shard; counts and amounts as number attributes n:<what>, a:<what>
"""

import threading
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from chalicelib.sweeps.models import Order, ShardRun, SweepName, Tally

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient

_COUNT, _AMOUNT = "n:", "a:"


class SqsQueue:
    """Queue on SQS. Client and address are had when the first order is sent: no route ever sends one."""

    def __init__(self, name: str) -> None:
        self._name = name

    def send(self, order: Order) -> None:
        client, url = self._connected
        client.send_message(QueueUrl=url, MessageBody=order.model_dump_json())

    @cached_property
    def _connected(self) -> "tuple[SQSClient, str]":
        client = boto3.client("sqs")
        return client, client.get_queue_url(QueueName=self._name)["QueueUrl"]


class MemoryQueue:
    """Queue in memory; `orders` is what waits."""

    def __init__(self) -> None:
        self.orders: list[Order] = []

    def send(self, order: Order) -> None:
        self.orders.append(order)


class DynamoDBRuns:
    """Runs on DynamoDB. Adding is not guarded: these are statistics, and an SDK retry may count a visit twice."""

    def __init__(self, connect: "Callable[[], DynamoDBClient]", table_prefix: str) -> None:
        self._connect = connect
        self._table = f"{table_prefix}runs"

    @cached_property
    def _client(self) -> "DynamoDBClient":
        return self._connect()

    def add(self, order: Order, shard: str, tally: Tally, *, at: str, finished: bool) -> None:
        added = _numbers(tally)
        names = {"#started": "started_at", **({"#finished": "finished_at"} if finished else {})}
        values: dict[str, Any] = {":at": at}
        sets = ["#started = if_not_exists(#started, :at)", *(["#finished = :at"] if finished else [])]
        adds = []
        for number, (name, amount) in enumerate(sorted(added.items())):
            names[f"#a{number}"], values[f":a{number}"] = name, amount
            adds.append(f"#a{number} :a{number}")
        self._client.update_item(
            TableName=self._table,
            Key=_marshal({"run": f"{order.sweep}#{order.run}", "shard": shard}),
            UpdateExpression=f"SET {', '.join(sets)}" + (f" ADD {', '.join(adds)}" if adds else ""),
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=_marshal(values),
        )

    def of(self, sweep: SweepName, day: str) -> Sequence[ShardRun]:
        answer = self._client.query(
            TableName=self._table,
            KeyConditionExpression="#run = :run",
            ExpressionAttributeNames={"#run": "run"},
            ExpressionAttributeValues=_marshal({":run": f"{sweep}#{day}"}),
        )
        return [_shard_run(_unmarshal(item)) for item in answer["Items"]]


class MemoryRuns:
    """Runs in memory."""

    def __init__(self) -> None:
        self._runs: dict[tuple[str, str], ShardRun] = {}
        self._lock = threading.Lock()

    def add(self, order: Order, shard: str, tally: Tally, *, at: str, finished: bool) -> None:
        with self._lock:
            place = (f"{order.sweep}#{order.run}", shard)
            before = self._runs.get(place) or ShardRun(shard, Tally(), at, None)
            ended = at if finished else before.finished_at
            self._runs[place] = ShardRun(shard, before.tally + tally, before.started_at, ended)

    def of(self, sweep: SweepName, day: str) -> Sequence[ShardRun]:
        with self._lock:
            return sorted(
                (run for (name, _), run in self._runs.items() if name == f"{sweep}#{day}"), key=lambda run: run.shard
            )


def _numbers(tally: Tally) -> dict[str, int]:
    counts = {_COUNT + name: count for name, count in tally.counts.items() if count}
    return counts | {_AMOUNT + name: amount for name, amount in tally.amounts.items() if amount}


def _shard_run(item: dict[str, Any]) -> ShardRun:
    counts = {name.removeprefix(_COUNT): int(value) for name, value in item.items() if name.startswith(_COUNT)}
    amounts = {name.removeprefix(_AMOUNT): int(value) for name, value in item.items() if name.startswith(_AMOUNT)}
    return ShardRun(item["shard"], Tally(counts, amounts), item.get("started_at"), item.get("finished_at"))


def _marshal(item: dict[str, Any]) -> dict[str, Any]:
    serializer = TypeSerializer()
    return {name: serializer.serialize(value) for name, value in item.items()}


def _unmarshal(item: dict[str, Any]) -> dict[str, Any]:
    deserializer = TypeDeserializer()
    return {name: deserializer.deserialize(value) for name, value in item.items()}
