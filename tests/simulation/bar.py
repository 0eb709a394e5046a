"""Progress for a person at a terminal."""

import sys
import time

_BAR = 30


class Bar:
    """How far it has come, on standard error. Where nobody watches a terminal: a line for every tenth."""

    def __init__(self, total: int, bad: str = "broken", *, of: str = "histories") -> None:
        self._total = total
        self._of = of
        self._bad = bad
        self._began = time.monotonic()
        self._live = sys.stderr.isatty()
        self._tenth = 0

    def show(self, done: int, bad: int) -> None:
        share = done / self._total
        left = (time.monotonic() - self._began) * (1 - share) / share
        text = f"{done:,} of {self._total:,} {self._of}, {bad} {self._bad}, {_period(left)} left"
        if self._live:
            filled = int(share * _BAR)
            sys.stderr.write(f"\r[{'#' * filled}{'.' * (_BAR - filled)}] {text}   ")
        elif int(share * 10) > self._tenth:
            self._tenth = int(share * 10)
            sys.stderr.write(f"{text}\n")
        sys.stderr.flush()

    def tell(self, line: str) -> None:
        """A line that stays."""
        sys.stderr.write(("\n" if self._live else "") + f"{line}\n")

    def end(self) -> None:
        sys.stderr.write(("\n" if self._live else "") + f"played in {_period(time.monotonic() - self._began)}\n")


def _period(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
