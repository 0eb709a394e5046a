"""The fan-out: whatever schedules, queue, time and accidents do, each due account is handled, and charged once."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.core.errors import Invalid, Unavailable
from chalicelib.ledger.due import SHARDS, shard_of
from chalicelib.ledger.models import Change
from chalicelib.sweeps.models import Order, ShardRun, Sweep, Tally
from chalicelib.sweeps.stores import MemoryRuns
from tests.support.builders import owed, paying_by_itself
from tests.support.faults import Crash
from tests.sweeps.fleet import AMOUNT_MINOR, SMALL, Fleet, Watched, names, names_in, plenty, short

DAY = 24 * 3600


def watching(seen: list[Watched], **how: Callable[[str, int], object]) -> Callable[[Sweep], Sweep]:
    def wrap(sweep: Sweep) -> Sweep:
        seen.append(Watched(sweep, **how))
        return seen[-1]

    return wrap


def dying(at: int, *, after: bool) -> tuple[Callable[[Sweep], Sweep], list[Watched]]:
    """A sweep whose worker is killed at the account with that number, once."""
    seen: list[Watched] = []

    def die(_account_id: str, number: int) -> None:
        if number == at:
            raise Crash

    return watching(seen, **{"after" if after else "before": die}), seen


@given(messages=st.integers(1, 100))
def test_every_shard_is_in_exactly_one_message(messages: int) -> None:
    fleet = Fleet([], fan_out=replace(SMALL, messages=messages))
    orders = fleet.sweeps.start("autopay")
    assert orders == fleet.queue.orders
    assert len(orders) == min(messages, SHARDS)
    assert sorted(shard for order in orders for shard in order.shards) == [f"{shard:02d}" for shard in range(SHARDS)]
    sizes = {len(order.shards) for order in orders}
    assert max(sizes) - min(sizes) <= 1, "no message is much longer than another"
    assert {(order.sweep, order.run, order.after) for order in orders} == {("autopay", "2026-03-02", "")}


def test_one_run_charges_everybody_who_is_due() -> None:
    fleet = Fleet(names(40))
    assert fleet.run() == Tally({"handled": 40, "charged": 40}, {"charged:EUR": 40 * AMOUNT_MINOR})
    fleet.must_have_charged_everybody_once()


def test_a_run_of_nobody_ends() -> None:
    assert Fleet([]).run() == Tally()


def test_an_account_that_is_due_later_is_not_even_looked_at() -> None:
    seen: list[Watched] = []
    fleet = Fleet([], wrap=watching(seen))
    fleet.ledger.commit(Change(paying_by_itself({"inv_1": owed(due_in_days=3)}, account_id="acc_LATER")))
    fleet.run()
    assert seen[0].handled == []
    fleet.clock.advance(seconds=3 * DAY)
    fleet.run()
    assert seen[0].handled == ["acc_LATER"]


def test_the_schedule_fires_twice_before_anything_is_done() -> None:
    fleet = Fleet(names(40))
    fleet.sweeps.start("autopay")
    assert fleet.run().counts["charged"] == 40
    fleet.must_have_charged_everybody_once()


def test_the_schedule_fires_again_afterwards() -> None:
    fleet = Fleet(names(40))
    fleet.run()
    assert fleet.run() == Tally()
    fleet.must_have_charged_everybody_once()


def test_every_message_is_delivered_twice() -> None:
    fleet = Fleet(names(40))
    fleet.queue.orders = [order for order in fleet.sweeps.start("autopay") for _ in range(2)]
    fleet.work_off()
    fleet.must_have_charged_everybody_once()


def test_every_message_is_delivered_to_two_workers_at_once() -> None:
    fleet = Fleet(names(120), fan_out=replace(SMALL, threads=4))
    orders = [order for order in fleet.sweeps.start("autopay") for _ in range(2)]
    workers = [threading.Thread(target=fleet.deliver, args=(order,)) for order in orders]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert fleet.attempts() == Counter(fleet.account_ids)
    fleet.calm_down()
    fleet.must_have_charged_everybody_once()


def test_messages_of_two_workers_overtake_each_other_at_every_account() -> None:
    """Between any two accounts of a message, the whole of it is worked off by another worker."""
    fleets: list[Fleet] = []

    def meanwhile(_account_id: str, number: int) -> None:
        if number < 6:
            fleets[0].desk.sweeps.work(order, plenty)

    fleets.append(Fleet(names_in("00", 6), fan_out=replace(SMALL, threads=1), wrap=watching([], before=meanwhile)))
    order = Order(sweep="autopay", run="2026-03-02", shards=("00",))
    fleets[0].deliver(order)
    fleets[0].must_have_charged_everybody_once()


def test_messages_come_late_and_out_of_order() -> None:
    fleet = Fleet(names(40))
    late = fleet.sweeps.start("autopay")
    fleet.queue.orders.clear()
    fleet.clock.advance(seconds=DAY)
    assert fleet.run().counts["charged"] == 40
    fleet.clock.advance(seconds=DAY)
    for order in reversed(late):
        assert fleet.deliver(order).tally == Tally()
    fleet.must_have_charged_everybody_once()


def test_a_message_that_comes_late_is_worked_off_as_of_now() -> None:
    fleet = Fleet(names(40))
    fleet.sweeps.start("autopay")
    fleet.clock.advance(seconds=3 * DAY)
    fleet.queue.orders.reverse()
    fleet.work_off()
    fleet.must_have_charged_everybody_once()
    assert sum(run.tally.counts["handled"] for run in fleet.runs.of("autopay", "2026-03-02") if run.tally.counts) == 40


def test_a_schedule_missed_for_three_days_is_caught_up() -> None:
    fleet = Fleet(names(40))
    fleet.clock.advance(seconds=3 * DAY)
    assert fleet.run().counts["charged"] == 40
    fleet.must_have_charged_everybody_once()


def test_a_declined_attempt_is_made_once_a_day_however_often_the_schedule_fires() -> None:
    fleet = Fleet(names(10), token="tok_insufficient_funds")
    for _ in range(4):
        fleet.run()
        fleet.clock.advance(seconds=900)
    assert fleet.attempts() == Counter(fleet.account_ids)
    fleet.clock.advance(seconds=DAY)
    fleet.run()
    fleet.run()
    assert fleet.attempts() == Counter(dict.fromkeys(fleet.account_ids, 2))


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(12))
def test_the_worker_is_killed_at_any_account(at: int, *, after: bool) -> None:
    wrap, seen = dying(at, after=after)
    fleet = Fleet(names_in("00", 12), fan_out=replace(SMALL, threads=1), wrap=wrap)
    order = Order(sweep="autopay", run="2026-03-02", shards=("00",))
    with pytest.raises(Crash):
        fleet.deliver(order)
    assert len(seen[0].handled) >= at + 1
    fleet.deliver(order)
    fleet.must_have_charged_everybody_once()


@pytest.mark.parametrize("threads", [1, 2, 8])
def test_the_worker_is_killed_at_every_delivery_but_the_last(threads: int) -> None:
    """Each delivery gets one account further before it is killed; SQS brings the message back each time."""
    seen: list[Watched] = []

    def die(_account_id: str, number: int) -> None:
        if number % 3 == 2:
            raise Crash

    fan_out = replace(SMALL, threads=threads)
    fleet = Fleet(names_in("07", 20), fan_out=fan_out, wrap=watching(seen, after=die))
    order = Order(sweep="autopay", run="2026-03-02", shards=("07",))
    killed = 0
    while True:
        try:
            fleet.deliver(order)
            break
        except Crash:
            killed += 1
    assert killed > 1
    fleet.must_have_charged_everybody_once()


@pytest.mark.parametrize("seconds_left", [plenty, short])
def test_an_account_that_cannot_be_read_stands_first_and_stops_nobody(
    seconds_left: Callable[[], float], caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[Watched] = []
    torn, *others = names_in("00", 20)
    fleet = Fleet([torn, *others], wrap=watching(seen))
    fleet.spoil(torn)
    tally = fleet.run(seconds_left)
    assert tally.counts == {"unreadable": 1, "handled": 19, "charged": 19}
    assert Counter(seen[0].handled) == Counter([torn, *others]), "each once"
    assert fleet.attempts() == Counter(others)
    reported = [(record.message, getattr(record, "account_id", None)) for record in caplog.records]
    assert reported == [("account_unreadable", torn)]
    (run,) = [run for run in fleet.runs.of("autopay", "2026-03-02") if run.shard == "00"]
    assert (run.tally.counts["unreadable"], run.finished_at is not None) == (1, True)
    assert fleet.due() == [torn], "left for a person, not forgotten"


@pytest.mark.parametrize(
    ("error", "counted", "reported", "level"),
    [
        (Unavailable(), "postponed", "account_busy", "WARNING"),  # the next run finds it less busy: wakes nobody
        (Invalid("method_not_usable"), "postponed", "account_postponed", "ERROR"),
        (ValueError("odd"), "failed", "account_failed", "ERROR"),
    ],
)
def test_an_account_with_which_something_else_is_wrong_is_counted_and_stops_nobody(
    error: Exception, counted: str, reported: str, level: str, caplog: pytest.LogCaptureFixture
) -> None:
    first, *others = names_in("00", 12)

    def fail(account_id: str, _number: int) -> None:
        if account_id == first:
            raise error

    fleet = Fleet([first, *others], wrap=watching([], before=fail))
    assert fleet.run().counts == {counted: 1, "handled": 11, "charged": 11}
    assert [(record.message, record.levelname) for record in caplog.records] == [(reported, level)]
    assert fleet.attempts() == Counter(others)


def test_accounts_that_stay_due_starve_nobody_when_time_is_always_short() -> None:
    """More of them than a page, a helping or a delivery takes, and all before the others."""
    seen: list[Watched] = []
    everybody = names_in("03", 40)
    torn, others = everybody[:25], everybody[25:]
    fleet = Fleet(everybody, wrap=watching(seen))
    for account_id in torn:
        fleet.spoil(account_id)
    fleet.run(short)
    assert fleet.attempts() == Counter(others)
    assert Counter(seen[0].handled) == Counter(everybody), "each once in a run"


def test_what_is_left_when_time_runs_short_is_sent_on_with_a_cursor() -> None:
    fleet = Fleet(names_in("00", 5) + names_in("01", 5), fan_out=replace(SMALL, threads=1))
    order = Order(sweep="autopay", run="2026-03-02", shards=("00", "01", "02"))
    worked = fleet.deliver(order, short)
    assert worked.tally.counts["handled"] == 1, "one a thread: something is done however short the time"
    (rest,) = fleet.queue.orders
    assert rest == order.model_copy(update={"after": rest.after})
    assert rest.after.endswith(f"#{min(names_in('00', 5))}")
    fleet.work_off(short)
    fleet.must_have_charged_everybody_once()


def test_time_that_runs_short_in_a_later_shard_sends_the_shards_before_no_more() -> None:
    fleet = Fleet(names_in("00", 2) + names_in("01", 5), fan_out=replace(SMALL, threads=1))
    left = iter([100.0, 100.0, 100.0, *[1.0] * 100])
    fleet.deliver(Order(sweep="autopay", run="2026-03-02", shards=("00", "01", "02")), lambda: next(left))
    assert [order.shards for order in fleet.queue.orders] == [("01", "02")]
    fleet.work_off()
    fleet.must_have_charged_everybody_once()


@pytest.mark.parametrize("how", ["to its end", "short of time", "killed"])
def test_no_thread_outlives_the_call(how: str) -> None:
    wrap, _ = dying(4 if how == "killed" else -1, after=False)
    fleet = Fleet(names(40), fan_out=replace(SMALL, threads=8, page=40), wrap=wrap)
    before = set(threading.enumerate())
    order = Order(sweep="autopay", run="2026-03-02", shards=tuple(f"{shard:02d}" for shard in range(32)))
    try:
        fleet.deliver(order, short if how == "short of time" else plenty)
    except Crash:
        assert how == "killed"
    assert set(threading.enumerate()) == before


def test_a_message_delivered_twice_short_of_time_still_charges_once() -> None:
    fleet = Fleet(names(60))
    fleet.queue.orders = [order for order in fleet.sweeps.start("autopay") for _ in range(2)]
    fleet.work_off(short)
    fleet.must_have_charged_everybody_once()


class CountingRuns(MemoryRuns):
    """Counts its writes by shard."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: Counter[str] = Counter()

    def _put(self, order: Order, run: ShardRun) -> None:
        self.writes[run.shard] += 1
        super()._put(order, run)


