"""A clock that can be moved: behind the control API of the local stack, and in tests."""

import threading
from datetime import datetime, timedelta

from chalicelib.core.clock import Clock, instant


class StandingClock:
    """The same instant, until it is told another."""

    def __init__(self, at: datetime) -> None:
        self._at = instant(at)

    def now(self) -> datetime:
        return self._at

    def stand_at(self, at: datetime) -> None:
        self._at = instant(at)


class MovableClock:
    """Another clock, set ahead. Never back: Paydesk is promised that time does not run backwards."""

    def __init__(self, base: Clock) -> None:
        self._base = base
        self._ahead = timedelta()
        self._lock = threading.Lock()

    @property
    def ahead_seconds(self) -> int:
        return int(self._ahead.total_seconds())

    def now(self) -> datetime:
        return self._base.now() + self._ahead

    def advance(self, *, seconds: int) -> datetime:
        """Moves ahead and returns the new time. Raises ValueError for a step backwards."""
        if seconds < 0:
            raise ValueError("the clock only moves ahead")
        with self._lock:
            self._ahead += timedelta(seconds=seconds)
        return self.now()
