"""Long work at a terminal shows how far it has come; where nobody watches one it says nothing."""

import contextlib
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from local.progress import bars_on
from tests.local.running import Running, environment

READY = "Ctrl-C stops everything."


@contextlib.contextmanager
def at_a_terminal(directory: Path, *arguments: str) -> Iterator[tuple[Running, int]]:
    """A stack whose output is a terminal, and that terminal's other end."""
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "local", "--port", "0", "--aws-port", "0", *arguments]
    with subprocess.Popen(
        command, cwd=directory, env=environment(TERM="xterm"), stdout=theirs, stderr=subprocess.PIPE, text=True
    ) as process:
        os.close(theirs)
        try:
            yield Running(process, directory, _read_until(READY, ours)), ours
            process.send_signal(signal.SIGINT)
            process.wait(30)
        finally:
            process.kill()
            os.close(ours)


def _read_until(text: str, terminal: int) -> str:
    seen, until = "", time.monotonic() + 120
    while text not in seen:
        assert time.monotonic() < until, seen
        seen += os.read(terminal, 65_536).decode(errors="replace")
    return seen


def test_seeding_many_customers_and_a_run_show_a_bar(tmp_path: Path) -> None:
    with at_a_terminal(tmp_path, "--customers", "12") as (stack, terminal):
        assert "customers made" in stack.printed
        assert "15/15" in stack.printed
        status, run = stack.send("POST", "/_local/runs/autopay")
        shown = _read_until("/_local/runs/autopay -> 200", terminal)
    assert (status, run["counts"]["charged"], run["counts"]["declined"]) == (200, 11, 1)
    assert "autopay: messages worked off" in shown
    assert "8/8" in shown


def test_where_nobody_watches_a_terminal_nothing_is_drawn() -> None:
    log = io.StringIO()
    with bars_on(log)("customers made", 3) as done:
        done(3)
    assert log.getvalue() == ""