class RunsOutOfOrder(MemoryRuns):
    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    def _put(self, *_: Any) -> None:
        raise self._error


def test_a_run_is_counted_with_one_write_a_page_one_at_the_start_and_one_at_the_end() -> None:
    fleet = Fleet(names_in("00", 10))
    runs = fleet.sweeps._runs = CountingRuns()
    fleet.deliver(Order(sweep="autopay", run="2026-03-02", shards=("00", "01")))
    assert runs.writes == {"00": 1 + 3 + 1, "01": 2}, "the last page is counted with the end"
    done, nothing = runs.of("autopay", "2026-03-02")
    assert done.tally == Tally({"handled": 10, "charged": 10}, {"charged:EUR": 10 * AMOUNT_MINOR})
    assert nothing.tally == Tally()
    assert {run.started_at for run in (done, nothing)} == {"2026-03-02T09:00:00.000Z"}
    assert {run.finished_at for run in (done, nothing)} == {"2026-03-02T09:00:00.000Z"}


def test_what_was_done_before_a_worker_broke_off_is_counted() -> None:
    wrap, _ = dying(4, after=False)
    fleet = Fleet(names_in("00", 5), fan_out=replace(SMALL, threads=1, page=2), wrap=wrap)
    with pytest.raises(Crash):
        fleet.sweeps.work(Order(sweep="autopay", run="2026-03-02", shards=("00",)), plenty)
    (run,) = fleet.sweeps.runs("autopay", "2026-03-02")
    assert run.tally.counts == {"handled": 4, "charged": 4}
    assert run.finished_at is None


