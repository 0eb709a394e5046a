"""The sandbox gateway in a process of its own, and the way there.

It goes on with a charge whose caller was killed, as a real one does: it takes its time before a charge and after it.
"""

import contextlib
import http.client
import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from typing import Any, cast
from urllib.parse import urlsplit

from pydantic import TypeAdapter

from chalicelib.gateways.port import (
    ActionRequired,
    Approved,
    AttachedCard,
    Charge,
    Closed,
    Declined,
    NotSent,
    Outcome,
    Processing,
    TokenRefused,
    Unknown,
)
from chalicelib.gateways.sandbox import SandboxGateway
from chalicelib.gateways.sandbox_tables import MemoryCharges
from local.stage import REPOSITORY
from local.web import Request, Response, address_of, listen, serve_site
from tests.proof.books import ChargeRows

SECONDS_MAX = 0.04
"""How long the gateway may think before it charges, and again before it answers."""

_PAGE_URL = "http://127.0.0.1/sandbox"
_TIMEOUT_SECONDS = 5
_ANSWERS: dict[str, TypeAdapter[Any]] = {
    kind.__name__: TypeAdapter(kind)
    for kind in (
        *(Approved, Declined, Processing, ActionRequired, NotSent, Closed, Unknown),
        *(AttachedCard, TokenRefused),
    )
}


class RemoteGateway:
    """GatewayPort over HTTP. Whatever is not an answer is Unknown: it may have happened."""

    name = "sandbox"

    def __init__(self, url: str) -> None:
        self.url = url
        self._address = urlsplit(url).netloc

    def attach_card(self, account_id: str, payment_method_id: str, token: str) -> AttachedCard | TokenRefused | Unknown:
        answer = self._ask("attach_card", account_id=account_id, payment_method_id=payment_method_id, token=token)
        return cast(AttachedCard | TokenRefused | Unknown, answer)

    def detach(self, method_reference: str) -> None:
        """The sandbox has nothing to forget."""

    def charge(self, charge: Charge) -> Outcome | NotSent | Unknown:
        return cast(Outcome | NotSent | Unknown, self._ask("charge", **asdict(charge)))

    def close(self, payment_id: str) -> Outcome | Closed | Unknown:
        return cast(Outcome | Closed | Unknown, self._ask("close", payment_id=payment_id))

    def books(self) -> ChargeRows:
        """The gateway's own books. Raises OSError when it does not answer."""
        rows: ChargeRows = self._send("books", {})
        return rows

    def _ask(self, verb: str, **arguments: Any) -> Any:
        try:
            answer = self._send(verb, arguments)
        except (OSError, http.client.HTTPException) as silence:
            return Unknown(f"no answer: {silence}")
        return _ANSWERS[answer["answer"]].validate_python(answer["says"])

    def _send(self, verb: str, arguments: Mapping[str, Any]) -> Any:
        connection = http.client.HTTPConnection(self._address, timeout=_TIMEOUT_SECONDS)
        with contextlib.closing(connection):
            connection.request("POST", f"/{verb}", json.dumps(arguments))
            response = connection.getresponse()
            if response.status != http.client.OK:
                raise http.client.HTTPException(f"the gateway failed: {response.status}")
            return json.loads(response.read())


class GatewaySite:
    """What the gateway's process serves."""

    def __init__(self, dice: random.Random) -> None:
        self._charges = MemoryCharges()
        self._sandbox = SandboxGateway(self._charges, _PAGE_URL)
        self._dice = dice
        self._verbs: dict[str, Callable[..., Any]] = {
            "/attach_card": self._sandbox.attach_card,
            "/charge": lambda **charge: self._sandbox.charge(Charge(**charge)),
            "/close": self._sandbox.close,
        }

    def answer(self, request: Request) -> Response:
        if request.target == "/books":
            return _json(dict(self._charges.rows))
        self._think()
        said = self._verbs[request.target](**json.loads(request.body))
        self._think()
        kind = type(said).__name__
        return _json({"answer": kind, "says": _ANSWERS[kind].dump_python(said, mode="json")})

    def refuse(self, status: int) -> Response:
        return Response(status)

    def _think(self) -> None:
        time.sleep(self._dice.uniform(0, SECONDS_MAX))


def _json(value: Any) -> Response:
    return Response(http.client.OK, body=json.dumps(value).encode())


@contextlib.contextmanager
def gateway_process(seed: int) -> Iterator[RemoteGateway]:
    """A gateway in a process of its own; it ends with this one, whatever happens."""
    command = [sys.executable, "-m", "tests.proof.kills.gateway", str(seed)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        url = process.stdout.readline().strip()
        if not url:
            raise RuntimeError("the gateway's process did not come up")
        try:
            yield RemoteGateway(url)
        finally:
            process.stdin.close()


def main(seed: int) -> None:
    with listen(0) as listener, serve_site(GatewaySite(random.Random(seed)), listener):
        sys.stdout.write(f"{address_of(listener)}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main(int(sys.argv[1]))
