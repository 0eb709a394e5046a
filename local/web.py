"""A small HTTP/1.1 server on loopback: many threads, connections kept alive, bodies bounded.

What is answered is the business of the Site it serves.
"""

import contextlib
import socket
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Protocol, cast

from local.request_body import UnreadableBody, read_body

HOST = "127.0.0.1"
_LINE_BYTES_MAX = 65_536
_IDLE_SECONDS_MAX = 75
_LINGER_SECONDS_MAX = 2
_STOP_SECONDS_MAX = 20


class PortTaken(Exception):
    """The port cannot be had on this machine."""

    def __init__(self, port: int) -> None:
        self.port = port
        super().__init__(f"port {port} on {HOST} is taken")


@dataclass(frozen=True)
class Request:
    """`target` is path and query, still encoded. Header names are in lower case; the last of several counts."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Response:
    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


class Site(Protocol):
    """What a server serves."""

    def answer(self, request: Request) -> Response: ...

    def refuse(self, status: int) -> Response:
        """The answer to what is not readable as a request (400, 413, 414, 431, 501) or broke on the way (500)."""


@contextlib.contextmanager
def listen(port: int) -> Iterator[socket.socket]:
    """A listening socket on loopback; port 0 takes a free one. Raises PortTaken."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except OSError as error:
            raise PortTaken(port) from error
        # Fifty clients at once must not find the queue full: their second try would come a second later.
        listener.listen(512)
        yield listener


def address_of(listener: socket.socket) -> str:
    return f"http://{HOST}:{listener.getsockname()[1]}"


@contextlib.contextmanager
def serve_site(site: Site, listener: socket.socket) -> Iterator[None]:
    """Serves a site. At the end it lets answers on their way finish and closes every connection."""
    server = _Server(listener, site)
    accepting = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="http", daemon=True)
    accepting.start()
    try:
        yield
    finally:
        server.shutdown()
        accepting.join()
        server.hang_up()


class _Server(ThreadingHTTPServer):
    def __init__(self, listener: socket.socket, site: Site) -> None:
        super().__init__(listener.getsockname(), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.server_address = listener.getsockname()
        self.site = site
        self._open: dict[socket.socket, threading.Thread] = {}
        self._lock = threading.Lock()

    def process_request(self, request: socket.socket | tuple[bytes, socket.socket], client_address: object) -> None:
        connection = cast(socket.socket, request)  # the other shape is UDP's
        thread = threading.Thread(target=self.process_request_thread, args=(connection, client_address), daemon=True)
        with self._lock:
            self._open[connection] = thread
        thread.start()

    def shutdown_request(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
        super().shutdown_request(request)
        with self._lock:
            self._open.pop(cast(socket.socket, request), None)

    def hang_up(self) -> None:
        """No more requests on connections that are open; answers still on their way have time to end."""
        with self._lock:
            connections = dict(self._open)
        for connection in connections:
            with contextlib.suppress(OSError):  # the client was quicker
                connection.shutdown(socket.SHUT_RD)
        until = time.monotonic() + _STOP_SECONDS_MAX
        for thread in connections.values():
            thread.join(max(0.0, until - time.monotonic()))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "paydesk-local"
    sys_version = ""
    timeout = _IDLE_SECONDS_MAX
    disable_nagle_algorithm = True

    @property
    def _site(self) -> Site:
        return cast(_Server, self.server).site

    def handle_one_request(self) -> None:
        try:
            self.raw_requestline = self.rfile.readline(_LINE_BYTES_MAX + 1)
            if not self.raw_requestline:
                self.close_connection = True
            elif len(self.raw_requestline) > _LINE_BYTES_MAX:
                self.send_error(HTTPStatus.REQUEST_URI_TOO_LONG)
            elif self.parse_request():
                self._answer()
        except (TimeoutError, ConnectionError):
            self.close_connection = True  # the client is gone: nobody is left to be told

    def handle_expect_100(self) -> bool:
        return True  # answered when the body is read, so that a refused one is never sent

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002  # the base's signature
        """The base class calls this for what it cannot parse."""
        self.command = getattr(self, "command", None) or "GET"
        self.request_version = "HTTP/1.1"
        self._send(self._site.refuse(int(code)), last=True)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base's signature
        """Silent: the app logs its own requests."""

    def _answer(self) -> None:
        try:
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self._body(headers)
        except UnreadableBody as unreadable:
            self._send(self._site.refuse(unreadable.status), last=True)
            self._linger()
            return
        request = Request(self.command, _origin_form(self.path), headers, body)
        try:
            response = self._site.answer(request)
            encoded = _head(response)
        except Exception:  # noqa: BLE001  # the server outlives whatever a request does
            traceback.print_exc(file=sys.stderr)
            response = self._site.refuse(HTTPStatus.INTERNAL_SERVER_ERROR)
            encoded = _head(response)
        self._send(response, encoded=encoded)

    def _body(self, headers: Mapping[str, str]) -> bytes:
        if len(set(self.headers.get_all("content-length", []))) > 1:
            raise UnreadableBody(HTTPStatus.BAD_REQUEST)  # two readers could end the body in two places
        return read_body(self.rfile, headers, self._send_continue)

    def _send_continue(self) -> None:
        self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _send(self, response: Response, *, encoded: bytes | None = None, last: bool = False) -> None:
        """One write, so that head and body travel together."""
        if last:
            self.close_connection = True
        common = [f"Server: {self.server_version}", f"Date: {self.date_time_string()}"]
        if self.close_connection:
            common.append("Connection: close")
        if response.status not in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED):
            common.append(f"Content-Length: {len(response.body)}")
        head = _head(response) if encoded is None else encoded
        body = b"" if self.command == "HEAD" else response.body
        self.wfile.write(head + "".join(f"{line}\r\n" for line in common).encode("latin-1") + b"\r\n" + body)

    def _linger(self) -> None:
        """Takes in some of what is still being sent: closing at once would reset the connection and lose the answer."""
        self.connection.settimeout(_LINGER_SECONDS_MAX)
        with contextlib.suppress(OSError):  # whatever comes of it, the answer is out
            self.connection.shutdown(socket.SHUT_WR)
            until = time.monotonic() + _LINGER_SECONDS_MAX
            while time.monotonic() < until and self.connection.recv(65_536):
                pass


def _origin_form(target: str) -> str:
    """`/path?query`, also when a proxy-minded client sent a whole address."""
    if not target.startswith(("http://", "https://")):
        return target
    path = target.split("://", 1)[1].partition("/")[2]
    return f"/{path}"


def _head(response: Response) -> bytes:
    """Status line and the response's own headers. Raises ValueError for a header that would end its line."""
    try:
        phrase = HTTPStatus(response.status).phrase
    except ValueError:
        phrase = ""
    lines = [f"HTTP/1.1 {response.status} {phrase}"]
    for name, value in response.headers:
        if any(character in f"{name}{value}" for character in "\r\n\0"):
            raise ValueError(f"the header {name!r} holds a line break")
        if name.lower() not in ("content-length", "connection", "date", "server"):
            lines.append(f"{name}: {value}")
    return "".join(f"{line}\r\n" for line in lines).encode("utf-8")
