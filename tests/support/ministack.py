"""MiniStack: the second DynamoDB engine, a process of its own with an environment of its own (`make ministack`).

Unlike moto it isolates transactions under threads and honours ClientRequestToken, so races are run against it. It keeps
everything in memory and forgets it when it stops.
"""

import contextlib
import http.client
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

from local.stage import REGION, REPOSITORY
from local.web import HOST

_START_SECONDS_MAX = 30
_STOP_SECONDS_MAX = 10


class MiniStackMissing(RuntimeError):
    """Its environment was not made."""


@contextlib.contextmanager
def serve_ministack() -> Iterator[str]:
    """Starts MiniStack on a free loopback port, yields its address when it answers, and stops it whatever happens.

    Raises MiniStackMissing without its environment, RuntimeError with its output when it does not come up.
    """
    program = _program()
    port = _free_port()
    with tempfile.TemporaryDirectory(prefix="paydesk-ministack-") as scratch:
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": scratch,
            "TMPDIR": scratch,  # it writes a pid file there
            "BIND_HOST": HOST,
            "GATEWAY_PORT": str(port),
            "SERVICES": "dynamodb,sqs",
            "MINISTACK_REGION": REGION,
            "LOG_LEVEL": "WARNING",
            # Listeners of services that are not asked for, and on fixed ports.
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "DOCKER_HOST": f"unix://{scratch}/no-docker",
        }
        output = Path(scratch, "output")
        with output.open("wb") as log:
            process = subprocess.Popen([program], env=environment, stdout=log, stderr=log)
        try:
            _wait_until_ready(port, process, output)
            yield f"http://{HOST}:{port}"
        finally:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _program() -> Path:
    program = REPOSITORY / ".venv-ministack" / "bin" / "ministack"
    if not program.exists():
        raise MiniStackMissing("MiniStack is not installed: say `make ministack`.")
    return program


def _free_port() -> int:
    """A port nobody listens on just now. MiniStack takes no 0; should another be quicker, it says so and stops."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_ready(port: int, process: "subprocess.Popen[bytes]", output: Path) -> None:
    until = time.monotonic() + _START_SECONDS_MAX
    while time.monotonic() < until and process.poll() is None:
        with contextlib.closing(http.client.HTTPConnection(HOST, port, timeout=1)) as connection:
            try:
                connection.request("GET", "/_ministack/ready")
                if connection.getresponse().status == HTTPStatus.OK:
                    return
            except (OSError, http.client.HTTPException):
                time.sleep(0.02)
    raise RuntimeError(f"MiniStack did not come up:\n{output.read_text(errors='replace')}")
