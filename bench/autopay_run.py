"""Runs of autopay, beside a bare loop that makes the same calls for as many customers on as many threads.

Two processes take turns, message by message, each on tables of its own that hold the same customers: one works off
Paydesk's orders, one makes the recorded calls of an order, made ready before its clock starts. Memory is the first
one's own.
"""

import contextlib
import json
import os
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import perf_counter, sleep
from typing import TYPE_CHECKING, Any

from bench.bare_loop import CHARGES, BareLoop
from bench.customers import open_customer
from bench.figures import Figure, Progress, peak_kilobytes
from bench.fleet import Original, account_ids
from bench.tape import Call, Tape, bare_client, recording
from chalicelib import settings, wiring
from chalicelib.gateways.port import Charge, NotSent, Outcome, Unknown
from chalicelib.gateways.sandbox import SandboxGateway
from chalicelib.gateways.sandbox_tables import DynamoDBCharges
from chalicelib.ledger.due import SHARDS, shard_of
from chalicelib.ledger.dynamodb import Ledger, dynamodb_client
from chalicelib.ledger.marshalling import unmarshal
from chalicelib.sweeps.models import Order
from chalicelib.sweeps.stores import DynamoDBRuns, MemoryQueue
from local.clock import StandingClock
from local.stage import REPOSITORY, Stage
from tests.support.builders import NOW
from tests.support.engines import Engine
from tests.sweeps.fleet import plenty

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_TABLES = ("accounts", "invoices")
"""What a run reads and changes."""

_RUN = NOW.date().isoformat()
_OURS = "X"


@dataclass(frozen=True)
class Turn:
    """One message on both sides: seconds for so many customers."""

    customers: int
    seconds: float
    bare_seconds: float

    @property
    def throughput(self) -> float:
        """Paydesk's, in times of the bare loop's."""
        return self.bare_seconds / self.seconds


@dataclass(frozen=True)
class Fleet:
    """Turns of one run, and the most memory its worker held."""

    turns: tuple[Turn, ...]
    peak_kilobytes: int

    @property
    def seconds(self) -> float:
        return sum(turn.seconds for turn in self.turns)


class SlowGateway(SandboxGateway):
    """The sandbox, as far away as a real gateway."""

    def __init__(self, charges: DynamoDBCharges, page_url: str, seconds: float) -> None:
        super().__init__(charges, page_url)
        self._seconds = seconds

    def charge(self, charge: Charge) -> Outcome | NotSent | Unknown:
        sleep(self._seconds)
        return super().charge(charge)


def growth(store: Engine, sizes: dict[int, int], tell: Progress) -> list[Figure]:
    """Throughput and memory by size: customers -> how often. The first size is what all others are measured by."""
    found = {size: [measure(store, size, tell) for _ in range(times)] for size, times in sizes.items()}
    ratios = {
        size: statistics.median(turn.throughput for fleet in fleets for turn in fleet.turns)
        for size, fleets in found.items()
    }
    peaks = {size: max(fleet.peak_kilobytes for fleet in fleets) for size, fleets in found.items()}
    small = next(iter(sizes))
    figures = [
        Figure(
            f"autopay throughput at {size:,}: run / bare loop",
            ratio,
            0.75,
            "at least",
            f"{size * len(found[size]) / sum(fleet.seconds for fleet in found[size]):.0f} customers a second",
        )
        for size, ratio in ratios.items()
    ]
    for size in list(sizes)[1:]:
        grown = f"{peaks[small] / 1024:.0f} -> {peaks[size] / 1024:.0f} MB"
        figures += [
            Figure(f"that ratio at {size:,} / at {small:,}", ratios[size] / ratios[small], 0.9, "at least"),
            Figure(f"peak memory at {size:,} / at {small:,}", peaks[size] / peaks[small], 1.1, note=grown),
        ]
    return figures


def slow_gateway(
    store: Engine, customers: int, tell: Progress, threads: int = 16, seconds: float = 0.2
) -> list[Figure]:
    """Throughput with a gateway that takes its time, beside the lower of what the pool allows (each thread one charge
    at a time) and what the processor allows (the same run with a gateway that answers at once).
    """
    at_once = measure(store, customers, tell, threads=threads, with_bare=False)
    slow = measure(store, customers, tell, threads=threads, gateway_seconds=seconds)
    pool, processor = threads / seconds, customers / at_once.seconds
    reached, bare = customers / slow.seconds, customers / sum(turn.bare_seconds for turn in slow.turns)
    what = f"autopay, {seconds * 1000:.0f} ms gateway, {threads} threads"
    rates = f"{reached:.0f} a second; pool allows {pool:.0f}, processor {processor:.0f}"
    return [
        Figure(f"{what}: reached / allowed", reached / min(pool, processor), 0.8, "at least", rates),
        Figure(f"{what}: run / bare loop", reached / bare, 0.75, "at least", f"bare loop {bare:.0f} a second"),
    ]