def test_a_shard_that_is_not_done_is_not_called_finished() -> None:
    fleet = Fleet(names_in("00", 10))
    fleet.deliver(Order(sweep="autopay", run="2026-03-02", shards=("00", "01")), short)
    (begun,) = fleet.runs.of("autopay", "2026-03-02")
    assert (begun.shard, begun.started_at is not None, begun.finished_at) == ("00", True, None)
    assert begun.tally.counts["handled"] == SMALL.threads


def test_an_account_that_takes_its_time_keeps_no_other_waiting() -> None:
    """Not those of its page, nor those of the shards behind it: all are handled while it is under way."""
    slow, *others = names_in("00", 8) + names_in("01", 8) + names_in("02", 8)
    others_done = threading.Event()
    seen: list[Watched] = []

    def wait_for_all_others(account_id: str, _number: int) -> None:
        if account_id == slow:
            assert others_done.wait(30)

    def look(account_id: str, _number: int) -> None:
        if account_id != slow and len(fleet.attempts()) == len(others):
            others_done.set()

    wrap = watching(seen, before=wait_for_all_others, after=look)
    fleet = Fleet([slow, *others], fan_out=replace(SMALL, threads=2), wrap=wrap)
    worked = fleet.deliver(Order(sweep="autopay", run="2026-03-02", shards=("00", "01", "02")))
    assert worked.tally.counts == {"handled": 24, "charged": 24}
    fleet.must_have_charged_everybody_once()
    assert all(run.finished_at for run in fleet.runs.of("autopay", "2026-03-02"))


