"""Runs of scheduled work on a laptop: fires the schedule's function, works its queue off, says what happened."""

import threading
from collections.abc import Mapping
from typing import Any, cast

from chalicelib.core.clock import format_instant
from chalicelib.sweeps.models import SweepName, Tally
from chalicelib.wiring import Desk
from local.progress import Progress, unseen
from local.queues import Handler, QueuePump


class Runner:
    """`schedules` are the functions that EventBridge fires, by sweep."""

    def __init__(
        self, desk: Desk, schedules: Mapping[str, Handler], pump: QueuePump, progress: Progress = unseen
    ) -> None:
        self._desk = desk
        self._schedules = schedules
        self._pump = pump
        self._progress = progress
        self._lock = threading.Lock()

    @property
    def sweeps(self) -> list[str]:
        return sorted(self._schedules)

    def run(self, sweep: str) -> dict[str, Any]:
        """One run, start to end. Counts are this run's: what the day's counted before is taken off."""
        with self._lock:
            now = self._desk.clock.now()
            day = now.date().isoformat()
            before = self._tally(sweep, day)
            self._schedules[sweep](scheduled_event(format_instant(now)), None)
            with self._progress(f"{sweep}: messages worked off", self._pump.waiting()) as done:
                pumped = self._pump.run(done)
            after = self._tally(sweep, day)
        return {
            "sweep": sweep,
            "date": day,
            "counts": _less(after.counts, before.counts),
            "amounts_minor": _less(after.amounts, before.amounts),
            "messages": pumped.handled,
            "failed_deliveries": pumped.failed,
            "finished_at": format_instant(self._desk.clock.now()),
        }

    def _tally(self, sweep: str, day: str) -> Tally:
        return sum((shard.tally for shard in self._desk.sweeps.runs(cast(SweepName, sweep), day)), Tally())


def _less(after: Mapping[str, int], before: Mapping[str, int]) -> dict[str, int]:
    return {name: more for name in sorted(after) if (more := after[name] - before.get(name, 0))}


def scheduled_event(at: str) -> dict[str, Any]:
    """What EventBridge sends."""
    return {
        "version": "0",
        "id": at,
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "123456789012",
        "time": at,
        "region": "eu-central-1",
        "resources": [],
        "detail": {},
    }
