"""The ledger on DynamoDB: one conditional put when only the account changes, else one transaction.

Nothing else in Paydesk writes money. What may go wrong between here and the store is settled here:

    a conflict, throttling, a lost request   tried again with jitter, a bounded number of times (calls.py)
    a lost acknowledgement                   the next try meets its own write and recognises `commit_id`
    another writer was first                 Stale
"""

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from chalicelib.core.errors import Broken
from chalicelib.core.ids import random_id
from chalicelib.ledger.calls import Calls, cancellation_reasons, refusals
from chalicelib.ledger.expressions import between, update
from chalicelib.ledger.marshalling import marshal, unmarshal
from chalicelib.ledger.models import (
    A,
    Change,
    DueWork,
    Guarded,
    Index,
    Key,
    R,
    Record,
    Sort,
    Stale,
    Unwritable,
    fits_a_key,
    nothing_due,
)
from chalicelib.ledger.reading import INTEGERS, behind, page_of, parsed, parsed_or_broken, texts

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def dynamodb_client(read_timeout_seconds: int = 2) -> "DynamoDBClient":
    """A client for one process. Parameters are not validated twice. A try ends soon (by default after 3 s at the
    latest): a person waits, and where API Gateway cuts (29 s) the payment goes on and stands in its account."""
    return boto3.client(
        "dynamodb",
        config=Config(
            connect_timeout=1,
            read_timeout=read_timeout_seconds,
            parameter_validation=False,
            max_pool_connections=64,
            retries={"total_max_attempts": 1, "mode": "standard"},
        ),
    )


