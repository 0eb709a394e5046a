"""Where the sandbox gateway keeps its charges: a DynamoDB table of its own, or memory.

table sandbox-charges: PK payment_id
"""

import threading
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from chalicelib.gateways.sandbox import Row

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoDBCharges:
    """ChargeTable on DynamoDB, shared by all processes."""

    def __init__(self, client: "DynamoDBClient", table_prefix: str) -> None:
        self._client = client
        self._table = f"{table_prefix}sandbox-charges"

    def put_if_absent(self, payment_id: str, row: Row) -> Row:
        try:
            self._client.put_item(
                TableName=self._table,
                Item=_marshal({**row, "payment_id": payment_id}),
                ConditionExpression="attribute_not_exists(payment_id)",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except self._client.exceptions.ConditionalCheckFailedException as refused:
            standing: Any = refused.response
            return _unmarshal(standing["Item"])
        return row

    def replace(self, payment_id: str, from_state: str, to_state: str) -> Row | None:
        try:
            answer = self._client.update_item(
                TableName=self._table,
                Key=_marshal({"payment_id": payment_id}),
                UpdateExpression="SET #state = :to",
                ConditionExpression="#state = :from",
                ExpressionAttributeNames={"#state": "state"},
                ExpressionAttributeValues=_marshal({":from": from_state, ":to": to_state}),
                ReturnValues="ALL_NEW",
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return None
        return _unmarshal(answer["Attributes"])

    def get(self, payment_id: str) -> Row | None:
        answer = self._client.get_item(
            TableName=self._table, Key=_marshal({"payment_id": payment_id}), ConsistentRead=True
        )
        return _unmarshal(answer["Item"]) if "Item" in answer else None


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


def _marshal(row: Row) -> dict[str, Any]:
    serializer = TypeSerializer()
    return {name: serializer.serialize(value) for name, value in row.items()}


def _unmarshal(item: dict[str, Any]) -> Row:
    deserializer = TypeDeserializer()
    return {name: deserializer.deserialize(value) for name, value in item.items()}
