"""A worker's way through an order: when it ends, what is left of it, and what its statistics say."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from chalicelib.core.errors import Unavailable
from chalicelib.ledger.due import SHARDS
from chalicelib.sweeps.models import Order, Tally
from chalicelib.sweeps.service import _Counting
from chalicelib.sweeps.tour import Due, Tour
from tests.support.faults import Crash
from tests.sweeps.fleet import Fleet, names_in, short

ORDER = Order(sweep="autopay", run="2026-03-02", shards=("00", "01", "02", "03"))
EVERYTHING = ORDER.model_copy(update={"shards": tuple(f"{shard:02d}" for shard in range(SHARDS))})
ONE_HANDLED = Tally({"handled": 1})


class Walk:
    """A tour of an index that is given by shard, and how its run is counted."""

    def __init__(self, order: Order = ORDER, threads: int = 1, page: int = 1, **accounts: list[str]) -> None:
        self.asked: list[str] = []
        self.unreachable = ""
        self.time_is_short: Callable[[], bool] = lambda: False
        self.fleet = Fleet([])
        self._page = page
        self._accounts = {shard.removeprefix("in_"): found for shard, found in accounts.items()}
        counting = _Counting(self.fleet.runs, order, self.fleet.clock)
        self.tour = Tour(order, self._due, counting, self._time_is_short, threads=threads, page=page)

    def _time_is_short(self) -> bool:
        return self.time_is_short()

    def _due(self, shard: str, after: str) -> list[tuple[str, str]]:
        self.asked.append(shard)
        if shard == self.unreachable:
            raise Unavailable
        return [(who, who) for who in self._accounts.get(shard, []) if who > after][: self._page]

    def counted(self) -> dict[str, tuple[int, bool]]:
        """Shard -> accounts handled, and whether it is finished."""
        runs = self.fleet.runs.of("autopay", ORDER.run)
        return {run.shard: (run.tally.counts.get("handled", 0), run.finished_at is not None) for run in runs}


def on_two_threads(order: Order, due: Due, handle: Callable[[str], Tally], page: int) -> tuple[Tour, Fleet]:
    """A tour to its end, and where its run is counted."""
    fleet = Fleet([])
    tour = Tour(order, due, _Counting(fleet.runs, order, fleet.clock), lambda: False, threads=2, page=page)
    with ThreadPoolExecutor(2) as pool:
        for going in [pool.submit(tour.go, handle) for _ in range(2)]:
            going.result()
    return tour, fleet


def one_by_one(_account_id: str) -> Tally:
    return ONE_HANDLED


def test_time_that_gets_short_when_all_is_given_out_leaves_nothing_and_counts_nobody_twice() -> None:
    """One thread has the last account, another has found the end of the order, a third comes when time is short."""
    walk = Walk(in_03=["acc_1"])

    def slowly(_account_id: str) -> Tally:
        walk.tour.go(one_by_one)
        walk.time_is_short = lambda: True
        walk.tour.go(one_by_one)
        return ONE_HANDLED

    walk.tour.go(slowly)
    assert walk.tour.left() is None
    assert walk.counted() == {"00": (0, True), "01": (0, True), "02": (0, True), "03": (1, True)}


def test_time_that_gets_short_before_the_end_is_found_counts_nobody_twice() -> None:
    """The last shard's last account is given out, and nobody has asked yet whether there is another."""
    walk = Walk(in_03=["acc_1"])
    walk.time_is_short = lambda: bool(walk.tour.total.counts)
    walk.tour.go(one_by_one)
    left = walk.tour.left()
    walk.tour.close()
    assert left == ORDER.model_copy(update={"shards": ("03",), "after": "acc_1"})
    assert walk.counted()["03"] == (1, False)


def test_what_is_finished_before_time_gets_short_between_shards_is_counted_once() -> None:
    walk = Walk(in_00=["acc_1", "acc_2"])
    walk.time_is_short = lambda: walk.asked == ["00"] * 3
    walk.tour.go(one_by_one)
    assert walk.tour.left() == ORDER.model_copy(update={"shards": ("01", "02", "03"), "after": ""})
    assert walk.counted() == {"00": (2, True)}


def test_an_account_under_way_while_time_gets_short_between_shards_is_counted_once() -> None:
    walk = Walk(threads=2, in_00=["acc_1"])
    walk.time_is_short = lambda: walk.asked == ["00"] * 2

    def slowly(_account_id: str) -> Tally:
        walk.tour.go(one_by_one)
        assert walk.counted() == {"00": (0, False)}
        return ONE_HANDLED

    walk.tour.go(slowly)
    assert walk.tour.left() == ORDER.model_copy(update={"shards": ("01", "02", "03"), "after": ""})
    assert walk.counted() == {"00": (1, True)}