class Ledger:
    """LedgerPort on DynamoDB. `attempts` bounds the tries of one call to it."""

    def __init__(
        self,
        client: "DynamoDBClient",
        table_prefix: str,
        *,
        attempts: int = 5,
        sleep: Callable[[float], None] = time.sleep,
        new_commit_id: Callable[[], str] = random_id,
        due_work: DueWork = nothing_due,
    ) -> None:
        self._due_work = due_work
        self._calls = Calls(client, attempts, sleep)
        self._prefix = table_prefix
        self._new_commit_id = new_commit_id

    def get(self, key: Key[R]) -> R | None:
        if not key.possible:
            return None
        answer = self._calls.one("get_item", **self._where(key), ConsistentRead=True)
        return parsed(key.record, unmarshal(answer["Item"])) if answer.get("Item") else None

    def read(self, *keys: Key[Record]) -> Any:
        asked = [key for key in keys if key.possible]
        gets = [{"Get": self._where(key)} for key in asked]
        answers = self._calls.one("transact_get_items", TransactItems=gets)["Responses"] if gets else []
        found = {
            key.place: parsed(key.record, unmarshal(answer["Item"]))
            for key, answer in zip(asked, answers, strict=True)
            if answer.get("Item")
        }
        return tuple(found.get(key.place) for key in keys)

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
        sort_field = by or record.sort_field
        assert sort_field, f"{record.table} holds one record per account: get it"
        numeric = not by and record.model_fields[sort_field].annotation is int
        bounds = behind(INTEGERS if numeric else texts(prefix or ""), after, newest_first=newest_first)
        if bounds is None or not fits_a_key(account_id):
            return []
        query: dict[str, Any] = {
            "TableName": self._table(record),
            "ConsistentRead": True,
            "ScanIndexForward": not newest_first,
            **between("account_id", account_id, sort_field, bounds),
        }
        if by:
            query["IndexName"] = _BY_TIME
        if where:
            # A filter applies after Limit, so a filtered list reads without one: it would page through crumbs.
            query["FilterExpression"] = "#field = :value"
            query["ExpressionAttributeNames"]["#field"] = where[0]
            query["ExpressionAttributeValues"] |= marshal({":value": where[1]})
        else:
            query["Limit"] = limit + 1
        items = self._calls.pages("query", query, limit + 1)
        return [parsed(record, item) for item in page_of(items, sort_field, after, limit)]

    def find(
        self, index: Index, partition: str, *, limit: int, prefix: str = "", until: str | None = None, after: str = ""
    ) -> Sequence[tuple[str, str]]:
        bounds = behind(texts(prefix, until), after or None)
        if bounds is None or not fits_a_key(partition):
            return []
        query = {
            "TableName": self._table(index.record),
            "IndexName": index.name,
            "Limit": limit + 1,
            **between(index.partition, partition, index.sort, bounds),
        }
        items = self._calls.pages("query", query, limit + 1)
        sort = index.sort or index.partition
        return [(item[sort], item["account_id"]) for item in page_of(items, sort, after or None, limit)]

    def scan(self, record: type[R], *, limit: int, after: str | None = None) -> Sequence[R | Broken]:
        query: dict[str, Any] = {"TableName": self._table(record), "Limit": limit, "ConsistentRead": True}
        if after is not None:
            query["ExclusiveStartKey"] = marshal({"account_id": after})
        return [parsed_or_broken(record, item) for item in self._calls.pages("scan", query, limit)]

    def commit(self, change: Change[A]) -> A:
        account = change.account.model_copy(
            update={"version": change.account.version + 1, "commit_id": self._new_commit_id()}
        )
        put = self._guarded_put(account)
        try:
            if change.only_the_account:
                self._calls.one("put_item", **put)
            else:
                writes = [{"Put": put}, *self._other_writes(change)]
                self._calls.one("transact_write_items", TransactItems=writes, ClientRequestToken=account.commit_id)
        except ClientError as error:
            said = refusals(error)
            if "ConditionalCheckFailed" in said:
                if _standing_commit_id(error) == account.commit_id:
                    return account  # our own write won and its acknowledgement was lost
                raise Stale(account.account_id) from error
            if said & {"Validation", "ValidationError"}:
                raise Unwritable(f"DynamoDB refuses this change of {account.account_id}") from error
            raise
        return account

    def _guarded_put(self, account: Guarded) -> dict[str, Any]:
        """May race: every other change of this account. The version read must still stand; who loses sees Stale.
        The item that stands comes back, to tell our own write from somebody else's."""
        put: dict[str, Any] = {
            "TableName": self._table(type(account)),
            "Item": marshal(account.item() | dict(self._due_work(account))),
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        if account.version == 1:
            return put | {"ConditionExpression": "attribute_not_exists(account_id)"}
        return put | {
            "ConditionExpression": "version = :read",
            "ExpressionAttributeValues": marshal({":read": account.version - 1}),
        }

    def _other_writes(self, change: Change[A]) -> list[dict[str, Any]]:
        """All stand behind the account's version. The conditions of their own catch what was not read: a put that would
        overwrite (the same cause decided twice), a set on a record that is not there."""
        puts = [
            {
                "Put": {
                    "TableName": self._table(type(record)),
                    "Item": marshal(record.item()),
                    "ConditionExpression": "attribute_not_exists(account_id)",
                }
            }
            for record in change.puts
        ]
        sets = [{"Update": self._where(field_set.key) | update(field_set)} for field_set in change.sets]
        deletes = [{"Delete": self._where(key)} for key in change.deletes]
        return [*puts, *sets, *deletes]

    def _where(self, key: Key[Record]) -> dict[str, Any]:
        return {"TableName": self._table(key.record), "Key": marshal(key.item())}

    def _table(self, record: type[Record]) -> str:
        return self._prefix + record.table


_BY_TIME = "by-time"
"""The one local index there is; its sort attribute is what `by` names."""


def _standing_commit_id(error: ClientError) -> str | None:
    """Who wrote the account as it stands, from a refused put or from the first action of a canceled transaction."""
    refused: dict[str, Any] = next(iter(cancellation_reasons(error)), cast(Any, error.response))
    commit_id: str | None = refused.get("Item", {}).get("commit_id", {}).get("S")
    return commit_id
