"""A worker's way through an order: its accounts, one by one, to whichever thread is free next.

Nobody waits for a page, a shard or a slow neighbour to end: with a gateway that takes its time, a worker's threads are
what a run is made of.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from chalicelib.core.errors import Unavailable
from chalicelib.sweeps.models import Order, Tally

Due = Callable[[str, str], Sequence[tuple[str, str]]]
"""The next page of a shard behind an index value: (index value, account id)."""


class Counting(Protocol):
    """Writes the statistics of the order's shards. Raises nothing."""

    def begin(self, shard: str) -> None: ...

    def count(self, shard: str, tally: Tally) -> None: ...

    def finish(self, shard: str, tally: Tally) -> None: ...


@dataclass
class _Shard:
    """A shard under way. `tally` is what was done and not counted yet: who comes back when another page was found
    counts it.
    """

    name: str
    tally: Tally = field(default_factory=Tally)
    not_done: set[str] = field(default_factory=set)
    another_page: bool = False
    all_found: bool = False

    @property
    def is_done(self) -> bool:
        return self.all_found and not self.not_done

    def take(self) -> Tally:
        taken, self.tally, self.another_page = self.tally, Tally(), False
        return taken


@dataclass(frozen=True)
class _Found:
    """An account that nobody has taken yet, and where an order begins that has it first."""

    shard: _Shard
    account_id: str
    begins_at: tuple[int, str]


class Tour:
    """Gives out an order's accounts in the index's order until time runs short, but at least as many as it has threads,
    or a shard to its end: an order that got no shorter would go round for ever. Each account given out is handled
    before its thread comes back, so what is left of the order begins behind the last.

    When fewer are found than there are threads, one thread asks the index for more while the others go on: nobody waits
    for an answer as long as there is anything to do. A page of fewer than `page` accounts is its shard's last.
    """

    def __init__(
        self,
        order: Order,
        due: Due,
        counting: Counting,
        time_is_short: Callable[[], bool],
        *,
        threads: int,
        page: int,
    ) -> None:
        self.total = Tally()
        self.oldest = ""
        self._order = order
        self._due = due
        self._counting = counting
        self._time_is_short = time_is_short
        self._threads = threads
        self._page = page
        self._at_least = threads
        self._asking = False
        self._failure: Unavailable | None = None
        self._books = threading.Condition()
        self._pages = self._walk()
        self._shards: list[_Shard] = []
        self._found: deque[_Found] = deque()
        self._reached = (0, order.after)
        self._broken = False
        self._over = False

    def go(self, handle: Callable[[str], Tally]) -> None:
        """One thread's share. What `handle` or the store raises ends it for all threads, and is raised; but that a
        shard cannot be asked for now is raised when all found before is handled.
        """
        try:
            while (found := self._take()) is not None:
                self._done(found, handle(found.account_id))
        except BaseException:
            self._broken = True
            raise

    def left(self) -> Order | None:
        """What time was too short for, once all threads are back; None: nothing."""
        position, after = self._found[0].begins_at if self._found else self._reached
        shards = self._order.shards[position:]
        return self._order.model_copy(update={"shards": shards, "after": after}) if shards else None

    def close(self) -> None:
        """Counts what was done and not counted yet, once all threads are back, whatever ended them."""
        for shard in self._shards:
            if shard.tally.counts:
                self._counting.count(shard.name, shard.take())

    def _stops(self) -> bool:
        return self._broken or self._time_is_short()

    def _take(self) -> _Found | None:
        while True:
            with self._books:
                self._books.wait_for(lambda: self._found or self._over or not self._asking)
                # After the wait: time may have run short meanwhile.
                if self._broken or (self._at_least <= 0 and self._time_is_short()):
                    return None
                if self._asking or self._over or len(self._found) >= self._threads:
                    return self._given_out()
                self._asking = True
            self._ask()

    def _given_out(self) -> _Found | None:
        if self._found:
            self._at_least -= 1
            return self._found.popleft()
        if self._failure is not None:
            raise self._failure
        return None

    def _ask(self) -> None:
        try:
            while len(self._found) < self._threads and not self._over:
                self._over = next(self._pages, "over") is not None
        except Unavailable as failure:
            self._failure, self._over = failure, True
        finally:
            with self._books:
                self._asking = False
                self._books.notify_all()

    def _done(self, found: _Found, tally: Tally) -> None:
        shard = found.shard
        with self._books:
            self.total += tally
            shard.tally += tally
            shard.not_done.remove(found.account_id)
            write = self._counting.finish if shard.is_done else self._counting.count
            taken = shard.take() if shard.is_done or shard.another_page else None
        if taken is not None:
            write(shard.name, taken)

    def _walk(self) -> Iterator[None]:
        """Finds a page with each step."""
        for position, name in enumerate(self._order.shards):
            after = self._order.after if position == 0 else ""
            if position > 0 and self._stops():
                return
            shard = _Shard(name)
            self._shards.append(shard)
            if not after:
                self._counting.begin(name)
            while not shard.all_found:
                after = self._enter(position, shard, after, self._due(name, after))
                yield

    def _enter(self, position: int, shard: _Shard, after: str, page: Sequence[tuple[str, str]]) -> str:
        """Enters what was found behind `after`; returns what the next page stands behind."""
        with self._books:
            shard.another_page = bool(page and (shard.not_done or shard.tally.counts))
            shard.all_found = len(page) < self._page
            for index_value, account_id in page:
                self.oldest = min(self.oldest or index_value, index_value)
                # Half done, it may stand further down already, for what is left of it: one thread at a time.
                if account_id not in shard.not_done:
                    shard.not_done.add(account_id)
                    self._found.append(_Found(shard, account_id, (position, after)))
                after = index_value
            self._reached = (position + 1, "") if shard.all_found else (position, after)
            taken = shard.take() if shard.is_done else None
            self._books.notify_all()
        if taken is not None:
            self._counting.finish(shard.name, taken)
        return after
