"""Conditions and updates in DynamoDB's expression language. Names are always aliases: many are reserved words."""

from typing import Any

from chalicelib.ledger.marshalling import marshal
from chalicelib.ledger.models import FieldSet
from chalicelib.ledger.reading import Range


def between(partition_field: str, partition: str, sort_field: str | None, bounds: Range) -> dict[str, Any]:
    """The key condition of a query: one partition and, where there is a sort field, its values within the bounds."""
    if sort_field is None:
        return {
            "KeyConditionExpression": "#partition = :partition",
            "ExpressionAttributeNames": {"#partition": partition_field},
            "ExpressionAttributeValues": marshal({":partition": partition}),
        }
    low, high = bounds
    return {
        "KeyConditionExpression": "#partition = :partition AND #sort BETWEEN :low AND :high",
        "ExpressionAttributeNames": {"#partition": partition_field, "#sort": sort_field},
        "ExpressionAttributeValues": marshal({":partition": partition, ":low": low, ":high": high}),
    }


def update(field_set: FieldSet) -> dict[str, Any]:
    """The update that sets and removes the fields of a record that is there."""
    names: dict[str, str] = {}
    values: dict[str, Any] = {}
    assign, remove = [], []
    for number, (dotted, value) in enumerate(field_set.values.items()):
        aliases = {f"#f{number}_{depth}": part for depth, part in enumerate(dotted.split("."))}
        names |= aliases
        path = ".".join(aliases)
        if value is None:
            remove.append(path)
        else:
            values[f":v{number}"] = value
            assign.append(f"{path} = :v{number}")
    clauses = ([f"SET {', '.join(assign)}"] if assign else []) + ([f"REMOVE {', '.join(remove)}"] if remove else [])
    expression: dict[str, Any] = {
        "UpdateExpression": " ".join(clauses),
        "ConditionExpression": "attribute_exists(account_id)",
        "ExpressionAttributeNames": names,
    }
    return expression | ({"ExpressionAttributeValues": marshal(values)} if values else {})
