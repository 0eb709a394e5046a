"""The ledger on DynamoDB: one conditional put when only the account changes, else one transaction.

Nothing else in Paydesk writes money. What may go wrong between here and the store is settled here:

    TransactionConflict, throttling, a lost request   tried again with jitter, a bounded number of times
    a lost acknowledgement                            the next try meets its own write and recognises `commit_id`
    another writer was first                          Stale
"""

import random
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

import boto3
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

from chalicelib.core.errors import Unavailable
from chalicelib.core.ids import random_id
from chalicelib.ledger.models import A, Change, FieldSet, Guarded, Index, Item, Key, R, Record, Sort, Stale
from chalicelib.ledger.reading import highest, page_of, parsed, sort_bounds

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# The SDK retries none of the conflicts, so the loop below does it all, and the SDK's own retries are off: one policy, one place.
_TRY_AGAIN = frozenset(
    {
        "TransactionConflictException",
        "TransactionConflict",
        "TransactionInProgressException",
        "ThrottlingException",
        "ThrottlingError",
        "ProvisionedThroughputExceededException",
        "ProvisionedThroughputExceeded",
        "RequestLimitExceeded",
        "InternalServerError",
        "ServiceUnavailable",
    }
)


def dynamodb_client() -> "DynamoDBClient":
    """A client for one process: short timeouts because a person waits, parameters not validated twice."""
    return boto3.client(
        "dynamodb",
        config=Config(
            connect_timeout=1,
            read_timeout=3,
            parameter_validation=False,
            max_pool_connections=64,
            retries={"total_max_attempts": 1, "mode": "standard"},
        ),
    )


