"""One run of autopay at two sizes, on MiniStack: everybody charged once, memory flat, time per account no worse.

    .venv/bin/python -m bench.autopay_run 500 5000

Each run is a process of its own, so that its peak memory is its own. Time per account is compared with a bare loop that
makes the same calls, on as many threads, on tables of the same size: what is left is Paydesk's share.
"""

import itertools
import json
import os
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from chalicelib import wiring
from chalicelib.accounts.models import Account
from chalicelib.gateways.sandbox import SandboxGateway
from chalicelib.gateways.sandbox_tables import DynamoDBCharges
from chalicelib.ledger.due import SHARDS
from chalicelib.ledger.dynamodb import Ledger, dynamodb_client
from chalicelib.ledger.marshalling import marshal, unmarshal
from chalicelib.ledger.models import Key
from chalicelib.sweeps.models import Order, Tally
from chalicelib.sweeps.stores import DynamoDBRuns, MemoryQueue
from local.clock import MovableClock, StandingClock
from local.stage import REPOSITORY
from tests.proof.world import DUE_WORK, PAGE_URL, SETTINGS
from tests.support.builders import NOW
from tests.support.engines import Engine, engine
from tests.support.ministack import serve_ministack
from tests.sweeps.fleet import names, owing, plenty


@dataclass(frozen=True)
class Figures:
    accounts: int
    seconds: float
    bare_seconds: float
    peak_kilobytes: int

    @property
    def relative(self) -> float:
        """Time per account, in times of the bare loop's."""
        return self.seconds / self.bare_seconds


def measure(store: Engine, accounts: int) -> Figures:
    """One run over so many accounts. Raises AssertionError unless each was charged exactly once."""
    with store.tables() as prefix:
        ledger = Ledger(store.ledger_client(), prefix, due_work=DUE_WORK)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda account_id: ledger.commit(owing(account_id)), names(accounts)))
        ran = _in_a_process(store, "sweep", prefix)
        assert ran["charged"] == accounts, ran
        pages = store.client.get_paginator("scan").paginate(TableName=f"{prefix}sandbox-charges")
        rows = [unmarshal(item) for page in pages for item in page["Items"]]
        assert Counter(row["account_id"] for row in rows) == Counter(names(accounts))
        bare = _in_a_process(store, "bare", prefix, str(accounts))
    return Figures(accounts, ran["seconds"], bare["seconds"], ran["peak_kilobytes"])


def _in_a_process(store: Engine, *arguments: str) -> dict[str, Any]:
    with store.environment():
        done = subprocess.run(  # noqa: S603  # this very file
            [sys.executable, "-m", "bench.autopay_run", *arguments],
            cwd=REPOSITORY,
            env=dict(os.environ),  # noqa: TID251  # the engine's address, as set just now
            stdout=subprocess.PIPE,
            check=True,
        )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def run_sweep(prefix: str) -> None:
    """Every order of one run, one after another, as one warm worker."""
    client = dynamodb_client()
    queue = MemoryQueue()
    desk = wiring.build(
        SETTINGS,
        clock=MovableClock(StandingClock(NOW)),
        ledger=Ledger(client, prefix, due_work=DUE_WORK),
        gateway=SandboxGateway(DynamoDBCharges(client, prefix), PAGE_URL),
        queue=queue,
        runs=DynamoDBRuns(lambda: client, prefix, attempts=5),
    )
    desk.sweeps.start("autopay")
    started, total = time.perf_counter(), Tally()
    while queue.orders:
        order: Order = queue.orders.pop(0)
        total += desk.sweeps.work(order, plenty).tally
    _say(seconds=time.perf_counter() - started, charged=total.counts.get("charged", 0))


def run_bare(prefix: str, accounts: int) -> None:
    """The same calls with items of the same size, and nothing decided."""
    client = dynamodb_client()
    account = marshal(owing("acc_00000").account.item())
    entry = marshal({"account_id": "acc_00000", "sequence": 1, "text": "x" * 400})
    numbers = itertools.count(10**6)

    def put(table: str, item: Any) -> dict[str, Any]:
        return {"TableName": prefix + table, "Item": item}

    def one(account_id: str) -> None:
        client.get_item(
            TableName=f"{prefix}accounts", Key=marshal(Key(Account, account_id).item()), ConsistentRead=True
        )
        mine = account | marshal({"account_id": f"bare_{account_id}"})
        client.put_item(**put("accounts", mine))
        client.put_item(**put("sandbox-charges", marshal({"payment_id": f"bare_{account_id}", "text": "x" * 200})))
        payment = mine | marshal({"payment_id": "pay_1", "time_key": "1"})
        invoice = mine | marshal({"invoice_id": "inv_1"})
        told = entry | marshal({"account_id": f"bare_{account_id}", "sequence": next(numbers)})
        items = (("accounts", mine), ("payments", payment), ("invoices", invoice), ("activity", told))
        client.transact_write_items(TransactItems=[{"Put": put(*item)} for item in items])  # type: ignore[typeddict-item]  # as built above

    started = time.perf_counter()
    with ThreadPoolExecutor(wiring.fan_out(SETTINGS).threads) as pool:
        for number in range(0, accounts, 16):  # in helpings, as the worker does
            list(pool.map(one, _helping(number, accounts)))
    _say(seconds=time.perf_counter() - started)


def _helping(start: int, accounts: int) -> list[str]:
    return [f"acc_{number:05d}" for number in range(start, min(start + 16, accounts))]


def _say(**figures: float) -> None:
    # Of this program alone: getrusage would count what its parent held when it was forked.
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    peak = int(status["VmHWM"].split()[0])
    sys.stdout.write(json.dumps({**figures, "peak_kilobytes": peak}))


def main(sizes: list[int]) -> None:
    began = datetime.now().astimezone()
    with serve_ministack() as url:
        small, large = (measure(engine("ministack", url), size) for size in sizes)
    for figures in (small, large):
        sys.stdout.write(json.dumps(asdict(figures) | {"relative": round(figures.relative, 3)}) + "\n")
    sys.stdout.write(f"peak memory: {large.peak_kilobytes / small.peak_kilobytes:.3f} x\n")
    sys.stdout.write(f"time per account beside a bare loop: {large.relative / small.relative:.3f} x\n")
    sys.stdout.write(f"{datetime.now().astimezone() - began} in all; {SHARDS} shards\n")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["sweep", name]:
            run_sweep(name)
        case ["bare", name, count]:
            run_bare(name, int(count))
        case [few, many]:
            main([int(few), int(many)])
        case _:
            sys.exit(__doc__)
