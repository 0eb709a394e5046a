"""What a route is, and what its view is given."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pydantic import BaseModel

from chalicelib.activity.models import Actor
from chalicelib.auth.roles import Caller, Role
from chalicelib.http.answers import Answer
from chalicelib.wiring import Desk

AnswerType = type[BaseModel] | tuple[str, ...] | None
"""A schema, the content types of an answer in text, or None for an empty answer."""


@dataclass(frozen=True)
class Call:
    """One request as a view sees it. `key` is the Idempotency-Key, None on a route that takes none."""

    desk: Desk
    locale: str
    key: str | None
    signed_in: Caller | None

    @property
    def caller(self) -> Caller:
        """Who calls. Raises LookupError on a public route, where nobody signed in."""
        if self.signed_in is None:
            raise LookupError("a public route has no caller")
        return self.signed_in

    @property
    def actor(self) -> Actor:
        """Who calls, as the books name them."""
        return Actor(subject=self.caller.subject, name=self.caller.email)

    @property
    def required_key(self) -> str:
        """The Idempotency-Key. Raises LookupError on a route that is not keyed."""
        if self.key is None:
            raise LookupError("this route takes no Idempotency-Key")
        return self.key


@dataclass(frozen=True)
class Endpoint:
    """One route: what it takes, what it answers, who may call it (None: everybody)."""

    room: str
    method: str
    path: str
    view: Callable[..., Answer]
    role: Role | None
    body: type[BaseModel] | None
    query: type[BaseModel] | None
    answers: Mapping[int, AnswerType]
    keyed: bool
    problems: tuple[str, ...]

    @property
    def name(self) -> str:
        """The view's name. No two routes of the desk share one: it is the operationId."""
        return self.view.__name__

    @property
    def summary(self) -> str:
        """The first line of the view's docstring."""
        return (inspect.getdoc(self.view) or self.name).splitlines()[0]

    @property
    def description(self) -> str:
        """The rest of the docstring."""
        return "\n".join((inspect.getdoc(self.view) or "").splitlines()[1:]).strip()
