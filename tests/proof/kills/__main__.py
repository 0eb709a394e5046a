"""Kills processes of Paydesk while they pay, and compares its books with the gateway's: `make kills`.

    python -m tests.proof.kills                 500 kills on MiniStack, some ten minutes
    python -m tests.proof.kills 100 --seed 7    so many, with the dice of another run

Exit 1 when anything is charged twice, lost or told wrong. The dice are printed; the moments of the kills are the
machine's own, so no run is quite like another.
"""

import argparse
import random
import sys
import time
from collections.abc import Sequence

from tests.proof.kills.killing import WORKERS, Killing, shop
from tests.support.engines import engine
from tests.support.ministack import serve_ministack

_BAR = 30


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.proof.kills", description="Kills processes while they pay.")
    parser.add_argument("kills", nargs="?", type=int, default=500, help="how many processes to kill")
    parser.add_argument("--seconds", type=int, default=1800, help="after so long no more are killed")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="the dice of an earlier run")
    wanted = parser.parse_args(arguments)
    sys.stdout.write(f"Killing {wanted.kills} processes while they pay (--seed {wanted.seed}) ...\n")
    with serve_ministack() as url, shop(engine("ministack", url), wanted.seed) as killing:
        _kill(killing, wanted.kills, time.monotonic() + wanted.seconds)
        killing.calm_down()
    found = killing.found
    for flaw in found.flaws:
        sys.stdout.write(f"{flaw}\n")
    sys.stdout.write(f"{found}.\n")
    if found.kills < wanted.kills:
        sys.stdout.write(f"{wanted.seconds} seconds were over before the other {wanted.kills - found.kills} kills.\n")
    sys.stdout.write(f"{found.charges} charges at the gateway, {found.payments} payments in the books; ")
    sys.stdout.write(
        f"{len(found.flaws)} flaws: {'none charged twice, none lost' if not found.flaws else 'see above'}.\n"
    )
    return 1 if found.flaws or found.charges != found.payments else 0


def _kill(killing: Killing, kills: int, until: float) -> None:
    found = killing.found
    while found.kills < kills and time.monotonic() < until and not found.flaws:
        killing.round(min(WORKERS, kills - found.kills))
        bar = "#" * (_BAR * found.kills // kills)
        sys.stdout.write(f"\r[{bar:{_BAR}}] {found}")
        sys.stdout.flush()
    sys.stdout.write("\n")


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit("\nStopped before the books were compared.")