@pytest.mark.parametrize("threads", [1, 8])
def test_time_is_looked_at_before_each_shard(threads: int) -> None:
    """32 shards with nobody due, whose queries take their time."""
    walk = Walk(EVERYTHING, threads)
    walk.time_is_short = lambda: len(walk.asked) >= 3
    walk.tour.go(one_by_one)
    assert walk.asked == ["00", "01", "02"]
    assert walk.tour.left() == EVERYTHING.model_copy(update={"shards": EVERYTHING.shards[3:]})
    assert walk.counted() == dict.fromkeys(("00", "01", "02"), (0, True)), "and begins none it does not look at"


def test_a_page_that_is_not_full_is_its_shards_last() -> None:
    walk = Walk(page=2, in_00=["acc_1", "acc_2", "acc_3"], in_01=["acc_4"])
    walk.tour.go(one_by_one)
    assert walk.asked == ["00", "00", "01", "02", "03"]
    assert walk.counted() == {"00": (3, True), "01": (1, True), "02": (0, True), "03": (0, True)}


def test_what_was_found_and_not_given_out_is_left() -> None:
    walk = Walk(threads=2, in_00=["acc_1", "acc_2"], in_01=["acc_3"])
    walk.time_is_short = lambda: True
    walk.tour.go(one_by_one)
    assert walk.asked == ["00"] * 3, "two threads have an account each, however short the time"
    assert walk.tour.left() == ORDER.model_copy(update={"shards": ("01", "02", "03"), "after": ""})

    walk = Walk(threads=2, page=4, in_00=["acc_1", "acc_2", "acc_3", "acc_4"])
    walk.time_is_short = lambda: True
    walk.tour.go(one_by_one)
    assert walk.tour.left() == ORDER.model_copy(update={"after": "acc_2"})

    walk = Walk(threads=2, in_00=["acc_1", "acc_2"], in_01=["acc_3"])
    walk.time_is_short = lambda: walk.tour.total == ONE_HANDLED + ONE_HANDLED
    walk.tour.go(one_by_one)
    assert walk.asked == ["00"] * 3 + ["01"]
    assert walk.tour.left() == ORDER.model_copy(update={"shards": ("01", "02", "03"), "after": ""})


def test_what_was_found_last_and_not_given_out_is_left() -> None:
    """Though the order's end was found as well."""
    order = ORDER.model_copy(update={"shards": ("00",)})
    walk = Walk(order, threads=3, page=9, in_00=["acc_1", "acc_2", "acc_3", "acc_4"])
    walk.time_is_short = lambda: True
    walk.tour.go(one_by_one)
    walk.tour.close()
    assert walk.tour.left() == order.model_copy(update={"after": "acc_3"})
    assert walk.counted() == {"00": (3, False)}


def test_nobody_waits_for_the_index_as_long_as_there_is_anything_to_do() -> None:
    """The next page comes when the last account of this one is handled."""
    last_handled = threading.Event()
    pages = {"": ["acc_1", "acc_2"], "acc_2": ["acc_3"]}

    def due(_shard: str, after: str) -> list[tuple[str, str]]:
        assert after == "" or last_handled.wait(20)
        return [(who, who) for who in pages[after]]

    def handle(account_id: str) -> Tally:
        if account_id == "acc_2":
            last_handled.set()
        return ONE_HANDLED

    tour, _ = on_two_threads(ORDER.model_copy(update={"shards": ("00",)}), due, handle, page=2)
    assert (tour.total.counts, tour.left()) == ({"handled": 3}, None)


def test_what_is_found_is_begun_while_the_shards_behind_are_asked() -> None:
    handled = threading.Event()

    def due(shard: str, _after: str) -> list[tuple[str, str]]:
        if shard == "00":
            time.sleep(0.05)  # the other thread waits by now
            return [("acc_1", "acc_1")]
        assert handled.wait(20)
        return []

    def handle(_account_id: str) -> Tally:
        handled.set()
        return ONE_HANDLED

    tour, _ = on_two_threads(ORDER, due, handle, page=2)
    assert (tour.total.counts, tour.left()) == ({"handled": 1}, None)


def test_time_that_gets_short_while_the_index_is_asked_begins_nobody() -> None:
    walk = Walk(in_00=["acc_1", "acc_2"])
    walk.time_is_short = lambda: len(walk.asked) >= 2
    walk.tour.go(one_by_one)
    assert walk.tour.total == ONE_HANDLED
    assert walk.tour.left() == ORDER.model_copy(update={"after": "acc_1"})


