"""A machine that Paydesk runs on: it runs one process at a time, and everything the process does beyond itself goes
through struck ports.
"""

from collections.abc import Sequence
from typing import NoReturn

from chalicelib import wiring
from chalicelib.core.errors import Unavailable
from chalicelib.sweeps.models import Order, ShardRun, SweepName, Tally
from tests.simulation.interleaving import Process
from tests.simulation.queue import Outbox
from tests.simulation.struck_gateway import StruckGateway
from tests.simulation.struck_ledger import StruckLedger
from tests.simulation.world import World
from tests.support.faults import Crash

_FROZEN_AT_MOST = {"frozen between check and send": 40, "frozen before a close": 40}
_USUALLY_FROZEN_AT_MOST = 12
"""Turns of the director. Where few others have to do with the payment, it takes long until one comes first."""
_JUMP_MINUTES_AT_MOST = 600


class Machine:
    """`process` is what runs here, if anything does. `desk` is Paydesk on this machine, `outbox` its way to the queue,
    `at` the account it looked at last."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.process: Process | None = None
        self.at = ""
        self.outbox = Outbox(world.queue)
        self.ledger = StruckLedger(self)
        self.desk = world.around(
            wiring.build(
                world.settings,
                clock=world.clock,
                ledger=self.ledger,
                gateway=StruckGateway(self),
                queue=self.outbox,
                runs=StruckRuns(self),
                sleep=lambda _: None,
            )
        )

    def reaches(self) -> None:
        """An effect is about to be: others may come first."""
        assert self.process is not None
        self.world.interleaving.pause(self.process)

    def befalls(self, effect: str) -> str | None:
        return self.world.dice.befalls(effect)

    def took_effect(self, kind: str) -> None:
        self.world.dice.took_effect(kind)

    def freezes(self, kind: str) -> None:
        """It makes a difference when something else befell the account meanwhile."""
        assert self.process is not None
        before = self.world.steps[self.at]
        turns = self.world.dice.how_many(_FROZEN_AT_MOST.get(kind, _USUALLY_FROZEN_AT_MOST))
        self.world.interleaving.freeze(self.process, turns)
        if self.world.steps[self.at] > before:
            self.took_effect(kind)

    def dies(self) -> NoReturn:
        assert self.process is not None
        self.process.dead = True
        raise Crash

    def note(self, what: str) -> None:
        self.world.note(self.process.name if self.process else "nobody", what)

    @property
    def writes_a_diary(self) -> bool:
        return self.world.diary.kept

    def clock_jumps(self) -> None:
        minutes = self.world.dice.how_many(_JUMP_MINUTES_AT_MOST)
        self.world.advance(60 * minutes)
        self.took_effect("clock jumps")
        self.note(f"  the clock has jumped {minutes} minutes")


class StruckRuns:
    """Runs, which sometimes cannot be written."""

    def __init__(self, machine: Machine) -> None:
        self._world = machine.world

    def begin(self, order: Order, shard: str, at: str) -> None:
        self._world.runs.begin(order, shard, at)

    def count(self, order: Order, shard: str, tally: Tally) -> None:
        if self._world.dice.happens("run not counted"):
            raise Unavailable(retry_after_seconds=1)
        self._world.runs.count(order, shard, tally)

    def finish(self, order: Order, shard: str, tally: Tally, at: str) -> None:
        if self._world.dice.happens("run not counted"):
            raise Unavailable(retry_after_seconds=1)
        self._world.runs.finish(order, shard, tally, at)

    def of(self, sweep: SweepName, day: str) -> Sequence[ShardRun]:
        return self._world.runs.of(sweep, day)
