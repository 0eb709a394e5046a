"""The app as Lambda runs it: its real handler, given API Gateway's event and an authorizer's context, on one engine.

Nothing of the network between a client and Lambda is in it, and no token is verified: API Gateway remembers for five
minutes what the authorizer said.
"""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from chalice.app import Chalice

from chalicelib import settings, wiring
from chalicelib.auth.context import to_context
from chalicelib.auth.roles import Caller, Role
from chalicelib.core.clock import Clock, SystemClock
from chalicelib.gateways.sandbox import SandboxGateway
from chalicelib.gateways.sandbox_tables import DynamoDBCharges
from chalicelib.ledger.dynamodb import Ledger, dynamodb_client
from chalicelib.sweeps.stores import DynamoDBRuns, MemoryQueue
from local.clock import StandingClock
from local.stage import Stage
from tests.support.builders import NOW

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ISSUER = {
    "PAYDESK_TOKEN_ISSUER": "http://127.0.0.1/issuer",
    "PAYDESK_TOKEN_AUDIENCE": "bench",
    "PAYDESK_TOKEN_JWKS_URL": "http://127.0.0.1/keys.json",
}
"""No token is ever looked at here."""


class Invocation:
    """What Lambda calls its context."""

    aws_request_id = "6bc28136-xmpl-4365-b021-0ce6b2e64ab0"


class Handler:
    """`app`'s handler on the tables under `prefix`. `client` is the one all its calls to DynamoDB go through; AWS_
    variables say where to. Paydesk's clock stands still.
    """

    def __init__(self, prefix: str, clock: Clock | None = None, **variables: str) -> None:
        from app import app  # not before the environment is the bench's

        self.client: DynamoDBClient = dynamodb_client()
        self.queue = MemoryQueue()
        chosen = settings.load(Stage().environment() | ISSUER | {"PAYDESK_TABLE_PREFIX": prefix} | variables)
        self.desk = wiring.build(
            chosen,
            clock=clock or StandingClock(NOW),
            ledger=Ledger(self.client, prefix, due_work=wiring.due_work(chosen)),
            gateway=SandboxGateway(DynamoDBCharges(self.client, prefix), chosen.sandbox_page_url),
            queue=self.queue,
            runs=DynamoDBRuns(lambda: self.client, prefix, attempts=5),
        )
        wiring.use(self.desk)
        self._app: Chalice = app

    def answer(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Lambda's answer to one event."""
        answer: dict[str, Any] = self._app(event, Invocation())
        return answer


def event(method: str, path: str, account_id: str, *, body: Any = None, key: str | None = None) -> dict[str, Any]:
    """API Gateway's event for a request of the account's administrator. `path` is the route's, with its parameter."""
    expires_at = SystemClock().now() + timedelta(hours=1)
    caller = Caller(
        "6f1c1c5e-7a53-4a1d-9d0f-0c3e8f6c2b11",
        "ada.byron@example.com",
        frozenset({Role.ADMIN}),
        frozenset({account_id}),
        expires_at,
    )
    headers = {"accept": "application/json", "content-type": "application/json", "host": "api.example.com"}
    return {
        "httpMethod": method,
        "path": path.replace("{account_id}", account_id),
        "resource": path,
        "headers": headers | ({"idempotency-key": key} if key else {}),
        "multiValueQueryStringParameters": None,
        "pathParameters": {"account_id": account_id},
        "body": None if body is None else json.dumps(body),
        "isBase64Encoded": False,
        "stageVariables": None,
        "requestContext": {
            "httpMethod": method,
            "resourcePath": path,
            "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            "identity": {"sourceIp": "127.0.0.1"},
            "authorizer": to_context(caller),
        },
    }
