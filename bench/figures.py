"""What a bench finds: figures beside their targets, printed as one table; and how measurements are run."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from local.stage import REPOSITORY


@dataclass(frozen=True)
class Figure:
    """One line of the table. `reached` is a ratio or a count; without a target it is there to be seen. `note` says what
    it was made of.
    """

    what: str
    reached: float
    target: float | None = None
    sense: Literal["at most", "at least"] = "at most"
    note: str = ""

    @property
    def met(self) -> bool | None:
        """None: there is no target."""
        if self.target is None:
            return None
        return self.reached <= self.target if self.sense == "at most" else self.reached >= self.target


def table(figures: Sequence[Figure]) -> str:
    """All figures, aligned, one a line."""
    rows = [("", "reached", "target", "", "")]
    for figure in figures:
        target = "" if figure.target is None else f"{figure.sense} {figure.target:.3g}"
        verdict = {None: "", True: "met", False: "MISSED"}[figure.met]
        rows.append((figure.what, f"{figure.reached:.3g}", target, verdict, figure.note))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join(
        f"{what:<{widths[0]}}  {reached:>{widths[1]}}  {target:<{widths[2]}}  {verdict:<{widths[3]}}  {note}".rstrip()
        for what, reached, target, verdict, note in rows
    )


Progress = Callable[[str], None]


def progress(line: str) -> None:
    """Tells whoever waits what is going on. On the standard error, so that the table alone is the output."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def in_a_process(module: str, *arguments: str) -> Any:
    """What a module of the bench prints, as JSON, in a process of its own: fresh imports, memory of its own."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=REPOSITORY,
        env=dict(os.environ),
        stdout=subprocess.PIPE,
        check=True,
    )
    return json.loads(done.stdout)


def tell_the_parent(find: Callable[[], Any]) -> None:
    """What was found, for `in_a_process`. What Paydesk logs meanwhile goes nowhere."""
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
        found = find()
    sys.stdout.write(json.dumps(found))


def peak_kilobytes() -> int:
    """The most memory this program has held. Not getrusage: that counts what its parent held when it was forked."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0])
