"""What happened, one line a step, for whoever reads it at 3 a.m. Written only when somebody will read it."""

from datetime import datetime


class Diary:
    """`lines` stays empty unless `kept`."""

    def __init__(self, *, kept: bool) -> None:
        self.kept = kept
        self.lines: list[str] = []

    def note(self, now: datetime, who: str, what: str) -> None:
        if self.kept:
            self.lines.append(f"{now:%Y-%m-%d %H:%M:%S}  {who:<24} {what}")
