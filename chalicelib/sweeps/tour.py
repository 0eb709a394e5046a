"""A worker's way through an order: its accounts, one by one, to whichever thread is free next.

Nobody waits for a page, a shard or a slow neighbour to end: with a gateway that takes its time, a worker's threads are
what a run is made of.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from chalicelib.sweeps.models import Order, Tally

Due = Callable[[str, str], Sequence[tuple[str, str]]]
"""The next page of a shard behind an index value: (index value, account id), empty at the shard's end."""


class Counting(Protocol):
    """Writes the statistics of the order's shards. Raises nothing."""

    def begin(self, shard: str) -> None: ...

    def count(self, shard: str, tally: Tally) -> None: ...

    def finish(self, shard: str, tally: Tally) -> None: ...


@dataclass
class _Shard:
    """A shard under way. `tally` is what was done and not counted yet. With a page given out and another to come, it is
    counted by the next thread that comes back.
    """

    name: str
    tally: Tally = field(default_factory=Tally)
    under_way: set[str] = field(default_factory=set)
    page_given_out: bool = False
    given_out: bool = False

    @property
    def is_done(self) -> bool:
        return self.given_out and not self.under_way

    def take(self) -> Tally:
        taken, self.tally, self.page_given_out = self.tally, Tally(), False
        return taken


class Tour:
    """Gives out an order's accounts in the index's order until time runs short, but `at_least` so many of them or a
    shard to its end: an order that got no shorter would go round for ever. Each account given out is handled before its
    thread comes back, so what is left of the order begins behind the last.

    While one thread asks the index, those wait who need its answer; while one writes what a page came to, nobody does.
    """

    def __init__(
        self, order: Order, due: Due, counting: Counting, time_is_short: Callable[[], bool], *, at_least: int
    ) -> None:
        self.total = Tally()
        self.oldest = ""
        self._order = order
        self._due = due
        self._counting = counting
        self._time_is_short = time_is_short
        self._at_least = at_least
        self._walking = threading.Lock()
        self._books = threading.Lock()
        self._accounts = self._walk()
        self._shard: _Shard | None = None
        self._reached = (0, order.after)
        self._stopped = False
        self._ended = False

    def go(self, handle: Callable[[str], Tally]) -> None:
        """One thread's share. What `handle` or the store raises ends it for all threads, and is raised."""
        try:
            while (given := self._next()) is not None:
                shard, account_id = given
                self._done(shard, account_id, handle(account_id))
        except BaseException:
            self._stopped = True
            raise

    def left(self) -> Order | None:
        """What time was too short for, once all threads are back; None: nothing."""
        if self._ended:
            return None
        position, after = self._reached
        return self._order.model_copy(update={"shards": self._order.shards[position:], "after": after})

    def close(self) -> None:
        """Counts what was done and not counted yet, once all threads are back, whatever ended them."""
        if self._shard is not None and self._shard.tally.counts:
            self._counting.count(self._shard.name, self._shard.take())

    def _next(self) -> tuple[_Shard, str] | None:
        with self._walking:
            if self._at_least > 0 and not self._stopped:
                self._at_least -= 1
            elif self._stops():
                return None
            return next(self._accounts, None)

    def _stops(self) -> bool:
        self._stopped = self._stopped or self._time_is_short()
        return self._stopped

    def _done(self, shard: _Shard, account_id: str, tally: Tally) -> None:
        with self._books:
            self.total += tally
            shard.tally += tally
            shard.under_way.remove(account_id)
            write = self._counting.finish if shard.is_done else self._counting.count
            taken = shard.take() if shard.is_done or shard.page_given_out else None
        if taken is not None:
            write(shard.name, taken)

    def _walk(self) -> Iterator[tuple[_Shard, str]]:
        for position, name in enumerate(self._order.shards):
            after = self._order.after if position == 0 else ""
            self._reached = (position, after)
            if position > 0 and self._stops():
                return
            shard = self._shard = _Shard(name)
            if not after:
                self._counting.begin(name)
            while page := self._due(name, after):
                with self._books:
                    shard.page_given_out = bool(shard.under_way or shard.tally.counts)
                self.oldest = min(self.oldest or page[0][0], page[0][0])
                for after, account_id in page:
                    self._reached = (position, after)
                    with self._books:
                        # Half done, it may stand further down already, for what is left of it: one thread at a time.
                        twice = account_id in shard.under_way
                        shard.under_way.add(account_id)
                    if not twice:
                        yield shard, account_id
            with self._books:
                shard.given_out = True
                taken = shard.take() if shard.is_done else None
            if taken is not None:
                self._counting.finish(name, taken)
        self._ended = True
