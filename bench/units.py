"""What a call to DynamoDB is billed, counted by the published rules from the items it reads and writes.

An engine's own figure (ReturnConsumedCapacity) is kept beside it: MiniStack works out writes as these rules do, reads
it does not. Rules: Amazon DynamoDB Developer Guide, "DynamoDB item sizes and formats", "DynamoDB read and write
operations", "Using Global Secondary Indexes", "Amazon DynamoDB Transactions: how it works".

    a write             1 unit for each KB begun, of the larger of the item before and after; in a transaction 2
    an index            nothing while what it holds of the item stays as it is; 1 for each KB begun of an entry that is
                        put, deleted or replaced; 2 when its key changes, which is a delete and a put
    a read              1 for each 4 KB begun; eventually consistent 1/2, in a transaction 2; nothing there: as 4 KB
    a query             the same, of all items it read together

Whether a transaction doubles the writes of a local index is not published: it is taken to.
"""

import contextlib
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Value = Mapping[str, Any]
Item = Mapping[str, Value]
"""As DynamoDB writes it: {"account_id": {"S": "acc_1"}}."""

_WRITES = ("PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems")


@dataclass(frozen=True)
class Billed:
    """One call. `writes` and `reads` by table, or table/index; `engine_units` is what the engine says it consumed."""

    operation: str
    writes: Mapping[str, float] = field(default_factory=dict)
    reads: Mapping[str, float] = field(default_factory=dict)
    engine_units: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class _Index:
    name: str
    keys: tuple[str, ...]
    held: tuple[str, ...] | None
    """What it holds of an item; None: all of it."""
    local: bool

    def entry(self, item: Item | None) -> Item | None:
        """What the index holds of an item: None when the item lacks one of its keys."""
        if item is None or not all(key in item for key in self.keys):
            return None
        return item if self.held is None else {name: item[name] for name in self.held if name in item}

    def units(self, before: Item | None, after: Item | None) -> float:
        old, new = self.entry(before), self.entry(after)
        if old == new:
            return 0
        if old is not None and new is not None and all(old[key] == new[key] for key in self.keys):
            return kilobytes(max(size_bytes(old), size_bytes(new)))
        return sum(kilobytes(size_bytes(entry)) for entry in (old, new) if entry is not None)