def test_a_shard_is_finished_when_its_last_account_is_and_not_before() -> None:
    """Though the next shard has begun meanwhile."""
    first, *others = names_in("00", 3) + names_in("01", 3)
    found: list[str | None] = []

    def wait_for_the_next_shard(account_id: str, _number: int) -> None:
        if account_id == first:
            while len(runs := fleet.runs.of("autopay", "2026-03-02")) < 2:
                time.sleep(0.001)
            found.append(runs[0].finished_at)

    wrap = watching([], before=wait_for_the_next_shard)
    fleet = Fleet([first, *others], fan_out=replace(SMALL, threads=2), wrap=wrap)
    fleet.deliver(Order(sweep="autopay", run="2026-03-02", shards=("00", "01")))
    assert found == [None]
    assert all(run.finished_at for run in fleet.runs.of("autopay", "2026-03-02"))


@pytest.mark.parametrize(
    ("error", "level"),
    [(OSError("the table of runs is gone"), "ERROR"), (Unavailable(), "WARNING")],  # tried once: wakes nobody
)
def test_statistics_that_cannot_be_written_stop_nobodys_payment(
    error: Exception, level: str, caplog: pytest.LogCaptureFixture
) -> None:
    fleet = Fleet(names(40))
    fleet.sweeps._runs = RunsOutOfOrder(error)
    fleet.run()
    fleet.must_have_charged_everybody_once()
    told = {(record.message, record.levelname, getattr(record, "run", None)) for record in caplog.records}
    assert told == {("run_not_counted", level, "2026-03-02")}


