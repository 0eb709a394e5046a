"""What makes Paydesk run: requests that reach a machine, schedules that fire, messages that are delivered."""

from collections.abc import Callable, Iterable

from chalicelib.accounts.models import BY_AUTOPAY, BY_OVERDUE, BY_RECONCILE, BY_RENEWALS
from chalicelib.core.clock import format_instant
from chalicelib.ledger.models import Index
from chalicelib.sweeps.models import SweepName
from chalicelib.wiring import Desk
from tests.simulation.interleaving import Process
from tests.simulation.machine import Machine
from tests.simulation.queue import Message
from tests.simulation.stages import SWEEPS
from tests.simulation.world import World

_RECEIVED_AT_MOST = 5
_PLENTY, _SHORT = 300.0, 20.0
"""Seconds a worker has left."""
_INDEX: dict[SweepName, Index] = {
    "reconcile": BY_RECONCILE,
    "renewals": BY_RENEWALS,
    "autopay": BY_AUTOPAY,
    "overdue": BY_OVERDUE,
}


class Dispatch:
    """`desk` is Paydesk without faults: what schedules do beyond sending messages is nothing that could break."""

    def __init__(self, world: World, desk: Desk) -> None:
        self._world = world
        self._desk = desk
        self._dice = world.dice
        self._machines = [Machine(world) for _ in range(world.dice.at_once)]

    def run(self, name: str, act: Callable[[Machine], None], died: Callable[[], object] = lambda: None) -> None:
        """A machine takes it, once one is free. `died` is called when the process did."""
        while not self._machines:
            self._world.interleaving.let_others()
        machine = self._machines.pop()

        def run() -> None:
            try:
                act(machine)
            finally:
                if process.dead:
                    machine.note("  the process is dead")
                    died()
                machine.process = None
                self._machines.append(machine)

        process = Process(name, run, self._world.clock.now())
        machine.process = process
        self._world.interleaving.start(process)

    def fire(self, sweeps: tuple[SweepName, ...] = SWEEPS) -> None:
        """Schedules fire: perhaps not at all, perhaps twice."""
        for sweep in sweeps:
            if self._dice.threatens("schedule lost"):
                self._world.note("schedule", f"{sweep} does not fire")
                if self._something_is_due(sweep, self._world.queue.shards):
                    self._dice.took_effect("schedule lost")
                continue
            for _ in range(2 if self._dice.happens("schedule twice") else 1):
                self._world.note("schedule", f"{sweep} fires")
                self._desk.sweeps.start(sweep)

    def deliver(self) -> bool:
        """A message reaches a worker, or something happens to it on the way; False when none is ready."""
        dice, waiting = self._dice, self._world.queue.messages
        ready = [message for message in waiting if message.not_before <= self._world.interleaving.turns]
        if not ready:
            return False
        message = ready[0]
        if len(ready) > 1 and dice.threatens("message overtakes"):
            message = dice.any_of(ready[1:])
        if dice.happens("message late"):
            message.not_before = self._world.interleaving.turns + dice.how_many(25)
            self._world.note("queue", f"{message} is late")
            return True
        waiting.remove(message)
        if dice.threatens("message lost to the dead letters"):
            self._world.note("queue", f"{message} is lost to the dead letters")
            if self._something_is_due(message.order.sweep, message.order.shards):
                dice.took_effect("message lost to the dead letters")
            return True
        if message is not ready[0]:
            dice.took_effect("message overtakes")
        if dice.threatens("message twice"):
            again = self._world.interleaving.turns + dice.how_many(10)
            waiting.append(Message(message.order, again, message.received, again=True))
        self._work(message, _SHORT if dice.threatens("worker short of time") else _PLENTY)
        return True

    def run_to_the_end(self, sweep: SweepName) -> None:
        """A schedule fires, and all that waits is worked off."""
        self._desk.sweeps.start(sweep)
        self.work_everything_off()

    def work_everything_off(self) -> None:
        while self._world.queue.messages:
            self._work(self._world.queue.messages.pop(0), _PLENTY)
            self._world.interleaving.let_all_finish()

    def _something_is_due(self, sweep: SweepName, shards: Iterable[str]) -> bool:
        """Whether a run of the sweep would find an account in one of these shards: if not, nobody misses it."""
        index, until = _INDEX[sweep], format_instant(self._world.clock.now())
        find = self._world.store.ledger.find
        return any(find(index, shard, limit=1, until=until) for shard in shards)

    def _work(self, message: Message, seconds_left: float) -> None:
        self._world.note("queue", f"{message} is delivered")
        if message.again:
            self._dice.took_effect("message twice")

        def again() -> None:
            message.received += 1
            if message.received < _RECEIVED_AT_MOST:
                self._world.queue.messages.append(message)

        def act(machine: Machine) -> None:
            sent = machine.outbox.sent
            try:
                worked = machine.desk.sweeps.work(message.order, lambda: seconds_left)
            except Exception as failed:  # noqa: BLE001  # whatever it was, SQS delivers the message again
                machine.note(f"  has failed: {failed}")
                again()
                return
            if machine.outbox.sent > sent:
                self._dice.took_effect("worker short of time")
            if machine.writes_a_diary:
                did = [f"{count} {what}" for what, count in sorted(worked.tally.counts.items()) if count]
                machine.note(f"  has worked it off: {', '.join(did) or 'nothing was due'}")

        self.run(f"worker: {message.order.sweep}", act, died=again)
