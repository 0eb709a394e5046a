import contextlib
import http.client
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from local.request_body import BODY_BYTES_MAX
from local.web import HOST, PortTaken, Request, Response, address_of, listen, serve_site


class _Echo:
    """Answers with the body, and with what its path asks for."""

    def __init__(self) -> None:
        self.released = threading.Event()
        self.entered = threading.Event()

    def answer(self, request: Request) -> Response:
        match request.target:
            case "/crash":
                raise ValueError("a defect")
            case "/split":
                return Response(200, (("X-Name", "a\r\nSet-Cookie: b"),))
            case "/nothing":
                return Response(204)
            case "/slow":
                self.entered.set()
                assert self.released.wait(10)
        return Response(200, (("Content-Type", "text/plain"), ("X-Target", request.target)), request.body or b"hello")

    def refuse(self, status: int) -> Response:
        return Response(status, (("Content-Type", "application/problem+json"),), b'{"refused": true}')


@pytest.fixture
def echo() -> _Echo:
    return _Echo()


@pytest.fixture
def port(echo: _Echo) -> Iterator[int]:
    with listen(0) as listener, serve_site(echo, listener):
        yield listener.getsockname()[1]


@pytest.fixture
def connection(port: int) -> Iterator[http.client.HTTPConnection]:
    with contextlib.closing(http.client.HTTPConnection(HOST, port, timeout=10)) as made:
        yield made


def _raw(port: int, sent: bytes) -> bytes:
    """What comes back until the server closes."""
    with socket.create_connection((HOST, port), timeout=10) as client:
        client.sendall(sent)
        received = b""
        while part := client.recv(65_536):
            received += part
        return received


def test_a_connection_serves_many_requests(connection: http.client.HTTPConnection) -> None:
    for number in range(20):
        connection.request("POST", f"/{number}", f"body {number}")
        answer = connection.getresponse()
        assert answer.getheader("X-Target") == f"/{number}"
        assert answer.read() == f"body {number}".encode()


def test_requests_sent_at_once_on_one_connection_are_answered_in_turn(port: int) -> None:
    first = b"POST /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\none"
    second = b"GET /2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    received = _raw(port, first + second)
    assert received.count(b"HTTP/1.1 200") == 2
    assert received.index(b"X-Target: /1") < received.index(b"one") < received.index(b"X-Target: /2")


def test_head_has_the_headers_of_the_answer_and_no_body(connection: http.client.HTTPConnection) -> None:
    connection.request("HEAD", "/")
    answer = connection.getresponse()
    assert answer.getheader("Content-Length") == "5"
    assert answer.read() == b""
    connection.request("GET", "/")
    assert connection.getresponse().read() == b"hello"


def test_no_content_has_no_length(connection: http.client.HTTPConnection) -> None:
    connection.request("DELETE", "/nothing")
    answer = connection.getresponse()
    assert (answer.status, answer.getheader("Content-Length")) == (204, None)
    answer.read()
    connection.request("GET", "/")
    assert connection.getresponse().read() == b"hello"


def test_a_chunked_body_is_read_whole(connection: http.client.HTTPConnection) -> None:
    connection.request(
        "POST", "/", iter([b"one ", b"two ", b"three"]), {"Transfer-Encoding": "chunked"}, encode_chunked=True
    )
    assert connection.getresponse().read() == b"one two three"


def test_a_client_that_waits_to_be_told_is_told(port: int) -> None:
    with socket.create_connection((HOST, port), timeout=10) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"hi")
        assert client.recv(1000).endswith(b"\r\n\r\nhi")


