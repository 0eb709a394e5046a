"""Serves the Chalice app over HTTP on loopback, as API Gateway and Lambda would: `with serve(app) as url: ...`."""

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from typing import Protocol

from chalice.app import Chalice

from local.gateway import Gateway
from local.stage import Stage
from local.web import Request, Response, address_of, listen, serve_site

LOCAL_PATHS = "/_local/"
"""Where the control API of the local stack lives; the app itself has no route there."""

RequestLog = Callable[[Request, Response, int], None]
"""Told of every request that was answered: request, answer, milliseconds."""


class Control(Protocol):
    def answer(self, request: Request) -> Response: ...


class _LocalSite:
    """The app behind its gateway, and the control API beside it. Beside one, the bare address leads to the
    documentation."""

    def __init__(self, gateway: Gateway, control: Control | None, log: RequestLog | None) -> None:
        self._gateway = gateway
        self._control = control
        self._log = log

    def answer(self, request: Request) -> Response:
        started = time.monotonic()
        if self._control is not None and request.target.startswith(LOCAL_PATHS):
            response = self._control.answer(request)
        elif self._control is not None and request.target == "/":
            response = Response(302, (("Location", "/docs"),))
        else:
            response = self._gateway.answer(request)
        if self._log is not None:
            self._log(request, response, round((time.monotonic() - started) * 1000))
        return response

    def refuse(self, status: int) -> Response:
        return self._gateway.refuse(status)


@contextlib.contextmanager
def serve(app: Chalice, port: int = 0) -> Iterator[str]:
    """Serves the app in threads of this process; yields its address. Port 0 takes a free one. Raises PortTaken."""
    with listen(port) as listener, serve_on(listener, app):
        yield address_of(listener)


@contextlib.contextmanager
def serve_on(
    listener: socket.socket, app: Chalice, *, control: Control | None = None, log: RequestLog | None = None
) -> Iterator[None]:
    """The same on a socket that listens already, with the control API if there is one."""
    with serve_site(_LocalSite(Gateway(app, Stage()), control, log), listener):
        yield
