"""Queues as declared, on moto, and the pump that stands in for Lambda's poller."""

import contextlib
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from local import aws
from local.queues import LEFT_OUT_OF_QUEUES, Handler, Pumped, QueuePump, create_queues
from local.stage import Stage
from tests.support.engines import Engine

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

QUEUE, DEAD = "paydesk-dev-sweeps", "paydesk-dev-sweeps-dead"
SECONDS = 300
RECEIVES = Stage().resources("AWS::SQS::Queue")["SweepsQueue"]["RedrivePolicy"]["maxReceiveCount"]


@pytest.fixture
def client(moto: Engine) -> Iterator["SQSClient"]:
    client = aws.sqs(moto.url)
    create_queues(client, Stage())
    yield client
    for name in (QUEUE, DEAD):
        client.delete_queue(QueueUrl=_url(client, name))


def test_every_declared_queue_is_made_as_declared(client: "SQSClient") -> None:
    declared = Stage().resources("AWS::SQS::Queue")["SweepsQueue"]

    attributes = client.get_queue_attributes(QueueUrl=_url(client, QUEUE), AttributeNames=["All"])["Attributes"]
    made = {str(name): value for name, value in attributes.items()}

    assert int(made["VisibilityTimeout"]) == declared["VisibilityTimeout"]
    assert int(made["MessageRetentionPeriod"]) == declared["MessageRetentionPeriod"]
    redrive = json.loads(made["RedrivePolicy"])
    assert redrive["deadLetterTargetArn"].endswith(f":{DEAD}")
    assert int(redrive["maxReceiveCount"]) == RECEIVES
    told = {"VisibilityTimeout", "MessageRetentionPeriod", "RedrivePolicy", *LEFT_OUT_OF_QUEUES}
    assert told == declared.keys()


def test_each_message_reaches_the_function_once_as_lambda_brings_it(client: "SQSClient") -> None:
    _send(client, "one", "two", "three")
    events: list[dict[str, Any]] = []
    times: list[int] = []
    progress: list[int] = []

    def work(event: dict[str, Any], context: Any) -> None:
        events.append(event)
        times.append(context.get_remaining_time_in_millis())

    pumped = _pump(client, work).run(progress.append)

    assert pumped == Pumped(handled=3, failed=0)
    assert progress == [1, 2, 3]
    records = [record for event in events for record in event["Records"]]
    assert sorted(record["body"] for record in records) == ["one", "three", "two"]
    assert {record["eventSource"] for record in records} == {"aws:sqs"}
    assert all(record["eventSourceARN"].endswith(f":{QUEUE}") for record in records)
    assert all((SECONDS - 5) * 1000 < left <= SECONDS * 1000 for left in times)
    assert _pump(client, work).run() == Pumped()


def test_what_a_worker_sends_while_it_works_is_worked_off_too(client: "SQSClient") -> None:
    _send(client, "first")
    bodies: list[str] = []

    def work(event: dict[str, Any], _context: Any) -> None:
        bodies.append(event["Records"][0]["body"])
        if len(bodies) == 1:
            _send(client, "the rest")

    assert _pump(client, work).run() == Pumped(handled=2)
    assert bodies == ["first", "the rest"]


def test_a_message_whose_worker_fails_comes_back_and_holds_up_no_other(client: "SQSClient") -> None:
    _send(client, "fails once", "fine")
    tries: list[str] = []

    def work(event: dict[str, Any], _context: Any) -> None:
        body = event["Records"][0]["body"]
        tries.append(body)
        if tries.count("fails once") == 1 and body == "fails once":
            raise RuntimeError("out of memory")

    assert _pump(client, work).run() == Pumped(handled=2, failed=1)
    assert sorted(tries) == ["fails once", "fails once", "fine"]
    assert _waiting(client, DEAD) == []


def test_a_message_that_always_fails_ends_in_the_dead_letters_as_it_was(client: "SQSClient") -> None:
    _send(client, "poison", "fine")
    done: list[str] = []

    def work(event: dict[str, Any], _context: Any) -> None:
        body = event["Records"][0]["body"]
        if body == "poison":
            raise RuntimeError("no way")
        done.append(body)

    assert _pump(client, work).run() == Pumped(handled=1, failed=RECEIVES)
    assert done == ["fine"]
    assert _waiting(client, DEAD) == ["poison"]
    assert _waiting(client, QUEUE) == []


def test_a_message_that_somebody_holds_stays_with_him(client: "SQSClient") -> None:
    """Until its visibility timeout, nobody else is given it: another worker may still be at it."""
    _send(client, "held")
    assert client.receive_message(QueueUrl=_url(client, QUEUE))["Messages"]

    assert _pump(client, _must_not_run).run() == Pumped()


def _must_not_run(_event: dict[str, Any], _context: Any) -> None:
    raise AssertionError("a message came that is somebody else's")


def _pump(client: "SQSClient", handler: Handler) -> QueuePump:
    return QueuePump(client, QUEUE, handler, SECONDS)


def _send(client: "SQSClient", *bodies: str) -> None:
    for body in bodies:
        client.send_message(QueueUrl=_url(client, QUEUE), MessageBody=body)


def _waiting(client: "SQSClient", name: str) -> list[str]:
    found = []
    with contextlib.suppress(KeyError):
        while True:
            found.append(client.receive_message(QueueUrl=_url(client, name))["Messages"][0]["Body"])
    return found


def _url(client: "SQSClient", name: str) -> str:
    return client.get_queue_url(QueueName=name)["QueueUrl"]