@pytest.mark.parametrize(
    "headers",
    [
        f"Content-Length: {BODY_BYTES_MAX + 1}",
        f"Content-Length: {BODY_BYTES_MAX + 1}\r\nExpect: 100-continue",
        "Content-Length: 99999999999999999999999999",
        "Transfer-Encoding: chunked\r\n\r\nffffffff",
    ],
)
def test_a_body_over_the_limit_is_refused_unread(port: int, headers: str) -> None:
    started = time.monotonic()
    with socket.create_connection((HOST, port), timeout=10) as client:
        client.sendall(f"POST / HTTP/1.1\r\nHost: x\r\n{headers}\r\n\r\n".encode())
        assert client.recv(1000).startswith(b"HTTP/1.1 413 ")
    assert time.monotonic() - started < 2


@pytest.mark.parametrize(
    "headers",
    [
        "Content-Length: -1",
        "Content-Length: 1 1",
        "Content-Length: x",
        "Content-Length: 1\r\nContent-Length: 2",
        "Content-Length: 1\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: gzip",
        "Transfer-Encoding: chunked\r\n\r\nnonsense",
        "Transfer-Encoding: chunked\r\n\r\n2\r\nabc",
    ],
)
def test_a_body_with_two_possible_ends_is_refused(port: int, headers: str) -> None:
    received = _raw(port, f"POST / HTTP/1.1\r\nHost: x\r\n{headers}\r\n\r\n".encode())
    assert received.startswith(b"HTTP/1.1 400 ")
    assert received.endswith(b'{"refused": true}')


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET / HTTP/9.9\r\n\r\n", b"505"),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", b"414"),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n", b"431"),
    ],
)
def test_what_is_no_request_is_refused_in_the_sites_words(port: int, sent: bytes, status: bytes) -> None:
    received = _raw(port, sent)
    assert received.startswith(b"HTTP/1.1 " + status)
    assert received.endswith(b'{"refused": true}')


@pytest.mark.parametrize("target", ["/crash", "/split"])
def test_a_defect_is_a_500_and_the_server_goes_on(
    connection: http.client.HTTPConnection, target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    connection.request("GET", target)
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (500, b'{"refused": true}')
    assert "ValueError" in capsys.readouterr().err
    connection.request("GET", "/")
    assert connection.getresponse().read() == b"hello"


def test_a_client_that_leaves_in_the_middle_harms_nobody(port: int, connection: http.client.HTTPConnection) -> None:
    with socket.create_connection((HOST, port), timeout=10) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf")
    connection.request("GET", "/")
    assert connection.getresponse().read() == b"hello"


def test_fifty_clients_at_once_are_all_served(port: int) -> None:
    received: list[bytes] = []

    def send(number: int) -> None:
        received.append(_raw(port, f"GET /{number} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()))

    threads = [threading.Thread(target=send, args=(number,)) for number in range(50)]
    started = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(answer.startswith(b"HTTP/1.1 200") for answer in received)
    assert len(received) == 50
    assert time.monotonic() - started < 5  # a full queue would cost the unlucky ones seconds


def test_at_the_end_an_answer_on_its_way_is_finished_and_idle_connections_are_closed(echo: _Echo) -> None:
    answers: list[bytes] = []
    with listen(0) as listener, contextlib.ExitStack() as serving:
        port = listener.getsockname()[1]
        serving.enter_context(serve_site(echo, listener))
        idle = http.client.HTTPConnection(HOST, port, timeout=10)
        idle.request("GET", "/")
        idle.getresponse().read()
        slow = threading.Thread(target=lambda: answers.append(_raw(port, b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")))
        slow.start()
        assert echo.entered.wait(10)
        threading.Timer(0.2, echo.released.set).start()
    slow.join(10)
    assert answers[0].startswith(b"HTTP/1.1 200")
    assert idle.sock is not None
    assert idle.sock.recv(1) == b""
    idle.close()


def test_a_taken_port_is_said_so() -> None:
    with listen(0) as listener:
        taken = listener.getsockname()[1]
        assert address_of(listener) == f"http://127.0.0.1:{taken}"
        with pytest.raises(PortTaken) as refused, listen(taken):
            pass
        assert refused.value.port == taken
    with listen(taken):
        pass