def measure(
    store: Engine,
    customers: int,
    tell: Progress,
    *,
    threads: int = 8,
    gateway_seconds: float = 0,
    with_bare: bool = True,
) -> Fleet:
    """One run. Raises AssertionError unless each customer was charged exactly once."""
    with store.tables() as ours, store.tables() as theirs, store.environment():
        tell(f"autopay: laying out {customers:,} customers" + (" twice" if with_bare else ""))
        original, tape = _original_and_tape(store, ours)
        original.clone(store.client, ours, account_ids(customers, _OURS))
        if with_bare:
            original.clone(store.client, theirs, account_ids(customers, _OURS))
        work = ("work", ours, str(threads), str(gateway_seconds))
        bare = ("bare", theirs, str(threads), str(gateway_seconds))
        with _process(*work) as paydesk, _process(*bare) as other:
            other.tell({"tape": [[c.operation, c.parameters] for c in tape.calls], "prefix": ours})
            turns = []
            for number, order in enumerate(orders()):
                done = paydesk.ask({"shards": order.shards})
                made = other.ask({"shards": order.shards}) if with_bare else done
                assert made["customers"] == done["customers"], (made, done)
                turns.append(Turn(done["customers"], done["seconds"], made["seconds"]))
                tell(f"autopay: {customers:,} customers, message {number + 1} of {len(orders())}")
            peak = paydesk.ask({})["peak_kilobytes"]
        _must_have_charged_everybody_once(store, ours, original, customers)
    return Fleet(tuple(turns), peak)


def orders() -> list[Order]:
    """The messages of one run, as the stage's schedule cuts it."""
    messages = int(Stage().environment()["PAYDESK_SWEEP_MESSAGES"])
    shards = [f"{shard:02d}" for shard in range(SHARDS)]
    return [Order(sweep="autopay", run=_RUN, shards=tuple(shards[number::messages])) for number in range(messages)]


def _original_and_tape(store: Engine, prefix: str) -> tuple[Original, Tape]:
    """A customer as it is before it is charged, and the calls of a run that charges it alone."""
    client = dynamodb_client()
    desk = _desk(client, prefix, threads=1, gateway_seconds=0)
    account_id = open_customer(desk, "original", autopay=True)
    original = Original(store.client, prefix, account_id, _TABLES)
    with recording(client) as tape:
        desk.sweeps.work(Order(sweep="autopay", run=_RUN, shards=(shard_of(account_id),)), plenty)
    return original, tape


def _desk(client: "DynamoDBClient", prefix: str, *, threads: int, gateway_seconds: float) -> wiring.Desk:
    from bench.handler import ISSUER

    own = {"PAYDESK_TABLE_PREFIX": prefix, "PAYDESK_SWEEP_THREADS": str(threads)}
    chosen = settings.load(Stage().environment() | ISSUER | own)
    return wiring.build(
        chosen,
        clock=StandingClock(NOW),
        ledger=Ledger(client, prefix, due_work=wiring.due_work(chosen)),
        gateway=SlowGateway(DynamoDBCharges(client, prefix), chosen.sandbox_page_url, gateway_seconds),
        queue=MemoryQueue(),
        runs=DynamoDBRuns(lambda: client, prefix, attempts=5),
    )


def _must_have_charged_everybody_once(store: Engine, prefix: str, original: Original, customers: int) -> None:
    pages = store.client.get_paginator("scan").paginate(TableName=prefix + CHARGES)
    charged = Counter(unmarshal(item)["account_id"] for page in pages for item in page["Items"])
    assert charged == Counter([original.account_id, *account_ids(customers, _OURS)])


class _Process:
    """A process of this module that answers a line of JSON with another."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def tell(self, what: Any) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()

    def ask(self, what: Any) -> Any:
        assert self._process.stdout
        self.tell(what)
        return json.loads(self._process.stdout.readline())


@contextlib.contextmanager
def _process(*arguments: str) -> Iterator[_Process]:
    command = [sys.executable, "-m", "bench.autopay_run", *arguments]
    environment = dict(os.environ)  # the engine's address, as set just now
    with subprocess.Popen(
        command, cwd=REPOSITORY, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield _Process(process)
        finally:
            process.kill()


def work(prefix: str, threads: int, gateway_seconds: float) -> None:
    """Works off orders as one warm worker, and tells its peak memory when it is asked for nothing."""
    desk = _desk(dynamodb_client(), prefix, threads=threads, gateway_seconds=gateway_seconds)
    for line in sys.stdin:
        asked = json.loads(line)
        if not asked:
            _answer(peak_kilobytes=peak_kilobytes())
            continue
        order = Order(sweep="autopay", run=_RUN, shards=tuple(asked["shards"]))
        started = perf_counter()
        tally = desk.sweeps.work(order, plenty).tally
        _answer(seconds=perf_counter() - started, customers=tally.counts.get("charged", 0))


def work_bare(prefix: str, threads: int, gateway_seconds: float) -> None:
    """The same calls for the customers of the same shards."""
    told = json.loads(sys.stdin.readline())
    tape = Tape()
    text = json.dumps(told["tape"]).replace(told["prefix"], prefix)
    tape.calls = [Call(operation, parameters) for operation, parameters in json.loads(text)]
    loop = BareLoop(tape, bare_client(), gateway_seconds)
    with ThreadPoolExecutor(threads) as pool:
        for line in sys.stdin:
            customers, seconds = loop.work_off(json.loads(line)["shards"], pool)
            _answer(seconds=seconds, customers=customers)


def _answer(**told: float) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["work", prefix, threads, gateway_seconds]:
            work(prefix, int(threads), float(gateway_seconds))
        case ["bare", prefix, threads, gateway_seconds]:
            work_bare(prefix, int(threads), float(gateway_seconds))
