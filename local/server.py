"""Serves the Chalice app over HTTP on loopback, as API Gateway and Lambda would: `with serve(app) as url: ...`."""

import contextlib
from collections.abc import Iterator
from typing import Protocol

from chalice.app import Chalice

from local.gateway import Gateway
from local.stage import Stage
from local.web import Request, Response, serve_site

LOCAL_PATHS = "/_local/"
"""Where the control API of the local stack lives; the app itself has no route there."""


class Control(Protocol):
    def answer(self, request: Request) -> Response: ...


class _LocalSite:
    """The app behind its gateway, and the control API beside it."""

    def __init__(self, gateway: Gateway, control: Control | None) -> None:
        self._gateway = gateway
        self._control = control

    def answer(self, request: Request) -> Response:
        if self._control is not None and request.target.startswith(LOCAL_PATHS):
            return self._control.answer(request)
        return self._gateway.answer(request)

    def refuse(self, status: int) -> Response:
        return self._gateway.refuse(status)


@contextlib.contextmanager
def serve(app: Chalice, port: int = 0, *, control: Control | None = None, stage: Stage | None = None) -> Iterator[str]:
    """Serves the app in threads of this process; yields its address. Port 0 takes a free one. Raises PortTaken."""
    with serve_site(_LocalSite(Gateway(app, stage or Stage()), control), port) as url:
        yield url
