"""The fan-out: a schedule sends orders, each naming shards; a worker queries its shards and handles accounts on a pool.

Every delivery may come twice, late or out of order, and a worker may die anywhere: what is due stays in the index until
it is done, and doing it again meets its own id. Nothing here knows what a sweep does.
"""

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from chalicelib.core.clock import Clock, format_instant
from chalicelib.core.errors import Broken, PaydeskError, Unavailable
from chalicelib.ledger.due import SHARDS
from chalicelib.ledger.port import LedgerPort
from chalicelib.sweeps.models import Order, ShardRun, Sweep, SweepName, Tally, Worked

log = logging.getLogger("paydesk.sweeps")

T = TypeVar("T")


class Queue(Protocol):
    """Where orders wait. At least once, in no particular order."""

    def send(self, order: Order) -> None: ...


class Runs(Protocol):
    """Where runs are counted, by sweep, day and shard."""

    def begin(self, order: Order, shard: str, at: str) -> None:
        """A worker begins with the shard: it is not finished any more, should an earlier run of the day have been."""

    def count(self, order: Order, shard: str, tally: Tally) -> None: ...

    def finish(self, order: Order, shard: str, at: str) -> None: ...

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


class Helping:
    """A page of due accounts, handed out to threads one by one while there is time, so that no thread waits for the
    slowest. What was taken is always the page's beginning.
    """

    def __init__(self, page: Sequence[tuple[str, str]], time_left: Callable[[], bool]) -> None:
        self._page = page
        self._time_left = time_left
        self._taken = 0
        self._broken = False
        self._lock = threading.Lock()

    def take(self) -> tuple[str, str] | None:
        with self._lock:
            if self._broken or self._taken == len(self._page) or (self._taken and not self._time_left()):
                return None
            self._taken += 1
            return self._page[self._taken - 1]

    @contextlib.contextmanager
    def given_up_if_broken(self) -> Iterator[None]:
        """What breaks one thread ends the worker: the others begin nothing more."""
        try:
            yield
        except BaseException:
            self._broken = True
            raise

    @property
    def reached(self) -> str:
        return self._page[self._taken - 1][0]


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
        sweep = self._sweeps[order.sweep]
        total, oldest, after = Tally(), "", order.after
        with ThreadPoolExecutor(self._fan_out.threads) as pool:
            for position, shard in enumerate(order.shards):
                if not after:
                    self._tell(self._runs.begin, order, shard, format_instant(self._clock.now()))
                while page := self._due(sweep, shard, after):
                    oldest = min(oldest or page[0][0], page[0][0])
                    tally, after = self._handle_page(sweep, page, pool, seconds_left)
                    self._tell(self._runs.count, order, shard, tally)
                    total += tally
                    if seconds_left() < self._fan_out.spare_seconds:
                        self._queue.send(order.model_copy(update={"shards": order.shards[position:], "after": after}))
                        return Worked(total, _due_at(oldest))
                self._tell(self._runs.finish, order, shard, format_instant(self._clock.now()))
                after = ""
        return Worked(total, _due_at(oldest))

    def runs(self, sweep: SweepName, day: str) -> Sequence[ShardRun]:
        return self._runs.of(sweep, day)

    def _due(self, sweep: Sweep, shard: str, after: str) -> Sequence[tuple[str, str]]:
        """The next due accounts of a shard. One that stays due is passed once: the next page begins behind it."""
        until = format_instant(self._clock.now())
        return self._ledger.find(sweep.index, shard, limit=self._fan_out.page, until=until, after=after)

    def _handle_page(
        self, sweep: Sweep, page: Sequence[tuple[str, str]], pool: ThreadPoolExecutor, seconds_left: Callable[[], float]
    ) -> tuple[Tally, str]:
        """Handles a page, the first account however short the time, the others as far as it goes; what was done, and
        the index value it reached.
        """
        helping = Helping(page, lambda: seconds_left() >= self._fan_out.spare_seconds)

        def one_after_another(_thread: int) -> Tally:
            tally = Tally()
            with helping.given_up_if_broken():
                while due := helping.take():
                    tally += self._handle(sweep, due[1])
            return tally

        tally = sum(pool.map(one_after_another, range(self._fan_out.threads)), Tally())
        return tally, helping.reached

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

    def _tell(self, counting: Callable[[Order, str, T], None], order: Order, shard: str, what: T) -> None:
        """Statistics: that they cannot be written is reported, and stops nobody's payment."""
        try:
            counting(order, shard, what)
        except Exception:
            log.exception("run_not_counted", extra={"sweep": order.sweep, "run": order.run, "shard": shard})


def _due_at(index_value: str) -> datetime | None:
    """The instant in an index value, `instant#account_id`."""
    return datetime.fromisoformat(index_value.partition("#")[0]) if index_value else None
