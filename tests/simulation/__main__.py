"""`make simulate SEEDS=n FROM=s`: plays n histories from seed s on, on all cores. Exit 1 when an invariant broke."""

import argparse
import os
import sys

from tests.simulation.bar import Bar
from tests.simulation.dice import BY_THE_SANDBOX, KINDS
from tests.simulation.history import OPERATIONS, History
from tests.simulation.running import RARE, Played, play_on_all_cores, setting_with, shortest

_SHOWN_AT_MOST = 2
_ENOUGH_FOR_RATES = 2000


def main() -> int:
    asked = _arguments().parse_args()
    setting = setting_with(asked.gateway)
    if asked.replay is not None:
        ending = History(asked.replay, setting, operations=asked.operations, kept=True).play()
        _say("\n".join(ending.diary))
        _say(f"\nseed {asked.replay}: " + ("; ".join(ending.found) or "nothing is wrong"))
        return 1 if ending.found else 0
    bar = Bar(asked.seeds)

    def show(total: Played, last: Played) -> None:
        for seed, flaw in last.broken.items():  # at once: nobody should have to wait for the end to begin with it
            bar.tell(f"seed {seed}: {flaw}")
        bar.show(total.histories, len(total.broken))

    played = play_on_all_cores(
        range(asked.first, asked.first + asked.seeds),
        gateway=asked.gateway,
        operations=asked.operations,
        processes=asked.processes,
        progress=show,
    )
    bar.end()
    _say(_table(played))
    for seed in sorted(played.broken)[:_SHOWN_AT_MOST]:
        _show_broken(seed, asked)
    if played.broken:
        _say(f"\n{len(played.broken)} broken: seeds {', '.join(map(str, sorted(played.broken)))}")
        return 1
    _say(f"\nNothing is wrong in {played.histories:,} histories: nobody was charged twice, nobody was forgotten.")
    kinds = [kind for kind in KINDS if asked.gateway is None or kind not in BY_THE_SANDBOX]
    if played.histories >= _ENOUGH_FOR_RATES and (rare := played.too_rare(kinds)):
        _say(f"But these faults took effect in fewer than {RARE:.0%} of them: {', '.join(rare)}.")
        return 1
    return 0


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make simulate", description=__doc__)
    parser.add_argument("--seeds", type=_at_least_one, default=2000, help="how many histories")
    parser.add_argument("--from", type=int, default=1, dest="first", help="the first seed")
    parser.add_argument("--replay", type=int, metavar="SEED", help="play this one alone and tell it line by line")
    parser.add_argument(
        "--operations", type=_at_least_one, default=OPERATIONS, help="how many operations a history has"
    )
    parser.add_argument("--processes", type=_at_least_one, default=os.cpu_count() or 1, help="how many at once")
    parser.add_argument(
        "--gateway", type=_provider, metavar="MODULE:NAME", help="your own provider in place of the sandbox"
    )
    return parser


def _at_least_one(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"it has to be a whole number, 1 or more, not {text!r}")
    return int(text)


def _provider(named: str) -> str:
    """The name of a provider that is there."""
    module, _, name = named.partition(":")
    if not all(part.isidentifier() for part in (*module.split("."), name)):
        raise argparse.ArgumentTypeError(f"write it as MODULE:NAME, for example mine:MyProvider, not {named!r}")
    try:
        setting_with(named)
    except (ImportError, AttributeError) as error:
        raise argparse.ArgumentTypeError(f"{named} cannot be had: {error}") from None
    return named


def _show_broken(seed: int, asked: argparse.Namespace) -> None:
    found = shortest(seed, setting_with(asked.gateway), asked.operations)
    _say(f"\n--- seed {seed}, cut down to its first {found.operations} operations ---")
    _say("\n".join(found.ending.diary))
    _say("\nWrong:\n" + "\n".join(f"  {flaw}" for flaw in dict.fromkeys(found.ending.found)))
    if struck := [kind for kind in KINDS if found.ending.fired[kind]]:
        _say(f"What struck: {', '.join(struck)}.")
    gateway = f" --gateway {asked.gateway}" if asked.gateway else ""
    _say(f'All of it: make simulate ARGS="--replay {seed} --operations {found.operations}{gateway}"')


def _table(played: Played) -> str:
    lines = [f"{'fault':<42}{'took effect':>12}{'per 1,000 histories':>22}{'in % of histories':>20}"]
    for kind in KINDS:
        count, share = played.fired[kind], 100 * played.struck[kind] / played.histories
        lines.append(f"{kind:<42}{count:>12,}{1000 * count / played.histories:>22.1f}{share:>20.1f}")
    lines += ["", f"{'operation':<42}{'done':>12}{'per history':>22}"]
    for kind, count in played.operations.most_common():
        lines.append(f"{kind:<42}{count:>12,}{count / played.histories:>22.2f}")
    done = sum(played.operations.values())
    lines.append(f"\n{played.histories:,} histories, {done:,} operations, {played.looks:,} looks at the books")
    return "\n".join(lines)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        _say("\nStopped.")
        sys.exit(130)
