"""`python -m local` as a process of its own, in a directory of its own, so that nobody's running stack is disturbed."""

import contextlib
import http.client
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from local.stage import REPOSITORY

START_SECONDS_MAX = 60


@dataclass(frozen=True)
class Running:
    """A stack that said it is ready. `printed` is what it said until then."""

    process: "subprocess.Popen[str]"
    directory: Path
    printed: str

    @property
    def stack_file(self) -> Path:
        return self.directory / ".local" / "stack.json"

    @property
    def described(self) -> Any:
        return json.loads(self.stack_file.read_text())

    def user(self, role: str) -> Any:
        return next(user for user in self.described["users"] if user["roles"] == [role])

    def send(self, method: str, path: str, body: Any = None, *, token: str = "", key: str = "") -> tuple[int, Any]:
        """Status and parsed body."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        headers |= {"Idempotency-Key": key} if key else {}
        status, content = self.send_raw(method, path, None if body is None else json.dumps(body), headers)
        return status, json.loads(content)

    def send_raw(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> tuple[int, str]:
        host = urlsplit(self.described["api_url"]).netloc
        with contextlib.closing(http.client.HTTPConnection(host, timeout=30)) as connection:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def stop(self, with_signal: int = signal.SIGINT) -> tuple[int, str, str]:
        """Exit code and what it still said: on the terminal, and as errors."""
        self.process.send_signal(with_signal)
        said, errors = self.process.communicate(timeout=30)
        return self.process.returncode, said, errors


def environment(**more: str) -> dict[str, str]:
    """What a person's shell would hand over, without proxies in the way of curl."""
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY), "PYTHONWARNINGS": "error", **more}


@contextlib.contextmanager
def running(directory: Path, *arguments: str, **variables: str) -> Iterator[Running]:
    """Starts a stack on free ports unless told others, and makes sure that it ends."""
    command = [sys.executable, "-m", "local", "--port", "0", "--aws-port", "0", *arguments]
    process = subprocess.Popen(
        command, cwd=directory, env=environment(**variables), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with process:
        try:
            yield Running(process, directory, _until_ready(process))
        finally:
            if process.poll() is None:
                process.kill()


def _until_ready(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    printed = ""
    until = time.monotonic() + START_SECONDS_MAX
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while "Ctrl-C stops everything." not in printed:
            assert selector.select(until - time.monotonic()), f"not ready in time; so far:\n{printed}"
            part = os.read(process.stdout.fileno(), 65_536).decode()
            assert part, f"it ended:\n{printed}\n{process.stderr.read() if process.stderr else ''}"
            printed += part
    return printed
