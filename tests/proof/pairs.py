"""Every pair of faults of every scenario of pay and of autopay, counted and played by several processes."""

import logging
import multiprocessing
import signal
from collections.abc import Callable, Sequence
from functools import cache

from tests.proof.cases import Rehearsal
from tests.proof.performance import Case
from tests.proof.scenarios import AUTOPAY, PAYMENTS
from tests.proof.world import MemoryWorld

SCENARIOS = PAYMENTS | AUTOPAY
CHUNK = 100

Progress = Callable[[int, list[str]], object]
"""Told how many more were played, and what was wrong with which."""


def count_and_play(
    names: Sequence[str], processes: int, counted: Callable[[dict[str, int]], object], progress: Progress
) -> None:
    """`counted` is told how many pairs each scenario has before the first is played."""
    with multiprocessing.get_context("spawn").Pool(processes, _quietly) as pool:
        counts = dict(zip(names, pool.map(_count, names, chunksize=1), strict=True))
        counted(counts)
        chunks = [(name, first) for name, count in counts.items() for first in range(0, count, CHUNK)]
        for played, found in pool.imap(_play, chunks):
            progress(played, found)


def _quietly() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.disable(logging.CRITICAL)


@cache
def _rehearsed(name: str) -> tuple[Rehearsal, list[Case]]:
    rehearsal = Rehearsal(SCENARIOS[name], MemoryWorld)
    return rehearsal, list(rehearsal.pairs(rehearsal.effects()))


def _count(name: str) -> int:
    return len(_rehearsed(name)[1])


def _play(chunk: tuple[str, int]) -> tuple[int, list[str]]:
    name, first = chunk
    rehearsal, pairs = _rehearsed(name)
    cases = pairs[first : first + CHUNK]
    found = [(case, rehearsal.play(case)) for case in cases]
    return len(cases), [f"{name}: {case}\n    " + "\n    ".join(wrong) for case, wrong in found if wrong]
