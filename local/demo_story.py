"""Who tells the demo's story: one administrator, signed in, who can also move the local stack's clock."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from local.stack import PASSWORD, LocalStack
from local.storyteller import Members, Say, Storyteller, Told, Unexpected

METHOD = ("payment_method_id", "label", "is_default")
INVOICE = ("number", "status", "overdue", "total_minor", "remaining_minor", "currency", "due_on")
PAYMENT = ("payment_id", "status", "amount_minor", "currency", "allocations", "message")


class Story:
    """One administrator, signed in."""

    def __init__(self, stack: LocalStack, say: Say) -> None:
        self._stack = stack
        self._teller = Storyteller(say)
        self._token = ""

    def sign_in(self) -> None:
        self._teller.step("The billing administrator signs in. Cognito, here moto's, gives an ID token.")
        body = {
            "AuthFlow": "USER_PASSWORD_AUTH",
            "ClientId": self._stack.pool.client_id,
            "AuthParameters": {"USERNAME": "admin@example.com", "PASSWORD": PASSWORD},
        }
        headers = {
            "X-Amz-Target": "AWSCognitoIdentityProviderService.InitiateAuth",
            "Content-Type": "application/x-amz-json-1.1",
        }
        url = f"{self._stack.aws_endpoint_url}/"
        told = self._teller.send("POST", url, body, expected=200, headers=headers, show=("AuthenticationResult",))
        self._token = told.body["AuthenticationResult"]["IdToken"]

    def get(self, sentence: str, path: str, *, show: Members = ()) -> Told:
        self._teller.step(sentence)
        return self._teller.send("GET", self._url(path), expected=200, headers=self._headers(), show=show)

    def post(
        self,
        sentence: str,
        path: str,
        body: Mapping[str, object],
        *,
        key: str,
        expected: int,
        show: tuple[str, ...] = (),
    ) -> Told:
        self._teller.step(sentence)
        headers = self._headers() | {"Idempotency-Key": key}
        return self._teller.send("POST", self._url(path), body, expected=expected, headers=headers, show=show)

    def put(self, sentence: str, path: str, body: Mapping[str, object], *, show: Members = ()) -> Told:
        self._teller.step(sentence)
        return self._teller.send("PUT", self._url(path), body, expected=200, headers=self._headers(), show=show)

    def quietly(self, path: str) -> Any:
        """What a GET answers, which nobody is told of."""
        return Storyteller(_nobody).send("GET", self._url(path), expected=200, headers=self._headers()).body

    def run(self, sentence: str, sweep: str, show: Members) -> Told:
        """Fires a schedule and waits until its run is over."""
        self._teller.step(sentence)
        return self._teller.send("POST", self._url(f"/_local/runs/{sweep}"), expected=200, show=show)

    def move_to(self, sentence: str, moment: datetime) -> None:
        """Moves the clock on, to just after a moment that is still to come."""
        ahead = moment - datetime.fromisoformat(self.quietly("/_local/clock")["now"])
        self.advance(sentence, max(0, ahead // timedelta(seconds=1)) + 1)

    def advance(self, sentence: str, seconds: int) -> None:
        self._teller.step(sentence)
        self._teller.send("POST", self._url("/_local/clock"), {"advance_seconds": seconds}, expected=200)

    def _url(self, path: str) -> str:
        return self._stack.api_url + path

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"}


def expect(held: bool, otherwise: str) -> None:
    """Raises Unexpected when the story's own condition does not hold."""
    if not held:
        raise Unexpected(otherwise)


def _nobody(_line: str) -> None:
    """Hears what is not to be printed."""
