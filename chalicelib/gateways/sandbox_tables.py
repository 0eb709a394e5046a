"""Where the sandbox gateway keeps its charges: a DynamoDB table of its own, or memory.

table sandbox-charges: PK payment_id
"""

import threading
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError

from chalicelib.gateways.sandbox import Row
from chalicelib.ledger.calls import Calls, refusals
from chalicelib.ledger.marshalling import marshal, unmarshal

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


_ATTEMPTS = 3
"""Tries of one call: with the client's timeouts, a charge is answered well within the time a gateway gets."""

_CONDITION_FAILED = frozenset({"ConditionalCheckFailed"})


class DynamoDBCharges:
    """ChargeTable on DynamoDB, shared by all processes."""

    def __init__(self, client: "DynamoDBClient", table_prefix: str) -> None:
        self._calls = Calls(client, _ATTEMPTS)
        self._table = f"{table_prefix}sandbox-charges"

    def put_if_absent(self, payment_id: str, row: Row) -> Row:
        try:
            self._calls.one(
                "put_item",
                TableName=self._table,
                Item=marshal({**row, "payment_id": payment_id}),
                ConditionExpression="attribute_not_exists(payment_id)",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as refused:
            if refusals(refused) != _CONDITION_FAILED:
                raise
            return _row(cast(Any, refused.response)["Item"])  # after a lost acknowledgement, the very row put here
        return dict(row)

    def replace(self, payment_id: str, from_state: str, to_state: str) -> Row | None:
        try:
            answer = self._calls.one(
                "update_item",
                TableName=self._table,
                Key=marshal({"payment_id": payment_id}),
                UpdateExpression="SET #state = :to",
                ConditionExpression="#state = :from",
                ExpressionAttributeNames={"#state": "state"},
                ExpressionAttributeValues=marshal({":from": from_state, ":to": to_state}),
                ReturnValues="ALL_NEW",
            )
        except ClientError as refused:
            if refusals(refused) != _CONDITION_FAILED:
                raise
            return None
        return _row(answer["Attributes"])

    def get(self, payment_id: str) -> Row | None:
        answer = self._calls.one(
            "get_item", TableName=self._table, Key=marshal({"payment_id": payment_id}), ConsistentRead=True
        )
        return _row(answer["Item"]) if answer.get("Item") else None


class MemoryCharges:
    """ChargeTable in memory. `rows` is what a test compares Paydesk's books with."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self._lock = threading.Lock()

    def put_if_absent(self, payment_id: str, row: Row) -> Row:
        with self._lock:
            return dict(self.rows.setdefault(payment_id, dict(row)))

    def replace(self, payment_id: str, from_state: str, to_state: str) -> Row | None:
        with self._lock:
            row = self.rows.get(payment_id)
            if row is None or row["state"] != from_state:
                return None
            row["state"] = to_state
            return dict(row)

    def get(self, payment_id: str) -> Row | None:
        with self._lock:
            row = self.rows.get(payment_id)
            return dict(row) if row else None


def _row(item: dict[str, Any]) -> Row:
    """What was put, without the key it was put under."""
    return {name: value for name, value in unmarshal(item).items() if name != "payment_id"}
