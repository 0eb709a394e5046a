"""Many histories on all cores, and what came of them."""

import importlib
import multiprocessing
import signal
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.simulation.dice import KINDS
from tests.simulation.history import OPERATIONS, Ending, History, Setting
from tests.simulation.providers import NewProvider

CHUNK = 25
BROKEN_AT_MOST = 20
"""More broken histories than this tell nothing new: the run ends."""

RARE = 0.01
"""A kind of fault that takes effect in fewer histories than this proves little."""


@dataclass
class Played:
    """What a run of histories came to. `fired` counts the faults that took effect, `struck` the histories in which a
    kind did. `broken`: what was found first, by seed."""

    histories: int = 0
    looks: int = 0
    fired: Counter[str] = field(default_factory=Counter)
    struck: Counter[str] = field(default_factory=Counter)
    operations: Counter[str] = field(default_factory=Counter)
    broken: dict[int, str] = field(default_factory=dict)

    def count(self, ending: Ending) -> None:
        self.histories += 1
        self.looks += ending.looks
        self.fired += ending.fired
        self.struck.update(ending.fired.keys())
        self.operations += ending.operations
        if ending.found:
            self.broken[ending.seed] = ending.found[0]

    def add(self, other: "Played") -> None:
        self.histories += other.histories
        self.looks += other.looks
        self.fired += other.fired
        self.struck += other.struck
        self.operations += other.operations
        self.broken |= other.broken

    def too_rare(self, kinds: Sequence[str] = KINDS) -> list[str]:
        """Kinds of faults, of these, that took effect in hardly any history."""
        return [kind for kind in kinds if self.struck[kind] < RARE * self.histories]


Progress = Callable[[Played, Played], object]
"""Told what all histories so far came to, and what the last few of them."""


def setting_with(gateway: str | None) -> Setting:
    """The real parts, with the provider that `package.module:name` makes in place of the sandbox."""
    if gateway is None:
        return Setting()
    module, _, name = gateway.partition(":")
    new_provider: NewProvider = getattr(importlib.import_module(module), name)
    return Setting(new_provider=new_provider)


def play(seeds: range, gateway: str | None, operations: int) -> Played:
    """These histories, one after another."""
    setting, played = setting_with(gateway), Played()
    for seed in seeds:
        played.count(History(seed, setting, operations=operations).play())
    return played


def play_on_all_cores(
    seeds: range, *, gateway: str | None = None, operations: int = OPERATIONS, processes: int, progress: Progress
) -> Played:
    """All of them; fewer when too many are broken."""
    chunks = [(range(first, min(first + CHUNK, seeds.stop)), gateway, operations) for first in seeds[::CHUNK]]
    total = Played()
    with multiprocessing.get_context("spawn").Pool(processes, _leave_ctrl_c_to_the_parent) as pool:
        for played in pool.imap_unordered(_chunk, chunks):
            total.add(played)
            progress(total, played)
            if len(total.broken) > BROKEN_AT_MOST:
                break
    return total


def _leave_ctrl_c_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _chunk(chunk: tuple[range, str | None, int]) -> Played:
    return play(*chunk)


@dataclass(frozen=True)
class Shortest:
    """A broken history cut down: so many operations, without these faults, still break it."""

    operations: int
    without: frozenset[str]
    ending: Ending


def shortest(seed: int, setting: Setting, operations: int = OPERATIONS) -> Shortest:
    """The fewest operations, from the first on, after which the history is still broken, and then as few kinds of
    faults as can be. Needs a history that is broken."""
    fewest = next(n for n in range(1, operations + 1) if n == operations or _broken(seed, setting, n, frozenset()))
    without: frozenset[str] = frozenset()
    for kind in KINDS:
        if _broken(seed, setting, fewest, without | {kind}):
            without |= {kind}
    ending = History(seed, setting, operations=fewest, without=without, kept=True).play()
    return Shortest(fewest, without, ending)


def _broken(seed: int, setting: Setting, operations: int, without: frozenset[str]) -> bool:
    return bool(History(seed, setting, operations=operations, without=without).play().found)
