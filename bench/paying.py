"""Paying, listing and replaying through the app's handler, beside a bare client that makes the same calls.

Both sides take turns, operation by operation, in one process, on one client and one engine. The bare side's calls are
recorded from the handler, and made ready before its clock starts: it builds nothing and decides nothing.
"""

import itertools
import json
import os
import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from bench.customers import open_customer
from bench.figures import Figure, Progress, in_a_process, tell_the_parent
from bench.fleet import Original, account_ids
from bench.handler import Handler, event
from bench.tape import Call, Tape, play, recording
from local import aws
from tests.support.engines import Engine, engine

PAYMENTS = "/v1/accounts/{account_id}/payments"
KEY = "5b9a3c52-41a3-4f0c-9d7b-2f6a0f9f2c11"
_TABLES = ("accounts", "invoices", "payment-methods")
_LISTED = 20


@dataclass(frozen=True)
class Pair:
    """Milliseconds of one operation, and of a bare client making its calls: medians of one round."""

    paydesk_ms: float
    bare_ms: float

    @property
    def ratio(self) -> float:
        return self.paydesk_ms / self.bare_ms


def measure(store: Engine, rounds: int, each: int, tell: Progress) -> list[Figure]:
    """Ratios of the medians, each the median of so many rounds of `each` operations a side."""
    tell(f"paying, listing, replaying: {rounds} rounds of {each} a side")
    with store.tables() as prefix, store.environment():
        found = in_a_process("bench.paying", store.url, prefix, str(rounds), str(each))
    figures = []
    for what, target in (("pay", 1.3), ("list", None), ("replay", None)):
        pairs = [Pair(*pair) for pair in found[what]]
        ratio = statistics.median(pair.ratio for pair in pairs)
        paydesk, bare = (statistics.median(ms) for ms in zip(*found[what], strict=True))
        calls = " ".join(found["calls"][what])
        figures.append(
            Figure(f"{what} p50: app / bare calls", ratio, target, note=f"{paydesk:.1f}/{bare:.1f} ms, {calls}")
        )
    return figures


class Payers:
    """Customers who each owe one invoice, half of them for the handler to pay and half for the bare client."""

    def __init__(self, handler: Handler, store: Engine, prefix: str, count: int) -> None:
        self._handler = handler
        original = open_customer(handler.desk, "original", autopay=True)
        clones = Original(store.client, prefix, original, _TABLES)
        self._ours, self._others = iter(account_ids(count, "X")), iter(account_ids(count, "Y"))
        for letter in "XY":
            clones.clone(store.client, prefix, account_ids(count, letter))
        with recording(handler.client) as tape:
            self._payment_id = self._pay(original)
        self.tape = tape
        self._original = original
        self._numbers = itertools.count()

    def pay(self) -> float:
        """One customer pays through the handler. Milliseconds."""
        asked = event("POST", PAYMENTS, next(self._ours), body={}, key=KEY)
        started = perf_counter()
        answer = self._handler.answer(asked)
        taken = perf_counter() - started
        assert answer["statusCode"] == 201, answer
        return taken * 1000

    def bare(self) -> float:
        """The same calls for another customer. Milliseconds."""
        names = {
            self._original: next(self._others),
            self._payment_id: f"pay_{next(self._numbers):026d}",
        }
        return timed_play(self._handler, self.tape.for_others(names))

    def _pay(self, account_id: str) -> str:
        answer = self._handler.answer(event("POST", PAYMENTS, account_id, body={}, key=KEY))
        payment_id: str = json.loads(answer["body"])["payment_id"]
        return payment_id


def timed_play(handler: Handler, calls: list[Call]) -> float:
    started = perf_counter()
    play(handler.client, calls)
    return (perf_counter() - started) * 1000


def take_turns(paydesk: Callable[[], float], bare: Callable[[], float], times: int) -> Pair:
    """The medians of `times` operations a side."""
    taken = [(paydesk(), bare()) for _ in range(times)]
    return Pair(*(statistics.median(side) for side in zip(*taken, strict=True)))


def _reading(handler: Handler, method: str, account_id: str) -> tuple[Callable[[], float], Callable[[], float], Tape]:
    """A request that changes nothing: through the handler, bare, and its calls."""
    more: dict[str, Any] = {"body": {}, "key": KEY} if method == "POST" else {}
    asked = event(method, PAYMENTS, account_id, **more)
    with recording(handler.client) as tape:
        handler.answer(asked)

    def paydesk() -> float:
        started = perf_counter()
        answer = handler.answer(asked)
        taken = perf_counter() - started
        assert answer["statusCode"] in (200, 201), answer
        return taken * 1000

    return paydesk, lambda: timed_play(handler, tape.calls), tape


def _customer_with_payments(handler: Handler) -> str:
    account_id = open_customer(handler.desk, "payer", autopay=False, invoices=_LISTED)
    for number in range(_LISTED):
        paid = handler.answer(event("POST", PAYMENTS, account_id, body={"amount_minor": 51_000}, key=f"{number}"))
        assert paid["statusCode"] == 201, paid
    answer = handler.answer(event("POST", PAYMENTS, account_id, body={}, key=KEY))
    assert answer["statusCode"] == 409, answer
    return account_id


def run(store: Engine, prefix: str, rounds: int, each: int) -> dict[str, object]:
    """Rounds of all three operations: pairs by operation, and the calls each makes."""
    handler = Handler(prefix)
    payers = Payers(handler, store, prefix, (rounds + 1) * each)
    replayed = open_customer(handler.desk, "replayed", autopay=False)
    handler.answer(event("POST", PAYMENTS, replayed, body={}, key=KEY))
    listing = _reading(handler, "GET", _customer_with_payments(handler))
    replaying = _reading(handler, "POST", replayed)
    sides = {"pay": (payers.pay, payers.bare), "list": listing[:2], "replay": replaying[:2]}
    pairs: dict[str, list[tuple[float, float]]] = {what: [] for what in sides}
    for number in range(rounds + 1):
        for what, (paydesk, bare) in sides.items():
            pair = take_turns(paydesk, bare, each)
            if number:  # the first round warms both
                pairs[what].append((pair.paydesk_ms, pair.bare_ms))
    calls = {"pay": payers.tape.operations, "list": listing[2].operations, "replay": replaying[2].operations}
    return {**pairs, "calls": calls}


if __name__ == "__main__":
    url, prefix, rounds, each = sys.argv[1:]
    os.environ.update(aws.environment(url))
    tell_the_parent(lambda: run(engine("ministack", url), prefix, int(rounds), int(each)))
