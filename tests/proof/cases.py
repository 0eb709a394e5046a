"""Runs a scenario once for every effect, every fault that can befall it, and everything that can happen next."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace

from tests.proof.customers import new_customer
from tests.proof.performance import Case, Performance, strikes_at
from tests.proof.process import Process
from tests.proof.scenarios import Scenario
from tests.proof.world import MemoryWorld, Snapshot, World
from tests.support.stack import MONDAY_MORNING

MakeWorld = Callable[[Snapshot], World]
NOTHING = Snapshot({}, {}, MONDAY_MORNING)


class Rehearsal:
    """Where the cases of one scenario are played. The beginning is prepared once."""

    def __init__(self, scenario: Scenario, make_world: MakeWorld) -> None:
        before = MemoryWorld(NOTHING)
        self.scenario = scenario
        self.customer = new_customer(before.desk, scenario.cards)
        scenario.before(before, self.customer)
        self._before = before.snapshot()
        self._make_world = make_world

    def effects(self) -> list[str]:
        """The effects of a run that nothing befalls."""
        process = Process()
        self.scenario.act(self._make_world(self._before).struck_desk(process), self.customer, "first")
        return process.effects

    def cases(self, effects: list[str], *, one_follow_up_each: bool = False) -> Iterator[Case]:
        """Every effect, every fault that can befall it, everything that may happen next; or with `one_follow_up_each`
        what may happen next in turns, where a case is too slow for all."""
        turns = itertools.cycle(self.scenario.follow_ups)
        for strike in strikes_at(effects):
            for follow_up in [next(turns)] if one_follow_up_each else self.scenario.follow_ups:
                yield Case((strike,), follow_up)

    def pairs(self, effects: list[str]) -> Iterator[Case]:
        """Every fault that can befall an effect, and every fault that can befall an effect after it: in the same
        process where it outlives the first, and in the process that comes next."""
        for first in strikes_at(effects):
            for follow_up in self.scenario.pair_follow_ups:
                for meanwhile in range(1, len(follow_up) + 1) if first.fault.freezes else [None]:
                    yield from self._seconds(Case((first,), follow_up, next_strikes=(), meanwhile=meanwhile))

    def _seconds(self, watched: Case) -> Iterator[Case]:
        """The case with one fault more, wherever one can strike."""
        (first,) = watched.strikes
        performance = self.perform(watched)
        for second in strikes_at(performance.first.effects, after=first.at):
            yield replace(watched, strikes=(first, second), next_strikes=None)
        for second in strikes_at(performance.next.effects):
            yield replace(watched, next_strikes=(second,))

    def play(self, case: Case) -> list[str]:
        """All that is wrong after the case, or was at any moment of it; empty when all is well."""
        return self.perform(case).wrong

    def perform(self, case: Case) -> Performance:
        performance = Performance(self.scenario, self.customer, self._make_world(self._before), case)
        performance.play()
        return performance
