"""Sends requests and prints them with their answers, shortened to what a reader can take in. Fails on surprises."""

import contextlib
import http.client
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

_WIDTH = 110
_WORD_MAX = 70

Say = Callable[[str], None]
Members = tuple[str, ...]
"""The members of an answer worth printing; none named: all."""


class Unexpected(Exception):
    """An answer that the story does not know how to go on from."""


@dataclass(frozen=True)
class Told:
    """An answer: parsed body, header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: Any


class Storyteller:
    """Speaks to the API, and prints what it says."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._step = 0

    def step(self, sentence: str) -> None:
        self._step += 1
        self._say(f"\n{self._step}. {sentence}")

    def send(
        self,
        method: str,
        url: str,
        body: Any = None,
        *,
        expected: int,
        headers: Mapping[str, str] | None = None,
        show: Members = (),
    ) -> Told:
        """Sends, prints, and raises Unexpected for any other status."""
        parts = urlsplit(url)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        payload = None if body is None else json.dumps(body)
        with contextlib.closing(http.client.HTTPConnection(parts.netloc, timeout=60)) as connection:
            connection.request(method, path, payload, dict(headers or {}))
            answer = connection.getresponse()
            told_headers = {name.lower(): value for name, value in answer.getheaders()}
            told = Told(answer.status, told_headers, json.loads(answer.read() or b"null"))
        key = (headers or {}).get("Idempotency-Key")
        self._say(f"   > {method} {path}" + (f"   Idempotency-Key: {key}" if key else ""))
        if body is not None:
            self._say(_indented(body, "   > "))
        hints = [f"{name}: {told_headers[name.lower()]}" for name in _TELLING if name.lower() in told_headers]
        self._say("   < " + "   ".join([f"{told.status} {answer.reason}", *hints]))
        if told.body is not None:
            self._say(_indented(_picked(told.body, show), "   < "))
        if told.status != expected:
            raise Unexpected(f"{method} {path} was to answer {expected} and answered {told.status}.")
        return told


_TELLING = ("Retry-After", "Idempotent-Replayed")


def _picked(body: Any, show: Members) -> Any:
    """The members named, of the object or of each item of a list."""
    if not show or not isinstance(body, dict):
        return body
    if "items" in body:
        return {"items": [_picked(item, show) for item in body["items"]]}
    return {name: body[name] for name in show if name in body}


def _indented(value: Any, margin: str) -> str:
    """On one line where that is short enough, else a member a line."""
    short = _shortened(value)
    line = json.dumps(short, ensure_ascii=False)
    if len(line) <= _WIDTH:
        return margin + line
    if isinstance(short, dict) and "items" in short:
        return "\n".join(margin + json.dumps(item, ensure_ascii=False) for item in short["items"])
    return "\n".join(f"{margin}{name}: {json.dumps(item, ensure_ascii=False)}" for name, item in short.items())


def _shortened(value: Any) -> Any:
    if isinstance(value, str) and len(value) > _WORD_MAX and " " not in value:
        return value[:20] + "..."  # a token; sentences stay whole
    if isinstance(value, dict):
        return {name: _shortened(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_shortened(item) for item in value]
    return value
