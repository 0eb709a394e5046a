"""The fan-out: a schedule sends orders, each naming shards; a worker queries its shards and handles accounts on a pool.

Every delivery may come twice, late or out of order, and a worker may die anywhere: what is due stays in the index until
it is done, and doing it again meets its own id. Nothing here knows what a sweep does.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from chalicelib.core.clock import Clock, format_instant
from chalicelib.core.errors import Broken, PaydeskError, Unavailable
from chalicelib.ledger.due import SHARDS
from chalicelib.ledger.port import LedgerPort
from chalicelib.sweeps.models import Order, ShardRun, Sweep, SweepName, Tally, Worked
from chalicelib.sweeps.tour import Tour

log = logging.getLogger("paydesk.sweeps")


class Queue(Protocol):
    """Where orders wait. At least once, in no particular order."""

    def send(self, order: Order) -> None: ...


class Runs(Protocol):
    """Where runs are counted, by sweep, day and shard."""

    def begin(self, order: Order, shard: str, at: str) -> None:
        """A worker begins with the shard: it is not finished any more, should an earlier run of the day have been."""

    def count(self, order: Order, shard: str, tally: Tally) -> None: ...

    def finish(self, order: Order, shard: str, tally: Tally, at: str) -> None:
        """Counts the last of it, in the same write."""

    def of(self, sweep: SweepName, day: str) -> Sequence[ShardRun]: ...


@dataclass(frozen=True)
class FanOut:
    """The stage's choices: how many messages a run is cut into, threads a worker uses, accounts it asks the index for
    at once, and how much of its time it keeps for the last account and the hand-over.
    """

    messages: int
    threads: int
    page: int
    spare_seconds: float


class Sweeps:
    def __init__(
        self, ledger: LedgerPort, queue: Queue, runs: Runs, clock: Clock, fan_out: FanOut, sweeps: Mapping[str, Sweep]
    ) -> None:
        self._ledger = ledger
        self._queue = queue
        self._runs = runs
        self._clock = clock
        self._fan_out = fan_out
        self._sweeps = sweeps

    def start(self, sweep: SweepName) -> Sequence[Order]:
        """Sends the orders of one run. Started twice, the second run finds what the first has not done yet."""
        run = self._clock.now().date().isoformat()
        shards = [f"{shard:02d}" for shard in range(SHARDS)]
        orders = [
            Order(sweep=sweep, run=run, shards=tuple(shards[number :: self._fan_out.messages]))
            for number in range(min(self._fan_out.messages, SHARDS))
        ]
        for order in orders:
            self._queue.send(order)
        return orders

    def work(self, order: Order, seconds_left: Callable[[], float]) -> Worked:
        """Works off an order, and sends what is left of it as a new one when time runs short. No thread outlives the
        call.
        """
        sweep, threads = self._sweeps[order.sweep], self._fan_out.threads

        def due(shard: str, after: str) -> Sequence[tuple[str, str]]:
            return self._due(sweep, shard, after)

        def time_is_short() -> bool:
            return seconds_left() < self._fan_out.spare_seconds

        counting = _Counting(self._runs, order, self._clock)
        tour = Tour(order, due, counting, time_is_short, threads=threads, page=self._fan_out.page)

        def share() -> None:
            tour.go(lambda account_id: self._handle(sweep, account_id))

        try:
            with ThreadPoolExecutor(threads) as pool:
                others = [pool.submit(share) for _ in range(threads - 1)]
                share()
            for other in others:
                other.result()
        finally:
            tour.close()
        left = tour.left()
        if left is not None:
            self._queue.send(left)
        return Worked(tour.total, _due_at(tour.oldest))

    def runs(self, sweep: SweepName, day: str) -> Sequence[ShardRun]:
        return self._runs.of(sweep, day)

    def _due(self, sweep: Sweep, shard: str, after: str) -> Sequence[tuple[str, str]]:
        """The next due accounts of a shard. One that stays due is passed once: the next page begins behind it."""
        until = format_instant(self._clock.now())
        return self._ledger.find(sweep.index, shard, limit=self._fan_out.page, until=until, after=after)

    def _handle(self, sweep: Sweep, account_id: str) -> Tally:
        """One account. Whatever is wrong with it is reported and counted, and left for a person or the next run."""
        try:
            return Tally({"handled": 1}) + sweep.handle(account_id)
        except Broken:
            log.exception("account_unreadable", extra={"account_id": account_id, "sweep": sweep.name})
            return Tally({"unreadable": 1})
        except Unavailable:
            log.warning("account_busy", extra={"account_id": account_id, "sweep": sweep.name})
            return Tally({"postponed": 1})
        except PaydeskError:
            log.exception("account_postponed", extra={"account_id": account_id, "sweep": sweep.name})
            return Tally({"postponed": 1})
        except Exception:
            log.exception("account_failed", extra={"account_id": account_id, "sweep": sweep.name})
            return Tally({"failed": 1})


class _Counting:
    """The statistics of one order. That they cannot be written is reported, and stops nobody's payment. A busy store
    wakes nobody."""

    def __init__(self, runs: Runs, order: Order, clock: Clock) -> None:
        self._runs = runs
        self._order = order
        self._clock = clock

    def begin(self, shard: str) -> None:
        self._tell(shard, lambda now: self._runs.begin(self._order, shard, now))

    def count(self, shard: str, tally: Tally) -> None:
        self._tell(shard, lambda _now: self._runs.count(self._order, shard, tally))

    def finish(self, shard: str, tally: Tally) -> None:
        self._tell(shard, lambda now: self._runs.finish(self._order, shard, tally, now))

    def _tell(self, shard: str, write: Callable[[str], None]) -> None:
        named = {"sweep": self._order.sweep, "run": self._order.run, "shard": shard}
        try:
            write(format_instant(self._clock.now()))
        except Unavailable:
            log.warning("run_not_counted", extra=named)
        except Exception:
            log.exception("run_not_counted", extra=named)


def _due_at(index_value: str) -> datetime | None:
    """The instant in an index value, `instant#account_id`."""
    return datetime.fromisoformat(index_value.partition("#")[0]) if index_value else None