def test_a_shard_that_cannot_be_asked_holds_up_none_before_it() -> None:
    walk = Walk(threads=8, page=2, in_00=["acc_1"], in_01=["acc_2"])
    walk.unreachable = "02"
    with pytest.raises(Unavailable):
        walk.tour.go(one_by_one)
    assert walk.counted() == {"00": (1, True), "01": (1, True), "02": (0, False)}


def test_a_shard_whose_accounts_are_all_handled_is_not_sent_on() -> None:
    order = ORDER.model_copy(update={"shards": ("00",)})
    walk = Walk(order, page=2, in_00=["acc_1"])
    walk.time_is_short = lambda: walk.tour.total == ONE_HANDLED
    walk.tour.go(one_by_one)
    assert (walk.tour.left(), walk.counted()) == (None, {"00": (1, True)})


def test_more_is_looked_for_before_the_last_is_taken() -> None:
    walk = Walk(threads=2, page=2, in_00=["acc_1", "acc_2"])
    asked = {}

    def look(account_id: str) -> Tally:
        asked[account_id] = len(walk.asked)
        return ONE_HANDLED

    walk.tour.go(look)
    assert asked == {"acc_1": 1, "acc_2": 5}, "the next page and, as that is empty, the shards behind"


def test_a_page_with_nobody_in_it_has_nothing_counted() -> None:
    walk = Walk(threads=2, page=2, in_00=["acc_1", "acc_2"])
    counts: list[dict[str, tuple[int, bool]]] = []

    def slowly(account_id: str) -> Tally:
        if account_id == "acc_1":
            walk.tour.go(one_by_one)
            counts.append(walk.counted())
        return ONE_HANDLED

    walk.tour.go(slowly)
    assert counts[0]["00"] == (0, False)
    assert walk.counted()["00"] == (2, True)


def test_what_was_done_is_counted_in_every_shard_though_one_thread_breaks() -> None:
    walk = Walk(threads=2, page=2, in_00=["acc_1", "acc_2"], in_01=["acc_3", "acc_4"])

    def break_down(_account_id: str) -> Tally:
        walk.time_is_short = lambda: walk.tour.total == ONE_HANDLED + ONE_HANDLED
        walk.tour.go(one_by_one)
        raise Crash

    with pytest.raises(Crash):
        walk.tour.go(break_down)
    walk.tour.close()
    assert walk.counted() == {"00": (1, False), "01": (1, False)}


def test_a_shard_that_was_handed_over_is_not_begun_again() -> None:
    walk = Walk(ORDER.model_copy(update={"after": "acc_1"}), in_00=["acc_1", "acc_2"])
    walk.tour.go(one_by_one)
    begun = {run.shard: run.started_at is not None for run in walk.fleet.runs.of("autopay", ORDER.run)}
    assert begun == {"00": False, "01": True, "02": True, "03": True}


def test_what_breaks_one_thread_ends_all_though_they_have_had_nothing_yet() -> None:
    walk = Walk(threads=8, in_00=["acc_1", "acc_2"])

    def break_down(_account_id: str) -> Tally:
        raise Crash

    with pytest.raises(Crash):
        walk.tour.go(break_down)
    walk.tour.go(one_by_one)
    assert walk.tour.total == Tally()


def test_an_order_gets_shorter_however_short_the_time() -> None:
    fleet = Fleet(names_in("02", 3))
    lengths: list[int] = []
    fleet.queue.orders = [ORDER]
    while fleet.queue.orders and len(lengths) < 20:
        order = fleet.queue.orders.pop(0)
        lengths.append(len(order.shards))
        fleet.deliver(order, short)
    assert lengths == [4, 3, 2, 2, 1]
    fleet.must_have_charged_everybody_once()
    assert all(run.finished_at for run in fleet.runs.of("autopay", ORDER.run))


def test_an_account_half_done_is_not_begun_by_another_thread() -> None:
    """It stands further down in its index already, for what is left of it."""
    (account_id,) = names_in("00", 1)
    page = iter([[("2026-03-02T05:00:00.000Z#" + account_id, account_id)]])
    begun: list[str] = []
    again = threading.Event()

    def due(_shard: str, after: str) -> list[tuple[str, str]]:
        if not after:
            return next(page)
        if again.is_set():
            return []
        again.set()
        return [("2026-03-02T06:00:00.000Z#" + account_id, account_id)]

    def handle(account_id: str) -> Tally:
        begun.append(account_id)
        assert again.wait(20)
        return ONE_HANDLED

    tour, fleet = on_two_threads(ORDER.model_copy(update={"shards": ("00",)}), due, handle, page=1)
    assert (begun, tour.total.counts, tour.left()) == ([account_id], {"handled": 1}, None)
    assert [run.finished_at is not None for run in fleet.runs.of("autopay", "2026-03-02")] == [True]
