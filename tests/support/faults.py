"""Faults on the way to DynamoDB, and a count of the trips there. For clients of any engine reached over HTTP.

botocore emits `before-send` for every request. What a handler answers is taken in place of the server's answer, what it
raises in place of its silence; it may also send the request itself first, and then raise.

    road = Road(client)
    road.meets(conflict, None, acknowledgement_lost)    the next three requests; None lets one pass
    road.trips                                          every request that set out
"""

import io
import json
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError
from botocore.httpsession import URLLib3Session

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_ATTEMPT_SECONDS_MAX = 10


@dataclass(frozen=True)
class Trip:
    """One request on its way to the store, whether or not it arrives."""

    request: AWSPreparedRequest

    @property
    def operation(self) -> str:
        target = self.request.headers["X-Amz-Target"]
        text = target.decode() if isinstance(target, bytes) else str(target)
        return text.rpartition(".")[2]

    @property
    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(cast(bytes, self.request.body))
        return body

    def arrive(self) -> AWSResponse:
        """Sends it for real, now."""
        answer: AWSResponse = URLLib3Session(timeout=_ATTEMPT_SECONDS_MAX).send(self.request)
        return answer


Fault = Callable[[Trip], AWSResponse | None]
"""Answers in place of the store, raises in place of an answer, or returns None to let the request pass."""


class Road:
    """The way of one client to the store."""

    def __init__(self, client: "DynamoDBClient") -> None:
        self.trips: list[Trip] = []
        self._next: deque[Fault | None] = deque()
        self._always: Fault | None = None
        # The stubs know only of handlers that answer nothing.
        self._events = cast(Any, client.meta.events)
        self._events.register("before-send.dynamodb", self._set_out)

    def close(self) -> None:
        """Leaves the client's way undisturbed and unwatched."""
        self._events.unregister("before-send.dynamodb", self._set_out)

    def meets(self, *faults: Fault | None) -> None:
        """The next requests meet these, in this order."""
        self._next.extend(faults)

    def always_meets(self, fault: Fault | None) -> None:
        """Every request from now on meets this, once those that were planned are over."""
        self._always = fault

    @property
    def operations(self) -> list[str]:
        return [trip.operation for trip in self.trips]

    def _set_out(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse | None:
        trip = Trip(request)
        self.trips.append(trip)
        fault = self._next.popleft() if self._next else self._always
        return fault(trip) if fault else None


class Crash(BaseException):
    """The process dies here. Not an Exception: nothing in a dead process handles anything."""


def conflict(trip: Trip) -> AWSResponse | None:
    """A transaction is running on the item."""
    if _actions(trip):
        return canceled("TransactionConflict")(trip)
    return refused("TransactionConflictException")(trip)


def throttled(trip: Trip) -> AWSResponse | None:
    """The table or the account's partition is over its rate."""
    return refused("ProvisionedThroughputExceededException")(trip)


def server_error(trip: Trip) -> AWSResponse | None:
    """DynamoDB failed inside."""
    return refused("InternalServerError", status=500)(trip)


def error_page(trip: Trip) -> AWSResponse:
    """Something in between answered, and not in DynamoDB's words."""
    return _answer(trip, 503, b"<html><body>Service unavailable</body></html>")


def refused(code: str, *, status: int = 400) -> Fault:
    """The error `code`."""

    def answer(trip: Trip) -> AWSResponse:
        return _error(trip, status, code)

    return answer


def canceled(*codes: str) -> Fault:
    """A canceled transaction: one reason per action in the order of the request, "None" for those not named."""

    def answer(trip: Trip) -> AWSResponse:
        reasons = [*codes, *["None"] * (_actions(trip) - len(codes))]
        return _error(
            trip, 400, "TransactionCanceledException", CancellationReasons=[{"Code": reason} for reason in reasons]
        )

    return answer


def request_lost(trip: Trip) -> None:
    """Nothing arrives, and nobody says so."""
    raise ReadTimeoutError(endpoint_url=trip.request.url)


def unreachable(trip: Trip) -> None:
    """Nothing listens there."""
    raise EndpointConnectionError(endpoint_url=trip.request.url)


def acknowledgement_lost(trip: Trip) -> None:
    """It arrives and is done, and the answer is lost."""
    trip.arrive()
    raise ReadTimeoutError(endpoint_url=trip.request.url)


def acknowledgement_lost_and(then: Callable[[], object]) -> Fault:
    """It is done, the answer is lost, and something else happens before the next try."""

    def fault(trip: Trip) -> None:
        trip.arrive()
        then()
        raise ReadTimeoutError(endpoint_url=trip.request.url)

    return fault


def overtaken_by(first: Callable[[], object]) -> Fault:
    """Something else happens just before the request arrives."""

    def fault(_: Trip) -> None:
        first()

    return fault


def crash_before(_: Trip) -> None:
    """The process dies before the request sets out."""
    raise Crash


def crash_after(trip: Trip) -> None:
    """The process dies when the request is done and before it reads the answer."""
    trip.arrive()
    raise Crash


def _actions(trip: Trip) -> int:
    """How many actions the transaction has; 0 when it is none."""
    return len(trip.body.get("TransactItems", []))


def _error(trip: Trip, status: int, code: str, **members: Any) -> AWSResponse:
    body = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "injected by a test", **members}
    return _answer(trip, status, json.dumps(body).encode())


def _answer(trip: Trip, status: int, body: bytes) -> AWSResponse:
    headers: Any = {"Content-Type": "application/x-amz-json-1.0", "x-amzn-RequestId": "injected"}
    return AWSResponse(trip.request.url, status, headers, _Body(body))


class _Body(io.BytesIO):
    """What botocore reads an answer from: urllib3's response, as far as it is used."""

    def stream(self) -> Iterator[bytes]:
        yield self.read()
