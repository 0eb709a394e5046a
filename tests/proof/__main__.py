"""Plays every pair of faults of every scenario of pay and of autopay, in memory.

    python -m tests.proof                       all of them, some ten minutes on one core
    python -m tests.proof "autopay charges"     those of some scenarios

Exit 1 when anything is wrong after a pair, or at any moment of it. The tests play the main scenarios only.
"""

import logging
import sys
from collections.abc import Sequence

from tests.proof.cases import Rehearsal
from tests.proof.scenarios import AUTOPAY, PAYMENTS
from tests.proof.world import MemoryWorld

SCENARIOS = PAYMENTS | AUTOPAY


def main(names: Sequence[str]) -> int:
    if unknown := set(names) - set(SCENARIOS):
        sys.exit(f"No scenario is called {', '.join(sorted(unknown))}. There are: {', '.join(SCENARIOS)}.")
    logging.disable(logging.CRITICAL)
    played = wrong = 0
    for name in names or SCENARIOS:
        rehearsal = Rehearsal(SCENARIOS[name], MemoryWorld)
        pairs = list(rehearsal.pairs(rehearsal.effects()))
        for case in pairs:
            if found := rehearsal.play(case):
                wrong += 1
                sys.stdout.write(f"{name}: {case}\n    " + "\n    ".join(found) + "\n")
        played += len(pairs)
        sys.stdout.write(f"{len(pairs):6,d} pairs of faults: {name}\n")
        sys.stdout.flush()
    sys.stdout.write(f"{played:6,d} in all; something was wrong with {wrong}.\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
