"""Reads the body of an HTTP/1.1 request, and no more of it than is allowed."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from io import BufferedIOBase

BODY_BYTES_MAX = 10 * 1024 * 1024
"""API Gateway's own limit of a request; Paydesk's is far below and its own matter."""

_LINE_BYTES_MAX = 1_024


class UnreadableBody(Exception):
    """The body is too long (413) or no body at all (400). The connection is of no further use."""

    def __init__(self, status: HTTPStatus) -> None:
        self.status = status
        super().__init__(status)


def read_body(source: BufferedIOBase, headers: Mapping[str, str], send_continue: Callable[[], None]) -> bytes:
    """The whole body; empty when the headers announce none. A client that waits for it is told to go on first.

    Raises UnreadableBody before reading more than BODY_BYTES_MAX, ConnectionError when the client leaves in the middle.
    """
    chunked = headers.get("transfer-encoding")
    length = headers.get("content-length")
    if chunked is not None and (length is not None or chunked.strip().lower() != "chunked"):
        raise UnreadableBody(HTTPStatus.BAD_REQUEST)
    announced = 0 if length is None else _length(length)
    if headers.get("expect", "").lower() == "100-continue" and (announced or chunked):
        send_continue()
    return _chunks(source) if chunked else _exactly(source, announced)


def _length(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise UnreadableBody(HTTPStatus.BAD_REQUEST)
    # Compared by its digits first: int() of thousands of them is slow, and refused by Python.
    digits = text.lstrip("0") or "0"
    if len(digits) > len(str(BODY_BYTES_MAX)) or int(digits) > BODY_BYTES_MAX:
        raise UnreadableBody(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    return int(digits)


def _chunks(source: BufferedIOBase) -> bytes:
    body = bytearray()
    while size := _chunk_size(_line(source)):
        if len(body) + size > BODY_BYTES_MAX:
            raise UnreadableBody(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        body += _exactly(source, size)
        if _line(source):
            raise UnreadableBody(HTTPStatus.BAD_REQUEST)
    while _line(source):
        pass  # trailers say nothing we want
    return bytes(body)


def _chunk_size(line: bytes) -> int:
    digits = line.split(b";")[0].strip()
    if not 0 < len(digits) <= 8 or digits.strip(b"0123456789abcdefABCDEF"):
        raise UnreadableBody(HTTPStatus.BAD_REQUEST)
    return int(digits, 16)


def _line(source: BufferedIOBase) -> bytes:
    line = source.readline(_LINE_BYTES_MAX)
    if not line.endswith(b"\n"):
        raise UnreadableBody(HTTPStatus.BAD_REQUEST)
    return line.rstrip(b"\r\n")


def _exactly(source: BufferedIOBase, length: int) -> bytes:
    body = source.read(length)
    if len(body) != length:
        raise ConnectionError("the client left in the middle of its body")
    return body
