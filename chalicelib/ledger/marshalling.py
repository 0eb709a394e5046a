"""Plain items in DynamoDB's attribute notation, and back."""

from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from chalicelib.ledger.models import Item


class _Integers(TypeDeserializer):
    """Every number Paydesk stores is an integer; boto3 would hand out Decimals."""

    def _deserialize_n(self, value: str) -> int | Decimal:
        try:
            return int(value)
        except ValueError:
            return Decimal(value)  # nothing of ours: the record refuses it and names the field


_serializer = TypeSerializer()
_deserializer = _Integers()


def marshal(item: Item) -> dict[str, Any]:
    return {name: _serializer.serialize(value) for name, value in item.items()}


def unmarshal(item: dict[str, Any]) -> Item:
    return {name: _deserializer.deserialize(value) for name, value in item.items()}