def test_the_longest_waiting_account_is_told() -> None:
    fleet = Fleet(names_in("00", 3) + names_in("01", 3))
    fleet.clock.advance(seconds=DAY)
    order = Order(sweep="autopay", run="2026-03-03", shards=("00", "01"))
    oldest = fleet.deliver(order).oldest_due_at
    assert oldest is not None
    assert oldest.isoformat() == "2026-03-02T05:00:00+00:00"
    assert fleet.deliver(order).oldest_due_at is None


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["fire", "deliver", "deliver again", "short", "die before", "die after", "wait"]),
        st.integers(0, 30),
    ),
    max_size=25,
)


@settings(max_examples=80)
@given(events=EVENTS, threads=st.integers(1, 4), messages=st.integers(1, 5), page=st.integers(1, 7))
def test_in_any_order_of_events_everybody_is_charged_once(
    events: list[tuple[str, int]], threads: int, messages: int, page: int
) -> None:
    """`deliver again` leaves the message in the queue; a killed worker does so, too."""
    fate = {"at": -1, "after": False, "seen": 0}

    def strike(*, after: bool) -> None:
        if fate["after"] is after:
            if fate["at"] == fate["seen"]:
                raise Crash
            fate["seen"] += 1

    wrap = watching([], before=lambda *_: strike(after=False), after=lambda *_: strike(after=True))
    fan_out = replace(SMALL, messages=messages, threads=threads, page=page)
    fleet = Fleet(names(20), fan_out=fan_out, wrap=wrap)
    for event, number in events:
        if event == "fire":
            fleet.sweeps.start("autopay")
        elif event == "wait":
            fleet.clock.advance(seconds=number * 60)
        elif fleet.queue.orders:
            _one_delivery(fleet, event, number, fate)
        assert max(fleet.attempts().values(), default=0) <= 1
    fate["at"] = -1
    fleet.calm_down()
    fleet.must_have_charged_everybody_once()


def _one_delivery(fleet: Fleet, event: str, number: int, fate: dict[str, int]) -> None:
    order = fleet.queue.orders.pop(number % len(fleet.queue.orders))
    dies = event.startswith("die")
    fate.update(at=number % 7 if dies else -1, after=event == "die after", seen=0)
    if event == "deliver again":
        fleet.queue.orders.append(order)
    try:
        fleet.deliver(order, short if event == "short" else plenty)
    except Crash:
        fleet.queue.orders.append(order)


def test_shards_spread_evenly() -> None:
    spread = Counter(map(shard_of, names(32_000)))
    assert (min(spread.values()) > 850, max(spread.values()) < 1150, len(spread)) == (True, True, 32)
