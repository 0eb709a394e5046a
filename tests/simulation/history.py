"""One seed is one history: people, schedules and time at work while things go wrong, and then a calm in which all of it
has to come to an end.
"""

import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from chalicelib import wiring
from chalicelib.accounts.service import OpenRequest
from chalicelib.ledger.due import shard_of
from chalicelib.settings import Settings
from chalicelib.sweeps.models import SweepName
from local.clock import MovableClock, StandingClock
from tests.simulation.diary import Diary
from tests.simulation.dice import Dice
from tests.simulation.dispatch import Dispatch
from tests.simulation.interleaving import Interleaving
from tests.simulation.judge import Judge, judged_by
from tests.simulation.last_payments import pay_all_that_is_left
from tests.simulation.operations import Operations
from tests.simulation.overheard import overheard
from tests.simulation.people import OPERATOR, Customer
from tests.simulation.promises import Told
from tests.simulation.providers import NewProvider, Sandbox
from tests.simulation.queue import Waiting
from tests.simulation.stages import ACCOUNTS, STAGES, SWEEPS, account_id_of, begins
from tests.simulation.stores import MemoryStore, Store
from tests.simulation.world import World

OPERATIONS = 40
"""How much people, schedules and time do in one history, deliveries of messages not counted."""

_OUT_OF_ORDER_HOURS_AT_MOST = 40
_GOES_ON, _IS_DELIVERED, _ARRIVES, _ARRIVES_AFTER_A_CLOSE = 0.75, 0.75, 0.03, 0.4
"""Chances, between two operations: of one more turn for the others, of one more message, of a late charge."""
_DAY, _MONTH = timedelta(days=1), timedelta(days=31)


@dataclass(frozen=True)
class Setting:
    """What a history is played on: the real parts, or others put in their places. `judged_by` are the stages whose
    rules must be kept. `around` puts something in front of Paydesk's services."""

    new_store: Callable[[Settings], Store] = MemoryStore
    new_provider: NewProvider = Sandbox
    stages: Sequence[Settings] = STAGES
    judged_by: Sequence[Settings] = STAGES
    around: Callable[[wiring.Desk], wiring.Desk] = lambda desk: desk


@dataclass
class Ending:
    """How a history ended. Nothing in `found`: nobody was charged twice, and nobody was forgotten."""

    seed: int
    found: list[str]
    fired: Counter[str]
    operations: Counter[str]
    looks: int
    diary: list[str] = field(default_factory=list)


