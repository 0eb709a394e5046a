"""A worker's way through an order: when it ends, what is left of it, and what its statistics say."""

import threading
from collections.abc import Callable

import pytest

from chalicelib.ledger.due import SHARDS
from chalicelib.sweeps.models import Order, Tally
from chalicelib.sweeps.service import _Counting
from chalicelib.sweeps.tour import Tour
from tests.support.faults import Crash
from tests.sweeps.fleet import Fleet, names_in, short

ORDER = Order(sweep="autopay", run="2026-03-02", shards=("00", "01", "02", "03"))
EVERYTHING = ORDER.model_copy(update={"shards": tuple(f"{shard:02d}" for shard in range(SHARDS))})
ONE_HANDLED = Tally({"handled": 1})


class Walk:
    """A tour of an index that is given by shard, and how its run is counted."""

    def __init__(self, order: Order = ORDER, at_least: int = 1, **accounts: list[str]) -> None:
        self.asked: list[str] = []
        self.time_is_short: Callable[[], bool] = lambda: False
        self.fleet = Fleet([])
        self._accounts = {shard.removeprefix("in_"): found for shard, found in accounts.items()}
        counting = _Counting(self.fleet.runs, order, self.fleet.clock)
        self.tour = Tour(order, self._due, counting, self._time_is_short, at_least=at_least)

    def _time_is_short(self) -> bool:
        return self.time_is_short()

    def _due(self, shard: str, after: str) -> list[tuple[str, str]]:
        """One account a page."""
        self.asked.append(shard)
        return [(who, who) for who in self._accounts.get(shard, []) if who > after][:1]

    def counted(self) -> dict[str, tuple[int, bool]]:
        """Shard -> accounts handled, and whether it is finished."""
        runs = self.fleet.runs.of("autopay", ORDER.run)
        return {run.shard: (run.tally.counts.get("handled", 0), run.finished_at is not None) for run in runs}


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
    walk = Walk(at_least=2, in_00=["acc_1"])

    def slowly(_account_id: str) -> Tally:
        walk.time_is_short = lambda: True
        walk.tour.go(one_by_one)
        assert walk.counted() == {"00": (0, False)}
        return ONE_HANDLED

    walk.tour.go(slowly)
    assert walk.tour.left() == ORDER.model_copy(update={"shards": ("01", "02", "03"), "after": ""})
    assert walk.counted() == {"00": (1, True)}


@pytest.mark.parametrize("at_least", [1, 8])
def test_time_is_looked_at_before_each_shard(at_least: int) -> None:
    """32 shards with nobody due, whose queries take their time."""
    walk = Walk(EVERYTHING, at_least)
    walk.time_is_short = lambda: len(walk.asked) >= 3
    walk.tour.go(one_by_one)
    assert walk.asked == ["00", "01", "02"]
    assert walk.tour.left() == EVERYTHING.model_copy(update={"shards": EVERYTHING.shards[3:]})
    assert walk.counted() == dict.fromkeys(("00", "01", "02"), (0, True)), "and begins none it does not look at"


def test_no_time_at_all_leaves_the_whole_order() -> None:
    order = ORDER.model_copy(update={"after": "acc_1"})
    walk = Walk(order, at_least=0, in_00=["acc_1", "acc_2"])
    walk.time_is_short = lambda: True
    walk.tour.go(one_by_one)
    assert (walk.tour.left(), walk.asked) == (order, [])


def test_a_shard_that_was_handed_over_is_not_begun_again() -> None:
    walk = Walk(ORDER.model_copy(update={"after": "acc_1"}), in_00=["acc_1", "acc_2"])
    walk.tour.go(one_by_one)
    begun = {run.shard: run.started_at is not None for run in walk.fleet.runs.of("autopay", ORDER.run)}
    assert begun == {"00": False, "01": True, "02": True, "03": True}


def test_what_breaks_one_thread_ends_all_though_they_have_had_nothing_yet() -> None:
    walk = Walk(at_least=8, in_00=["acc_1", "acc_2"])

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

    fleet = Fleet([])
    order = ORDER.model_copy(update={"shards": ("00",)})
    tour = Tour(order, due, _Counting(fleet.runs, order, fleet.clock), lambda: False, at_least=2)
    threads = [threading.Thread(target=tour.go, args=(handle,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (begun, tour.total.counts, tour.left()) == ([account_id], {"handled": 1}, None)
    assert [run.finished_at is not None for run in fleet.runs.of("autopay", "2026-03-02")] == [True]
