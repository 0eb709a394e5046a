"""Processes that take turns. Each runs in a thread of its own, but only one holds the baton; it hands it over where
its next effect is about to be, to whomever the dice say. So a history is the same every time, and costs no waiting.
"""

import threading
from collections.abc import Callable
from datetime import datetime

from tests.simulation.dice import Dice
from tests.support.faults import Crash

Act = Callable[[], object]


class Turn:
    """Somebody who can hold the baton."""

    def __init__(self) -> None:
        self._baton = threading.Lock()
        self._baton.acquire()

    def wait(self) -> None:
        self._baton.acquire()

    def wake(self) -> None:
        self._baton.release()


class Process(Turn):
    """One run of Paydesk: a request, or a message at work. Dead, it has no effect any more; frozen, it has none until
    the director's turn `frozen_until`."""

    def __init__(self, name: str, act: Act, started: datetime) -> None:
        super().__init__()
        self.name = name
        self.act = act
        self.started = started
        self.dead = False
        self.frozen_until = 0


class _Runner(threading.Thread):
    """A thread that runs one process after another: making one takes longer than most processes."""

    def __init__(self) -> None:
        super().__init__(daemon=True, name="simulation")
        self.next: tuple[Interleaving, Process] | None = None
        self.hired = Turn()
        self.start()

    def run(self) -> None:
        while True:
            self.hired.wait()
            assert self.next is not None
            interleaving, process = self.next
            interleaving.carry_out(process, self)


_idle: list[_Runner] = []


class Interleaving:
    """`defects` are the errors that no process should ever end with."""

    def __init__(self, dice: Dice) -> None:
        self._dice = dice
        self._director = Turn()
        self._running: list[Process] = []
        self.turns = 0
        self.defects: list[str] = []

    @property
    def running(self) -> list[Process]:
        return list(self._running)

    def start(self, process: Process) -> None:
        """The process begins when its turn comes."""
        runner = _idle.pop() if _idle else _Runner()
        runner.next = (self, process)
        self._running.append(process)
        runner.hired.wake()

    def let_others(self) -> bool:
        """The director hands the baton over and gets it back some time; False when nobody can go on."""
        self.turns += 1
        awake = self._awake()
        if not awake:
            return False
        self._hand_over(self._dice.any_of(awake), self._director)
        return True

    def let_all_finish(self) -> None:
        """Until no process is left. Those that are frozen thaw."""
        while self._running:
            for process in self._running:
                process.frozen_until = 0
            self.let_others()

    def kill(self, process: Process) -> None:
        process.dead = True
        process.frozen_until = 0

    def pause(self, process: Process) -> None:
        """Where a process is about to have an effect: others may come first. Raises Crash in a dead one."""
        if not process.dead:
            awake = self._awake()
            if process in awake:
                chosen = self._dice.next_of(process, [*awake, self._director])
            else:
                chosen = self._dice.any_of([*awake, self._director])
            if chosen is not process:
                self._hand_over(chosen, process)
        if process.dead:
            raise Crash

    def freeze(self, process: Process, turns: int) -> None:
        """The process stands still; so many turns of the director later it may go on."""
        process.frozen_until = self.turns + turns
        self.pause(process)

    def carry_out(self, process: Process, runner: _Runner) -> None:
        """For the thread of the process: waits for its first turn, and hands the baton on at its end."""
        process.wait()
        try:
            process.act()
        except Crash:
            process.dead = True
        except BaseException as defect:  # noqa: BLE001  # it ends the history, not this thread
            self.defects.append(f"{process.name} ended with {type(defect).__name__}: {defect}")
        self._running.remove(process)
        _idle.append(runner)
        awake = self._awake()
        (self._dice.any_of(awake) if awake and self._dice.maybe(0.5) else self._director).wake()

    def _awake(self) -> list[Process]:
        return [process for process in self._running if process.frozen_until <= self.turns]

    def _hand_over(self, there: Turn, here: Turn) -> None:
        there.wake()
        here.wait()
