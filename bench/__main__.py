"""`make bench`: what Paydesk costs, in time and in money, beside what cannot cost less. Prints one table.

make bench                                        all of it, about half an hour on two cores
make bench ARGS=--quick                           the same at small sizes, two minutes
make bench ARGS="--only cost cold"                some of it
make bench ARGS="--only autopay --sizes 500 5000" autopay at sizes of one's own
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass

from bench import autopay_run, cold_start, costs, localstripe, paying
from bench.figures import Figure, progress, table
from tests.support.engines import engine
from tests.support.ministack import MiniStackMissing, serve_ministack

Case = Callable[[str], list[Figure]]
"""Measures on the MiniStack at an address."""


@dataclass(frozen=True)
class Scale:
    """How much is measured. `sizes` are autopay's fleets: customers -> how often."""

    rounds: int
    each: int
    sizes: dict[int, int]
    slow_customers: int
    message_customers: int
    cold_rounds: int


WHOLE = Scale(15, 40, {500: 8, 5_000: 3, 20_000: 1}, 4_000, 100, 21)
QUICK = Scale(5, 10, {100: 2, 400: 1}, 320, 20, 5)


def cases(scale: Scale) -> dict[str, Case]:
    return {
        "pay": lambda url: paying.measure(engine("ministack", url), scale.rounds, scale.each, progress),
        "autopay": lambda url: autopay_run.growth(engine("ministack", url), scale.sizes, progress),
        "slow": lambda url: autopay_run.slow_gateway(engine("ministack", url), scale.slow_customers, progress),
        "cold": lambda _: cold_start.measure(scale.cold_rounds, progress),
        "localstripe": lambda url: localstripe.measure(
            engine("ministack", url), {10: 2 / 3, 50: 1 / 4}, scale.rounds, progress
        ),
        "cost": lambda url: costs.measure(engine("ministack", url), scale.message_customers, progress),
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench", description="Measures Paydesk and prints one table.")
    parser.add_argument("--quick", action="store_true", help="small sizes: to see that it works, not for figures")
    parser.add_argument("--only", nargs="+", choices=list(cases(WHOLE)), help="these cases alone")
    parser.add_argument("--sizes", nargs="+", type=int, help="autopay's fleets, each once")
    arguments = parser.parse_args()
    scale = QUICK if arguments.quick else WHOLE
    if arguments.sizes:
        scale = Scale(**{**vars(scale), "sizes": dict.fromkeys(arguments.sizes, 1)})
    figures: list[Figure] = []
    try:
        for name, case in cases(scale).items():
            if arguments.only is None or name in arguments.only:
                with serve_ministack() as url:  # its own for each case: none measures what another left behind
                    figures += case(url)
    except (MiniStackMissing, localstripe.LocalstripeMissing) as missing:
        sys.stderr.write(f"{missing}\n")
        return 1
    sys.stdout.write(table(figures) + "\n")
    missed = [figure.what for figure in figures if figure.met is False]
    if missed:
        progress("Missed: " + "; ".join(missed) + ". On a busy machine measure again before believing it.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
