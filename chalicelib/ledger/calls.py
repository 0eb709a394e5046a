"""Calls to DynamoDB, each tried again while trying again can help: one policy in one place, the SDK's own is off."""

import random
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

from botocore import exceptions
from botocore.exceptions import ClientError

from chalicelib.core.errors import Unavailable
from chalicelib.ledger.marshalling import unmarshal
from chalicelib.ledger.models import Item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# The SDK retries neither kind of conflict. Names without the ending "Exception", as `refusals` gives them.
_BUSY = frozenset(
    {
        "TransactionConflict",
        "TransactionInProgress",
        "Throttling",
        "ThrottlingError",
        "ProvisionedThroughputExceeded",
        "RequestLimitExceeded",
    }
)


class Calls:
    """The calls of one client. `attempts` bounds the tries of one call. The waits between them are random (full
    jitter): up to 50 ms at first, doubling, 0.8 s at most."""

    def __init__(self, client: "DynamoDBClient", attempts: int, sleep: Callable[[float], None] = time.sleep) -> None:
        self._client = client
        self._attempts = attempts
        self._sleep = sleep

    def one(self, operation: str, **parameters: Any) -> Any:
        """The answer of one call. Raises Unavailable when the store stays busy or unreachable, ClientError otherwise.

        Safe for writes: each carries a condition that its own earlier success fails, and the caller recognises that.
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
            except (exceptions.ConnectionError, exceptions.HTTPClientError) as error:
                last = error
        raise Unavailable(retry_after_seconds=1) from last

    def pages(self, operation: str, query: dict[str, Any], enough: int) -> Sequence[Item]:
        """Items of a query or scan, following its pages until there are `enough`."""
        items: list[Item] = []
        while True:
            answer = self.one(operation, **query)
            items += [unmarshal(item) for item in answer["Items"]]
            if len(items) >= enough or "LastEvaluatedKey" not in answer:
                return items[:enough]
            query = query | {"ExclusiveStartKey": answer["LastEvaluatedKey"]}


def refusals(error: ClientError) -> frozenset[str]:
    """Why DynamoDB said no, without the ending "Exception": the error's code, or a canceled transaction's reasons."""
    code = error.response["Error"]["Code"]
    if code != "TransactionCanceledException":
        return frozenset({code.removesuffix("Exception")})
    return frozenset(reason.get("Code", "None") for reason in cancellation_reasons(error)) - {"None"}


def cancellation_reasons(error: ClientError) -> list[dict[str, Any]]:
    """One per action of a canceled transaction, in the order of the request; none for any other error."""
    reasons: list[dict[str, Any]] = cast(Any, error.response).get("CancellationReasons", [])
    return reasons


def _worth_another_try(error: ClientError) -> bool:
    """Whether the store was only busy, or broken for a moment. In a canceled transaction no other reason may stand."""
    said = refusals(error)
    return (bool(said) and said <= _BUSY) or error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500
