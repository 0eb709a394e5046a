"""The chances of one history. All of them come from its seed: the same seed throws the same dice."""

import random
from collections import Counter
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

READ, COMMIT, CHARGE, CLOSE, ATTACH, FIND = "read", "commit", "charge", "close", "attach", "find"
"""The effects of a process at which something can befall it."""

AT_EFFECTS: dict[str, tuple[str, ...]] = {
    READ: ("crash at a read", "store throttles"),
    FIND: ("crash at a read", "store throttles", "stale index"),
    COMMIT: (
        "crash before a commit",
        "crash after a commit",
        "commit lost on its way",
        "acknowledgement lost",
        "acknowledgement lost and overtaken",
        "conflict: somebody else is first",
        "store throttles",
        "frozen before a commit",
        "clock jumps",
    ),
    CHARGE: (
        "crash before a charge",
        "crash after a charge",
        "gateway times out, not charged",
        "gateway times out, charged",
        "gateway unreachable, provably not sent",
        "charge arrives late",
        "frozen between check and send",
        "frozen between charge and settle",
        "clock jumps",
    ),
    CLOSE: (
        "crash before a close",
        "crash after a close",
        "close lost on its way",
        "answer to a close lost",
        "frozen before a close",
    ),
    ATTACH: ("crash around an attach", "answer to an attach lost"),
}
"""What can befall a process, by effect."""

ELSEWHERE: tuple[str, ...] = (
    "message twice",
    "message late",
    "message overtakes",
    "message lost to the dead letters",
    "worker short of time",
    "schedule lost",
    "schedule twice",
    "run not counted",
    "gateway out of order for hours",
    "request sent twice at once",
    "account unreadable for a while",
)
"""What can go wrong between processes."""

CONSEQUENCES: tuple[str, ...] = ("charge arrives after reconcile asked", "gateway forgets a key after 24 hours")
"""What has no chance of its own: it is counted where another fault, or time, brought it about."""

BY_THE_SANDBOX: tuple[str, ...] = ("gateway forgets a key after 24 hours",)
"""What the sandbox's own provider brings about: another gateway forgets when it will, and nobody counts it."""

KINDS: tuple[str, ...] = tuple(
    dict.fromkeys([kind for kinds in AT_EFFECTS.values() for kind in kinds] + list(ELSEWHERE) + list(CONSEQUENCES))
)
"""Every kind of fault."""

_NOTHING_GOES_WRONG = 0.04
_THIS_NEVER_GOES_WRONG = 0.4
_HIGHEST = dict.fromkeys([kind for effect in (CHARGE, CLOSE, ATTACH) for kind in AT_EFFECTS[effect]], -0.7) | {
    "crash at a read": -1.6,
    "store throttles": -1.6,
    "account unreadable for a while": -1.6,
    "frozen between check and send": -0.4,
    "frozen before a close": -0.4,
}
"""A kind's highest chance at each effect, as a power of ten, where it is not a usual one: what a history has few
occasions for must come more often, and what leaves little else to happen less often. Most of what freezes is overtaken
by nothing."""


class Dice:
    """`fired` counts what went wrong and made a difference: where it took effect, not where it was thrown. What people
    do, whose turn it is and what goes wrong are thrown apart, so that taking one fault out (`without`) changes as
    little as can be of the rest."""

    def __init__(self, seed: int, without: frozenset[str] = frozenset()) -> None:
        self.fired: Counter[str] = Counter()
        self.people = random.Random(f"people {seed}")
        self._turns = random.Random(f"turns {seed}")
        self._faults = random.Random(f"faults {seed}")
        self._odds = self._drawn(without)
        self._at = {effect: self._ladder(kinds) for effect, kinds in AT_EFFECTS.items()}
        self.at_once = self._turns.choice((1, 2, 2, 3, 3, 4))
        self._restless = self._turns.choice((0.05, 0.2, 0.4, 0.7))
        self.forgetful = self._turns.random() < 0.5
        self.calm = False

    def befalls(self, effect: str) -> str | None:
        """What is to go wrong at this effect, or None. It is counted by whoever sees it take effect."""
        thrown = self._faults.random()
        for chance, kind in self._at[effect]:
            if thrown < chance:
                return kind
        return None

    def threatens(self, kind: str) -> bool:
        """Whether this is to go wrong. It is counted by whoever sees it take effect."""
        return self._faults.random() < self._odds[kind]

    def happens(self, kind: str) -> bool:
        """Whether this goes wrong here and now."""
        if not self.threatens(kind):
            return False
        self.took_effect(kind)
        return True

    def took_effect(self, kind: str) -> None:
        self.fired[kind] += 1

    def nothing_goes_wrong_any_more(self) -> None:
        self.calm = True
        self._odds = dict.fromkeys(KINDS, 0.0)
        self._at = {effect: [] for effect in AT_EFFECTS}

    def how_many(self, most: int) -> int:
        """How long what goes wrong lasts: 1 to `most`."""
        return 1 + int(self._faults.random() * most)

    def maybe(self, chance: float) -> bool:
        return self._turns.random() < chance

    def next_of(self, present: T, all_of_them: Sequence[T]) -> T:
        """Whose turn it is: mostly the same one's again."""
        if self._turns.random() >= self._restless:
            return present
        return all_of_them[int(self._turns.random() * len(all_of_them))]

    def any_of(self, choices: Sequence[T]) -> T:
        return choices[int(self._turns.random() * len(choices))]

    def _drawn(self, without: frozenset[str]) -> dict[str, float]:
        """Each kind's own chance in this history: for many of them none."""
        nothing = self._faults.random() < _NOTHING_GOES_WRONG
        odds = {}
        for kind in KINDS:
            often, chance = self._faults.random(), 10 ** self._faults.uniform(-2.3, _HIGHEST.get(kind, -1.1))
            odds[kind] = 0.0 if nothing or often < _THIS_NEVER_GOES_WRONG or kind in without else chance
        return odds

    def _ladder(self, kinds: Sequence[str]) -> list[tuple[float, str]]:
        """The kinds that can happen at all, each with the chance that it or one before it does."""
        steps, chance = [], 0.0
        for kind in kinds:
            if self._odds[kind]:
                chance += self._odds[kind]
                steps.append((chance, kind))
        return steps