def size_bytes(item: Item) -> int:
    """What an item counts for: names and values in UTF-8, a number a byte for each two digits and one more."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def _value_bytes(value: Value) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            digits = str(content).removeprefix("-").strip("0")
            return math.ceil(len(digits) / 2) + 1 + (1 if content.startswith("-") else 0)
        case "BOOL" | "NULL":
            return 1
        case "L":
            return 3 + sum(1 + _value_bytes(element) for element in content)
        case "M":
            return 3 + sum(1 + len(name.encode()) + _value_bytes(element) for name, element in content.items())
    raise ValueError(f"Paydesk stores no {kind}")


def kilobytes(size: int) -> int:
    return max(1, math.ceil(size / 1024))


def _read_units(size: int, times: float) -> float:
    return max(1, math.ceil(size / 4096)) * times


class Meter:
    """Counts what a client's calls are billed. `billed` grows; `looking` looks at items before and after and is not
    counted.
    """

    def __init__(self, looking: "DynamoDBClient", prefix: str) -> None:
        self.billed: list[Billed] = []
        self._looking = looking
        self._prefix = prefix
        self._indexes = cache(self._read_indexes)
        self._keys = cache(self._read_keys)

    @contextlib.contextmanager
    def on(self, client: "DynamoDBClient") -> Iterator["Meter"]:
        """Counts the calls a client makes inside; nothing is counted twice, the meter begins at nothing."""
        self.billed.clear()
        events = cast(Any, client.meta.events)  # the stubs know only of handlers that answer nothing
        events.register("provide-client-params.dynamodb", self._ask)
        events.register("before-call.dynamodb", self._before)
        events.register("after-call.dynamodb", self._after)
        try:
            yield self
        finally:
            events.unregister("provide-client-params.dynamodb", self._ask)
            events.unregister("before-call.dynamodb", self._before)
            events.unregister("after-call.dynamodb", self._after)

    def _ask(self, params: dict[str, Any], context: dict[str, Any], **_: Any) -> dict[str, Any]:
        asked = params | {"ReturnConsumedCapacity": "TOTAL"}
        context["asked"] = asked
        return asked

    def _before(self, model: Any, context: dict[str, Any], **_: Any) -> None:
        if model.name in _WRITES:
            context["before"] = [self._look(place) for place in _places(model.name, context["asked"], self._keys)]

    def _after(self, model: Any, parsed: Any, context: dict[str, Any], **_: Any) -> None:
        asked = context["asked"]
        writes: Counter[str] = Counter()
        if model.name in _WRITES:
            places = _places(model.name, asked, self._keys)
            for (table, key), before in zip(places, context["before"], strict=True):
                writes.update(
                    self._written(table, before, self._look((table, key)), model.name == "TransactWriteItems")
                )
        consumed = parsed.get("ConsumedCapacity", [])
        told = {
            self._short(each["TableName"]): float(each["CapacityUnits"])
            for each in (consumed if isinstance(consumed, list) else [consumed])
        }
        self.billed.append(Billed(model.name, writes, self._read(model.name, asked, parsed), told))

    def _written(self, table: str, before: Item | None, after: Item | None, in_transaction: bool) -> dict[str, float]:
        size = max(size_bytes(item) for item in (before or {}, after or {}))
        times = 2 if in_transaction else 1
        units: dict[str, float] = {self._short(table): kilobytes(size) * times}
        for index in self._indexes(table):
            written = index.units(before, after) * (times if index.local else 1)
            if written:
                units[f"{self._short(table)}/{index.name}"] = written
        return units

    def _read(self, operation: str, asked: Mapping[str, Any], parsed: Mapping[str, Any]) -> dict[str, float]:
        times = 1 if asked.get("ConsistentRead") else 0.5
        match operation:
            case "GetItem":
                return {self._short(asked["TableName"]): _read_units(size_bytes(parsed.get("Item", {})), times)}
            case "Query" | "Scan":
                read = sum(size_bytes(item) for item in parsed["Items"])
                index = f"/{asked['IndexName']}" if "IndexName" in asked else ""
                return {self._short(asked["TableName"]) + index: _read_units(read, times)}
            case "TransactGetItems":
                units: Counter[str] = Counter()
                for action, answer in zip(asked["TransactItems"], parsed["Responses"], strict=True):
                    read = size_bytes(answer.get("Item", {}))
                    units.update({self._short(action["Get"]["TableName"]): int(_read_units(read, 2))})
                return dict(units)
        return {}

    def _look(self, place: tuple[str, Item]) -> Item | None:
        table, key = place
        found: Any = self._looking.get_item(TableName=table, Key=cast(Any, key), ConsistentRead=True)
        item: Item | None = found.get("Item")
        return item

    def _short(self, table: str) -> str:
        return table.removeprefix(self._prefix)

    def _read_keys(self, table: str) -> tuple[str, ...]:
        described: Any = self._looking.describe_table(TableName=table)["Table"]
        return tuple(key["AttributeName"] for key in described["KeySchema"])

    def _read_indexes(self, table: str) -> Sequence[_Index]:
        described: Any = self._looking.describe_table(TableName=table)["Table"]
        return [
            _Index(
                name=index["IndexName"],
                keys=(keys := tuple(key["AttributeName"] for key in index["KeySchema"])),
                held=_held(index["Projection"], keys + self._keys(table)),
                local=kind == "LocalSecondaryIndexes",
            )
            for kind in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes")
            for index in described.get(kind, [])
        ]


def _held(projection: Mapping[str, Any], keys: tuple[str, ...]) -> tuple[str, ...] | None:
    return None if projection["ProjectionType"] == "ALL" else (*keys, *projection.get("NonKeyAttributes", ()))


def _places(operation: str, asked: Mapping[str, Any], keys_of: Any) -> list[tuple[str, Item]]:
    """Table and key of each item that a call writes."""
    if operation == "TransactWriteItems":
        actions = [action for each in asked["TransactItems"] for action in each.values()]
    else:
        actions = [asked]
    return [
        (
            action["TableName"],
            action["Key"] if "Key" in action else {name: action["Item"][name] for name in keys_of(action["TableName"])},
        )
        for action in actions
    ]