class Ledger:
    """LedgerPort on DynamoDB. `attempts` bounds the tries of one call; waits double from 25 ms with full jitter, 0.8 s at most."""

    def __init__(
        self,
        client: "DynamoDBClient",
        table_prefix: str,
        *,
        attempts: int = 5,
        sleep: Callable[[float], None] = time.sleep,
        new_commit_id: Callable[[], str] = random_id,
    ) -> None:
        self._client = client
        self._prefix = table_prefix
        self._attempts = attempts
        self._sleep = sleep
        self._new_commit_id = new_commit_id

    def get(self, key: Key[R]) -> R | None:
        answer = self._call("get_item", TableName=self._table(key.record), Key=_marshal(key.item()), ConsistentRead=True)
        return parsed(key.record, _unmarshal(answer["Item"])) if answer.get("Item") else None

    def read(self, *keys: Key[Record]) -> Any:
        gets = [{"Get": {"TableName": self._table(key.record), "Key": _marshal(key.item())}} for key in keys]
        answer = self._call("transact_get_items", TransactItems=gets)
        found = [response.get("Item") for response in answer["Responses"]]
        return tuple(
            parsed(key.record, _unmarshal(item)) if item else None for key, item in zip(keys, found, strict=True)
        )

    def records(
        self,
        record: type[R],
        account_id: str,
        *,
        limit: int,
        after: Sort = None,
        newest_first: bool = False,
        by: str | None = None,
        prefix: str | None = None,
        where: tuple[str, str] | None = None,
    ) -> Sequence[R]:
        sort_field = by or record.sort_field or "account_id"
        low, high = sort_bounds(prefix or "", after, newest_first, numeric=not by and _is_integer(record, sort_field))
        query: dict[str, Any] = {
            "TableName": self._table(record),
            "ConsistentRead": True,
            "ScanIndexForward": not newest_first,
            "KeyConditionExpression": "#partition = :partition AND #sort BETWEEN :low AND :high",
            "ExpressionAttributeNames": {"#partition": "account_id", "#sort": sort_field},
            "ExpressionAttributeValues": _marshal({":partition": account_id, ":low": low, ":high": high}),
        }
        if by:
            query["IndexName"] = "by-time"
        if where:
            # A filter applies after Limit, so a filtered list reads without one: short pages would look like the last page.
            query["FilterExpression"] = "#field = :value"
            query["ExpressionAttributeNames"]["#field"] = where[0]
            query["ExpressionAttributeValues"] |= _marshal({":value": where[1]})
        else:
            query["Limit"] = limit + 1
        items = self._pages("query", query, limit + 1)
        return [parsed(record, item) for item in page_of(items, sort_field, after, limit)]

    def find(
        self, index: Index, partition: str, *, limit: int, prefix: str = "", until: str | None = None, after: str = ""
    ) -> Sequence[tuple[str, str]]:
        names = {"#partition": index.partition}
        values = {":partition": partition}
        condition = "#partition = :partition"
        if index.sort is not None:
            low = after or prefix or " "
            high = min(highest(prefix), highest(until)) if until is not None else highest(prefix)
            if low > high:
                return []
            names["#sort"] = index.sort
            values |= {":low": low, ":high": high}
            condition += " AND #sort BETWEEN :low AND :high"
        query = {
            "TableName": self._table(index.record),
            "IndexName": index.name,
            "KeyConditionExpression": condition,
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": _marshal(values),
            "Limit": limit + 1,
        }
        items = self._pages("query", query, limit + 1)
        sort = index.sort or index.partition
        return [(item[sort], item["account_id"]) for item in page_of(items, sort, after or None, limit)]

    def scan(self, record: type[R], *, limit: int, after: str | None = None) -> Sequence[R]:
        query: dict[str, Any] = {"TableName": self._table(record), "Limit": limit, "ConsistentRead": True}
        if after is not None:
            query["ExclusiveStartKey"] = _marshal({"account_id": after})
        return [parsed(record, item) for item in self._pages("scan", query, limit)]

    def commit(self, change: Change[A]) -> A:
        account = change.account.model_copy(
            update={"version": change.account.version + 1, "commit_id": self._new_commit_id()}
        )
        put = self._guarded_put(account)
        try:
            if change.only_the_account:
                self._call("put_item", **put)
            else:
                writes = [{"Put": put}, *self._other_writes(change)]
                self._call("transact_write_items", TransactItems=writes, ClientRequestToken=account.commit_id)
        except ClientError as refused:
            standing = _standing_account(refused)
            if standing is None:
                raise
            if standing.get("commit_id") == account.commit_id:
                return account  # our own write won and its acknowledgement was lost
            raise Stale(account.account_id) from refused
        return account

    def _guarded_put(self, account: Guarded) -> dict[str, Any]:
        """May race: every other change of this account. The version read must still stand; who loses sees Stale.
        The item that stands comes back, to tell our own write from somebody else's."""
        put: dict[str, Any] = {
            "TableName": self._table(type(account)),
            "Item": _marshal(account.item()),
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        if account.version == 1:
            return put | {"ConditionExpression": "attribute_not_exists(account_id)"}
        return put | {
            "ConditionExpression": "version = :read",
            "ExpressionAttributeValues": _marshal({":read": account.version - 1}),
        }

    def _other_writes(self, change: Change[A]) -> list[dict[str, Any]]:
        """All stand behind the account's version. The conditions of their own catch a record that was not read: a put that
        would overwrite (the same cause decided twice), a set on a record that is not there."""
        puts = [
            {
                "Put": {
                    "TableName": self._table(type(record)),
                    "Item": _marshal(record.item()),
                    "ConditionExpression": "attribute_not_exists(account_id)",
                }
            }
            for record in change.puts
        ]
        sets = [{"Update": self._update(field_set)} for field_set in change.sets]
        deletes = [{"Delete": {"TableName": self._table(key.record), "Key": _marshal(key.item())}} for key in change.deletes]
        return [*puts, *sets, *deletes]

    def _update(self, field_set: FieldSet) -> dict[str, Any]:
        names: dict[str, str] = {}
        values: dict[str, Any] = {}
        assign, remove = [], []
        for number, (dotted, value) in enumerate(field_set.values.items()):
            path = []
            for depth, part in enumerate(dotted.split(".")):
                names[f"#f{number}_{depth}"] = part
                path.append(f"#f{number}_{depth}")
            if value is None:
                remove.append(".".join(path))
            else:
                values[f":v{number}"] = value
                assign.append(f"{'.'.join(path)} = :v{number}")
        expression = " ".join(
            f"{verb} {', '.join(clauses)}" for verb, clauses in (("SET", assign), ("REMOVE", remove)) if clauses
        )
        update: dict[str, Any] = {
            "TableName": self._table(field_set.key.record),
            "Key": _marshal(field_set.key.item()),
            "UpdateExpression": expression,
            "ConditionExpression": "attribute_exists(account_id)",
            "ExpressionAttributeNames": names,
        }
        return update | ({"ExpressionAttributeValues": _marshal(values)} if values else {})

    def _pages(self, operation: str, query: dict[str, Any], enough: int) -> Sequence[Item]:
        """Items of a query or scan, following its pages until there are `enough`."""
        items: list[Item] = []
        while True:
            answer = self._call(operation, **query)
            items += [_unmarshal(item) for item in answer["Items"]]
            if len(items) >= enough or not answer.get("LastEvaluatedKey"):
                return items[:enough]
            query = query | {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def _call(self, operation: str, **parameters: Any) -> Any:
        """One call, tried again while trying again can help. Raises Unavailable when it did not, ClientError for the rest.

        Safe for writes: each carries a condition that its own earlier success would fail, and the caller recognises that.
        """
        last: Exception | None = None
        for attempt in range(self._attempts):
            if attempt:
                self._sleep(random.uniform(0, min(0.8, 0.025 * 2**attempt)))  # noqa: S311  # jitter, not a secret
            try:
                return getattr(self._client, operation)(**parameters)
            except ClientError as error:
                if not _worth_another_try(error):
                    raise
                last = error
            except (ConnectionError, HTTPClientError) as error:
                last = error
        raise Unavailable("unavailable", retry_after_seconds=1) from last

    def _table(self, record: type[Record]) -> str:
        return self._prefix + record.table


def _is_integer(record: type[Record], field: str) -> bool:
    return record.model_fields[field].annotation is int


def _worth_another_try(error: ClientError) -> bool:
    """Whether the store was only busy. A canceled transaction is, when no reason in it is anything but busyness."""
    code = error.response["Error"]["Code"]
    if code != "TransactionCanceledException":
        return code in _TRY_AGAIN
    reasons = {reason.get("Code", "None") for reason in _cancellation_reasons(error)}
    return bool(reasons & _TRY_AGAIN) and reasons <= _TRY_AGAIN | {"None"}


def _standing_account(error: ClientError) -> Item | None:
    """The account as it stands when a condition refused a commit; {} when it does not stand or another record refused;
    None when the error is not a refused condition at all."""
    code = error.response["Error"]["Code"]
    if code == "ConditionalCheckFailedException":
        return _unmarshal(cast(Any, error.response).get("Item") or {})
    reasons = _cancellation_reasons(error) if code == "TransactionCanceledException" else []
    if not any(reason.get("Code") == "ConditionalCheckFailed" for reason in reasons):
        return None
    return _unmarshal(reasons[0].get("Item") or {})


def _cancellation_reasons(error: ClientError) -> list[dict[str, Any]]:
    reasons: list[dict[str, Any]] = cast(Any, error.response).get("CancellationReasons", [])
    return reasons


class _Integers(TypeDeserializer):
    """Every number Paydesk stores is an integer; boto3 would hand out Decimals."""

    def _deserialize_n(self, value: str) -> int:
        return int(value)


_serializer = TypeSerializer()
_deserializer = _Integers()


def _marshal(item: Item) -> dict[str, Any]:
    return {name: _serializer.serialize(value) for name, value in item.items()}


def _unmarshal(item: dict[str, Any]) -> Item:
    return {name: _deserializer.deserialize(value) for name, value in item.items()}
