"""The queues that `.chalice/resources.json` declares, and what Lambda's poller does with them: receive, call, delete.

A message whose worker fails comes back, and after the declared number of times goes to the dead letters, as in AWS. One
thing differs: here it comes back at once, not after its visibility timeout, so that a run ends while somebody watches.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chalice.local import LambdaContext

from local.progress import Done, unwatched
from local.stage import Stage

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

LEFT_OUT_OF_QUEUES = {
    "SqsManagedSseEnabled": "no engine encrypts; the declaration itself is tested on the template",
    "QueueName": "named beside the attributes in SQS's API",
}
"""Properties of a queue that CreateQueue is not given, each with the reason."""

Handler = Callable[[dict[str, Any], Any], Any]
"""A Lambda function of the app: event and context."""


def create_queues(client: "SQSClient", stage: Stage) -> None:
    """Makes every queue of the stage, the dead letters first."""
    declared = stage.resources("AWS::SQS::Queue")
    known: dict[str, str] = {}
    for logical_id, properties in sorted(declared.items(), key=lambda entry: "RedrivePolicy" in entry[1]):
        resolved = stage.resolve(properties, known)
        attributes = {
            name: json.dumps(value) if isinstance(value, dict) else str(value)
            for name, value in resolved.items()
            if name not in LEFT_OUT_OF_QUEUES
        }
        url = client.create_queue(QueueName=resolved["QueueName"], Attributes=attributes)["QueueUrl"]
        arn = client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        known[f"{logical_id}.Arn"] = arn


@dataclass(frozen=True)
class Pumped:
    """What working a queue off came to."""

    handled: int = 0
    failed: int = 0


class QueuePump:
    """Brings the messages of one queue to the function that works on it. `timeout_seconds` is that function's."""

    def __init__(self, client: "SQSClient", queue: str, handler: Handler, timeout_seconds: int) -> None:
        self._client = client
        self._url = client.get_queue_url(QueueName=queue)["QueueUrl"]
        self._arn = self._attribute("QueueArn")
        self._handler = handler
        self._timeout_seconds = timeout_seconds

    def waiting(self) -> int:
        """How many messages wait."""
        return int(self._attribute("ApproximateNumberOfMessages"))

    def run(self, progress: Done = unwatched) -> Pumped:
        """Works the queue off until nothing waits in it, and tells `progress` how many messages are done."""
        done = Pumped()
        while message := self._receive():
            if self._work(message):
                done = Pumped(done.handled + 1, done.failed)
                progress(done.handled)
            else:
                done = Pumped(done.handled, done.failed + 1)
        return done

    def _receive(self) -> Any:
        """The next message, or None. SQS itself moves one that came too often to the dead letters."""
        answer = self._client.receive_message(
            QueueUrl=self._url, MaxNumberOfMessages=1, MessageSystemAttributeNames=["All"]
        )
        messages = answer.get("Messages", [])
        return messages[0] if messages else None

    def _work(self, message: Any) -> bool:
        record = {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": message.get("Attributes", {}),
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": self._arn,
        }
        context = LambdaContext(function_name="work", memory_size=1024, max_runtime_ms=self._timeout_seconds * 1000)
        try:
            self._handler({"Records": [record]}, context)
        except Exception:  # noqa: BLE001  # Lambda's poller outlives whatever a function raises; the function logged it
            self._client.change_message_visibility(
                QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
            )
            return False
        self._client.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
        return True

    def _attribute(self, name: Any) -> str:
        return self._client.get_queue_attributes(QueueUrl=self._url, AttributeNames=[name])["Attributes"][name]