class History:
    """`operations`: how many there are before the calm. `without`: faults that never strike. `kept`: with a diary."""

    def __init__(
        self,
        seed: int,
        setting: Setting = Setting(),
        *,
        operations: int = OPERATIONS,
        without: frozenset[str] = frozenset(),
        kept: bool = False,
    ) -> None:
        self._seed = seed
        self._length = operations
        self._noted = 0
        self._dice = Dice(seed, without)
        which = self._dice.people.randrange(len(setting.stages))
        accounts = ACCOUNTS[: self._dice.people.choice((2, 2, 3))]
        self.world = self._made(setting, setting.stages[which], kept, [key for key, _, _ in accounts])
        store, provider, clock = self.world.store, self.world.provider, self.world.clock
        self._judge: Judge | None = None
        if isinstance(store, MemoryStore):
            self._judge = Judge(store, provider, clock, judged_by(setting.judged_by[which]))
        desk = self._desk = setting.around(
            wiring.build(
                self.world.settings,
                clock=clock,
                ledger=store.ledger,
                gateway=provider.gateway,
                queue=self.world.queue,
                runs=self.world.runs,
            )
        )
        self._customers = [self._opened(desk, *account) for account in accounts]
        self._dispatch = Dispatch(self.world, desk)
        self._operations = Operations(self.world, self._dispatch, self._customers, desk)

    def play(self) -> Ending:
        """The whole history. It stops at the first thing that is wrong."""
        with overheard(self.world.interleaving.defects):
            self._play()
        looks = self._judge.looks if self._judge else 0
        return Ending(self._seed, self._wrong, self._dice.fired, self._operations.done, looks, self.world.diary.lines)

    def _play(self) -> None:
        try:
            for customer, kind in self._operations.first():
                self._operations.ask(customer, kind)
                self._in_between()
            while sum(self._operations.done.values()) < self._length and not self._wrong:
                self._operations.any()
                self._in_between()
            if not self._wrong:
                self._calm()
        except Exception:  # noqa: BLE001  # a history that breaks off tells its seed like any other that is broken
            self.world.interleaving.defects.append(f"the history broke off: {traceback.format_exc()}")
        finally:
            for process in self.world.interleaving.running:
                self.world.interleaving.kill(process)
            self.world.interleaving.let_all_finish()

    @property
    def _wrong(self) -> list[str]:
        return [*(self._judge.found if self._judge else ()), *self.world.interleaving.defects]

    def _made(self, setting: Setting, settings: Settings, kept: bool, keys: Sequence[str]) -> World:
        store, clock = setting.new_store(settings), MovableClock(StandingClock(begins(self._dice.people)))
        return World(
            settings=settings,
            dice=self._dice,
            clock=clock,
            store=store,
            provider=setting.new_provider(store.charges, clock, self._dice),
            interleaving=Interleaving(self._dice),
            diary=Diary(kept=kept),
            look=self._look,
            around=setting.around,
            queue=Waiting({shard_of(account_id_of(key)) for key in keys}),
        )

    def _opened(self, desk: wiring.Desk, key: str, name: str, zone: str) -> Customer:
        request = OpenRequest(key, "opened", OPERATOR, name, currency="EUR", locale="en", time_zone=zone)
        account_id = desk.accounts.open(request)[0].account_id
        told = self._judge.told(account_id) if self._judge else Told()
        return Customer(name, account_id, self.world.provider, told)

    def _look(self, account_id: str) -> None:
        self.world.steps[account_id] += 1
        if self._judge is not None and account_id not in self.world.torn:
            try:
                self._judge.look(account_id)
            except Exception:  # noqa: BLE001  # a service would handle it as an error of its own
                self._judge.found.append(f"{account_id} cannot be looked at: {traceback.format_exc()}")
            self._note_what_is_wrong()

    def _note_what_is_wrong(self) -> None:
        wrong = self._wrong
        for flaw in wrong[self._noted :]:
            self.world.note("WRONG", flaw)
        self._noted = len(wrong)

    def _in_between(self) -> None:
        """Others have their turns, messages are worked off, what is late arrives, what was damaged is mended."""
        dice, world = self._dice, self.world
        if dice.threatens("gateway out of order for hours"):
            hours = dice.how_many(_OUT_OF_ORDER_HOURS_AT_MOST)
            world.breaks_the_gateway_down(world.clock.now() + timedelta(hours=hours))
            world.note("gateway", f"is out of order for {hours} hours")
        while dice.maybe(_GOES_ON) and world.interleaving.let_others():
            pass
        while world.queue.messages and dice.maybe(_IS_DELIVERED) and self._dispatch.deliver():
            pass
        for late in list(world.late):
            if dice.maybe(_ARRIVES_AFTER_A_CLOSE if late.charge.payment_id in world.closed else _ARRIVES):
                world.late.remove(late)
                world.arrive(late)
        for account_id, turn in list(self._operations.mended_at.items()):
            if turn <= world.interleaving.turns:
                self._mend(account_id)

    def _mend(self, account_id: str) -> None:
        del self._operations.mended_at[account_id]
        if account_id in self.world.torn:
            self.world.mend(account_id)

    def _calm(self) -> None:
        """Nothing goes wrong any more. Two rounds of all schedules, a day or a month apart, and everything has ended or
        waits for a person, and nothing that is due was forgotten."""
        later = self._dice.people.choice((_DAY, _MONTH))
        self._come_to_rest()
        for period in (_DAY, later):
            if self._wrong:
                return
            began = self.world.clock.now()
            self.world.advance(int(period.total_seconds()) + 1)
            self.world.note("calm", f"{period.days} days later all schedules fire")
            for sweep in SWEEPS:
                for _ in range(self._runs_needed(sweep)):
                    self._dispatch.run_to_the_end(sweep)
            self._all_is_settled(began)
            self._note_what_is_wrong()
        self._everybody_pays()

    def _everybody_pays(self) -> None:
        self.world.advance(self.world.settings.cooldown_seconds + 1)
        for customer in self._customers:
            wrong = pay_all_that_is_left(self._desk, customer)
            self.world.note(customer.name, "pays all that is left")
            self._look(customer.account_id)
            if wrong and self._judge:
                self._judge.found.append(f"{customer.account_id}: {wrong}")
        self._note_what_is_wrong()

    def _come_to_rest(self) -> None:
        """Whatever is under way ends. What is on its way to the gateway arrives after a check has asked about it."""
        world = self.world
        self._dice.nothing_goes_wrong_any_more()
        world.note("calm", "nothing goes wrong any more")
        world.calls_refused_by_the_store, world.gateway_answers_from = 0, None
        world.interleaving.let_all_finish()
        for account_id in list(self._operations.mended_at):
            self._mend(account_id)
        self._dispatch.work_everything_off()
        if world.late:
            world.advance(2 * world.settings.check_schedule_seconds[0])
            self._dispatch.run_to_the_end("reconcile")
        for late in list(world.late):
            world.late.remove(late)
            world.arrive(late)

    def _runs_needed(self, sweep: SweepName) -> int:
        """One, but for autopay where an account owes more invoices than one payment takes."""
        if sweep != "autopay":
            return 1
        most = max(len(self.world.account(customer.account_id).open_invoices) for customer in self._customers)
        return 1 + most // self.world.settings.limits.invoices_per_payment

    def _all_is_settled(self, began: datetime) -> None:
        """What was begun before this round has ended, and nothing is due any more."""
        if self._judge is not None:
            for customer in self._customers:
                self._judge.look_when_calm(customer.account_id, began)
            self._judge.look_at_charges()
