"""Plain items in DynamoDB's attribute notation, and back."""

from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from chalicelib.ledger.models import Item


class _Integers(TypeDeserializer):
    """Every number Paydesk stores is an integer; boto3 would hand out Decimals."""

    def _deserialize_n(self, value: str) -> int | Decimal:
        try:
            return int(value)
        except ValueError:
            return Decimal(value)  # nothing of ours: the record refuses it and names the field


_deserializer = _Integers()


def marshal(item: Item) -> dict[str, Any]:
    """Raises TypeError for what is not plain (ledger/models.py)."""
    return {name: _attribute(value) for name, value in item.items()}


def unmarshal(item: dict[str, Any]) -> Item:
    return {name: _deserializer.deserialize(value) for name, value in item.items()}


def _attribute(value: Any) -> dict[str, Any]:
    """Not by boto3's TypeSerializer, which asks each value for ten types: a tenth of what a payment costs beside its
    calls."""
    match value:
        case str():
            return {"S": value}
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case dict():
            return {"M": {name: _attribute(inner) for name, inner in value.items()}}
        case list() | tuple():
            return {"L": [_attribute(inner) for inner in value]}
        case None:
            return {"NULL": True}
    raise TypeError(f"no plain value: {type(value).__name__}")
