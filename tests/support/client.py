"""Speaks to Paydesk as a caller does: through chalice.test.Client in this process, or over HTTP.

    admin.post("/v1/accounts/acc_1/payments", {"amount_minor": 1200}, key="first").status

Nothing is added that a caller would have to say: no `key`, no Idempotency-Key.
"""

import contextlib
import http.client
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from chalice.app import Chalice
from chalice.test import Client as ChaliceClient

from local.gateway import Gateway
from local.stage import REPOSITORY, Stage


@dataclass(frozen=True)
class ApiAnswer:
    """Header names are in lower case. `body` is the parsed JSON; for what is no JSON, look at `text`."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def text(self) -> str:
        return self.content.decode()

    @property
    def body(self) -> Any:
        return json.loads(self.content)

    @property
    def code(self) -> str:
        """The stable code of a problem. Fails for an answer that is none."""
        assert self.headers["content-type"] == "application/problem+json", f"{self.status} {self.text}"
        code: str = self.body["code"]
        return code


Transport = Callable[[str, str, Mapping[str, str], bytes], ApiAnswer]


@dataclass(frozen=True)
class ApiClient:
    """One caller, who does not change: `with_...` and `over` give another one."""

    transport: Transport
    token: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def with_token(self, token: str | None) -> "ApiClient":
        return ApiClient(self.transport, token, self.headers)

    def over(self, transport: Transport) -> "ApiClient":
        """The same caller by another way."""
        return ApiClient(transport, self.token, self.headers)

    def with_headers(self, **headers: str) -> "ApiClient":
        """`accept_language="de"` sends Accept-Language."""
        return ApiClient(self.transport, self.token, {**self.headers, **_headers(headers)})

    def get(self, path: str, **query: str | int) -> ApiAnswer:
        return self.request("GET", path + (f"?{urlencode(query)}" if query else ""))

    def post(self, path: str, json: Any = None, *, key: str | None = None, body: bytes | None = None) -> ApiAnswer:
        """`json` None sends no body at all; `body` sends those very bytes."""
        return self.request("POST", path, json, key=key, body=body)

    def put(self, path: str, json: Any = None, *, body: bytes | None = None) -> ApiAnswer:
        return self.request("PUT", path, json, body=body)

    def patch(self, path: str, json: Any = None, *, body: bytes | None = None) -> ApiAnswer:
        return self.request("PATCH", path, json, body=body)

    def delete(self, path: str, **query: str | int) -> ApiAnswer:
        return self.request("DELETE", path + (f"?{urlencode(query)}" if query else ""))

    def request(
        self, method: str, path: str, json: Any = None, *, key: str | None = None, body: bytes | None = None
    ) -> ApiAnswer:
        headers = dict(self.headers)
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        if key is not None:
            headers["Idempotency-Key"] = key
        if body is None and json is not None:
            body = _dumped(json)
            headers["Content-Type"] = "application/json"
        return self.transport(method, quote(path, safe="/?&=%+:,"), headers, body or b"")


def in_process(app: Chalice) -> Transport:
    """chalice.test.Client, behind a gateway that answers by itself what API Gateway would. One thread at a time."""
    chalice_client = ChaliceClient(app, stage_name="dev", project_dir=str(REPOSITORY))
    chalice_client.http._local_gateway = Gateway(app, Stage())  # Chalice's own refuses in ways AWS does not

    def send(method: str, path: str, headers: Mapping[str, str], body: bytes) -> ApiAnswer:
        answer = chalice_client.http.request(method, path, dict(headers), body)
        return ApiAnswer(answer.status_code, {k.lower(): v for k, v in answer.headers.items()}, answer.body)

    return send


def over_http(url: str, *, timeout_seconds: float = 60) -> Transport:
    """A connection for each request, so any number of threads may send at once."""
    host = urlsplit(url).netloc

    def send(method: str, path: str, headers: Mapping[str, str], body: bytes) -> ApiAnswer:
        with contextlib.closing(http.client.HTTPConnection(host, timeout=timeout_seconds)) as connection:
            connection.request(method, path, body or None, dict(headers))
            answer = connection.getresponse()
            return ApiAnswer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())

    return send


def _headers(named: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-").title(): value for name, value in named.items()}


def _dumped(value: Any) -> bytes:
    return json.dumps(value).encode()
