"""What a view answers, and the HTTP response it becomes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from chalice.app import Response
from pydantic import BaseModel

from chalicelib.settings import Settings

EXPOSED_HEADERS = "Retry-After, Idempotent-Replayed, Location, Paydesk-Next-Cursor, X-Request-Id"
REPLAYED = {"Idempotent-Replayed": "true"}
"""The header of an answer to a request that had been carried out before."""

_ALWAYS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@dataclass(frozen=True)
class Answer:
    """A status, a body, headers. `content` is text that is already written: a table, a page."""

    status: int = 200
    body: BaseModel | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    content: str | None = None
    content_type: str = "application/json"

    @classmethod
    def text(
        cls, content: str, content_type: str, *, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> Self:
        """Text of any other type: CSV, JSON lines, HTML. UTF-8 is added to `content_type`."""
        return cls(status, None, headers or {}, content, f"{content_type}; charset=utf-8")


def respond(answer: Answer, request_id: str, settings: Settings | None, origin: str | None) -> Response:
    """The finished response. Without settings, which only happens when they cannot be read, no other origin is
    allowed."""
    headers: dict[str, str | list[str]] = {**_ALWAYS, "X-Request-Id": request_id, **answer.headers}
    if settings is not None:
        headers |= cross_origin(settings, origin)
    text = answer.content if answer.body is None else answer.body.model_dump_json()
    if text is not None:
        headers["Content-Type"] = answer.content_type
    return Response(body=text or "", status_code=answer.status, headers=headers)


def cross_origin(settings: Settings, origin: str | None) -> dict[str, str]:
    """The headers that let a page of an allowed origin read the answer. Chalice's own CORS knows one origin only."""
    if not settings.allowed_origins:
        return {}
    if origin not in settings.allowed_origins:
        return {"Vary": "Origin"}
    return {
        "Vary": "Origin",
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Expose-Headers": EXPOSED_HEADERS,
    }
