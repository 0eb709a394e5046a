"""The bare side of a run of autopay: the recorded calls of one, for every customer that stands in its shards."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter, sleep
from typing import TYPE_CHECKING, Any

from bench.tape import Call, Tape, play

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CHARGES = "sandbox-charges"


class BareLoop:
    """Makes the recorded calls of a run, all on one pool: the queries and statistics of each shard, and for each
    customer what charging took.
    """

    def __init__(self, tape: Tape, client: "DynamoDBClient", gateway_seconds: float) -> None:
        self._client = client
        self._gateway_seconds = gateway_seconds
        self._query = tape.only("Query").calls[0].parameters
        self._began, self._finished = tape.only("UpdateItem").calls
        self._charging = tape.only("GetItem", "PutItem", "TransactWriteItems")
        item = self._charging.calls[-1].parameters["TransactItems"][1]["Put"]["Item"]
        self._account_id, self._payment_id = item["account_id"]["S"], item["payment_id"]["S"]
        self._numbers = itertools.count()

    def work_off(self, shards: list[str], pool: ThreadPoolExecutor) -> tuple[int, float]:
        """How many customers stood in the shards, and the seconds their calls took. Making the calls ready does not
        count.
        """
        started = perf_counter()
        account_ids = [account_id for found in pool.map(self._find, shards) for account_id in found]
        seconds = perf_counter() - started
        calls = [self._calls(account_id) for account_id in account_ids]
        started = perf_counter()
        list(pool.map(self._charge, calls))
        list(pool.map(lambda shard: self._update(self._finished, shard), shards))
        return len(account_ids), seconds + perf_counter() - started

    def _charge(self, calls: list[Call]) -> None:
        for call in calls:
            if str(call.parameters.get("TableName", "")).endswith(CHARGES):
                sleep(self._gateway_seconds)
            play(self._client, [call])

    def _find(self, shard: str) -> list[str]:
        self._update(self._began, shard)
        values = self._query["ExpressionAttributeValues"] | {":partition": {"S": shard}}
        query: dict[str, Any] = {**self._query, "ExpressionAttributeValues": values}
        found: list[str] = []
        while True:
            answer: Any = self._client.query(**query)
            found += [item["account_id"]["S"] for item in answer["Items"]]
            if "LastEvaluatedKey" not in answer:
                return found
            self._update(self._finished, shard)  # in place of a page's count, which says the same but for the end
            query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def _update(self, update: Call, shard: str) -> None:
        key = {**update.parameters["Key"], "shard": {"S": shard}}
        play(self._client, [Call(update.operation, {**update.parameters, "Key": key})])

    def _calls(self, account_id: str) -> list[Call]:
        payment_id = f"pay_{next(self._numbers):026d}"
        return self._charging.for_others({self._account_id: account_id, self._payment_id: payment_id})
