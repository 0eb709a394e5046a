"""Plays every pair of faults of every scenario of pay and of autopay, in memory, on all cores.

    python -m tests.proof                       all of them, some ten minutes of one core
    python -m tests.proof "autopay charges"     those of some scenarios

Exit 1 when anything is wrong after a pair, or at any moment of it. The tests play the main scenarios only.
"""

import argparse
import os
import sys
from collections.abc import Sequence

from tests.proof.pairs import SCENARIOS, count_and_play
from tests.simulation.bar import Bar


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.proof", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("scenarios", nargs="*", help="by name; none: all")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="how many at once")
    asked = parser.parse_args(arguments)
    names: list[str] = list(dict.fromkeys(asked.scenarios or SCENARIOS))
    if unknown := set(names) - set(SCENARIOS):
        sys.exit(f"No scenario is called {', '.join(sorted(unknown))}. There are: {', '.join(SCENARIOS)}.")
    bar, done, wrong = Bar(1), 0, 0

    def counted(counts: dict[str, int]) -> None:
        nonlocal bar
        for name, count in counts.items():
            sys.stdout.write(f"{count:6,d} pairs of faults: {name}\n")
        sys.stdout.flush()
        bar = Bar(sum(counts.values()), "wrong", of="pairs of faults")

    def progress(played: int, found: list[str]) -> None:
        nonlocal done, wrong
        done, wrong = done + played, wrong + len(found)
        for told in found:
            bar.tell(told)
        bar.show(done, wrong)

    sys.stderr.write(f"Counting the pairs of {len(names)} scenarios ...\n")
    count_and_play(names, asked.processes, counted, progress)
    bar.end()
    sys.stdout.write(f"{done:6,d} in all; something was wrong with {wrong}.\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
