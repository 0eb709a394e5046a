"""One seed is one history: people, schedules and time at work while things go wrong, and then a calm in which all of it
has to come to an end.
"""

import itertools
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from chalicelib import settings as static
from chalicelib import wiring
from chalicelib.accounts.models import Account
from chalicelib.accounts.service import OpenRequest
from chalicelib.core.ids import derived_id
from chalicelib.ledger.due import shard_of
from chalicelib.settings import Settings
from chalicelib.sweeps.models import SweepName
from local.clock import MovableClock, StandingClock
from tests.simulation.diary import Diary
from tests.simulation.dice import Dice
from tests.simulation.interleaving import Interleaving, Process
from tests.simulation.judge import Judge, judged_by
from tests.simulation.machine import Machine
from tests.simulation.people import OPERATOR, WISHES, Ask, Customer, Wish, add_card, choose, issue, resolve
from tests.simulation.promises import Told
from tests.simulation.providers import NewProvider, Sandbox
from tests.simulation.queue import Message, Waiting
from tests.simulation.stores import MemoryStore, Store
from tests.simulation.world import World
from tests.support.memory_desk import ENVIRON

BEGINS = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)
OPERATIONS = 50
"""How much people, schedules and time do in one history, deliveries of messages not counted."""

_SWEEP = {"PAYDESK_SWEEP_THREADS": "1", "PAYDESK_SWEEP_PAGE": "2", "PAYDESK_LIMIT_METHOD_ATTEMPTS_PER_DAY": "100"}
"""One thread: whose turn it is is thrown, not raced for. Small pages: a few accounts need several."""

_NARROW = {
    "PAYDESK_CHECK_SCHEDULE_SECONDS": "300",
    "PAYDESK_COOLDOWN_SCOPE": "payment_method",
    "PAYDESK_COLLECTION_TECHNICAL_RETRIES": "1",
    "PAYDESK_LIMIT_COMMIT_RETRIES": "2",
    "PAYDESK_LIMIT_INVOICES_PER_PAYMENT": "2",
    "PAYDESK_LIMIT_METHODS": "3",
    "PAYDESK_LIMIT_OPEN_INVOICES": "6",
    "PAYDESK_LIMIT_PENDING": "2",
}

STAGES: tuple[Settings, ...] = (
    static.load(ENVIRON | _SWEEP),
    static.load(ENVIRON | _SWEEP | {"PAYDESK_CHECK_SCHEDULE_SECONDS": "300,3600"}),
    static.load(ENVIRON | _SWEEP | _NARROW),
)
"""Stages that differ in how soon a payment is left to a person, and in how much of anything is allowed."""

SWEEPS: tuple[SweepName, ...] = ("reconcile", "renewals", "autopay", "overdue")
_SCHEDULES: dict[str, tuple[SweepName | None, int]] = {
    "renewals run": ("renewals", 3),
    "autopay run": ("autopay", 6),
    "reconcile run": ("reconcile", 7),
    "overdue run": ("overdue", 3),
    "a night passes and all schedules fire": (None, 13),
}
_TIME = {"a little time passes": 12, "the customer decides at the bank": 5}
KINDS_OF_OPERATION: tuple[str, ...] = (*WISHES, *_SCHEDULES, *_TIME)
_WEIGHTS = list(
    itertools.accumulate(
        [weight for _, weight in WISHES.values()] + [weight for _, weight in _SCHEDULES.values()] + list(_TIME.values())
    )
)
_FIRST: tuple[tuple[Ask, str], ...] = (
    (add_card, "add a card"),
    (issue, "issue an invoice"),
    (choose, "choose default and autopay"),
    (issue, "issue an invoice"),
)
_MINUTES = (1, 3, 6, 6, 30, 61, 61, 150, 600, 60 * 26)
_NIGHTS = (1, 1, 1, 2, 2, 3, 6, 8, 15)
_DAY = 24 * 3600
_CHECKS_EVERY = 300
_OUT_OF_ORDER_HOURS_AT_MOST = 40
_LOOKS_AFTER_PARKED = 0.2
_RECEIVED_AT_MOST = 5


def _in_one_shard(first: str) -> tuple[str, ...]:
    """Keys of three accounts: two that share a shard, and one elsewhere."""
    here = shard_of(_account_id(first))
    others = [f"{first}-{number}" for number in range(500)]
    neighbour = next(key for key in others if shard_of(_account_id(key)) == here)
    stranger = next(key for key in others if shard_of(_account_id(key)) != here)
    return first, neighbour, stranger


def _account_id(key: str) -> str:
    return derived_id("acc", "accounts", "open", key)


_KEYS = _in_one_shard("acme")
_NAMES = ("Acme", "Brick", "Cobalt")
_ZONES = ("Europe/Berlin", "America/New_York", "Pacific/Apia")


@dataclass(frozen=True)
class Setting:
    """What a history is played on: the real parts, or others put in their places."""

    new_store: Callable[[Settings], Store] = MemoryStore
    new_provider: NewProvider = Sandbox
    stages: Sequence[Settings] = STAGES
    judged_by: Sequence[Settings] = STAGES


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
        self._operations = operations
        self._told_of = 0
        self.done: Counter[str] = Counter()
        dice = self._dice = Dice(seed, without)
        which = dice.people.randrange(len(setting.stages))
        store = setting.new_store(setting.stages[which])
        clock = MovableClock(StandingClock(BEGINS))
        keys = _KEYS[: dice.people.choice((2, 2, 3))]
        self.world = World(
            settings=setting.stages[which],
            dice=dice,
            clock=clock,
            store=store,
            provider=setting.new_provider(store.charges, clock, dice),
            interleaving=Interleaving(dice),
            diary=Diary(kept=kept),
            look=self._look,
            queue=Waiting({shard_of(_account_id(key)) for key in keys}),
        )
        self._judge: Judge | None = None
        if isinstance(store, MemoryStore):
            self._judge = Judge(store, self.world.provider, clock, judged_by(setting.judged_by[which]))
        self._machines = [Machine(self.world) for _ in range(dice.at_once)]
        self._desk = wiring.build(
            self.world.settings,
            clock=clock,
            ledger=store.ledger,
            gateway=self.world.provider.gateway,
            queue=self.world.queue,
            runs=self.world.runs,
        )
        self._customers = [self._opened(key, name, zone) for key, name, zone in zip(keys, _NAMES, _ZONES, strict=False)]
        self._mended_at: dict[str, int] = {}

    @property
    def account_ids(self) -> list[str]:
        return [customer.account_id for customer in self._customers]

    def play(self) -> Ending:
        """The whole history. It stops at the first thing that is wrong."""
        try:
            self._begin()
            for _ in range(self._operations - sum(self.done.values())):
                if self._wrong:
                    break
                self._operation()
                self._in_between()
            if not self._wrong:
                self._calm()
        finally:
            for process in self.world.interleaving.running:
                self.world.interleaving.kill(process)
            self.world.interleaving.let_all_finish()
        return Ending(
            self._seed,
            self._wrong,
            self._dice.fired,
            self.done,
            self._judge.looks if self._judge else 0,
            self.world.diary.lines,
        )

    @property
    def _wrong(self) -> list[str]:
        return [*(self._judge.found if self._judge else ()), *self.world.interleaving.defects]

    def _look(self, account_id: str) -> None:
        if self._judge is not None and account_id not in self.world.torn:
            self._judge.look(account_id)
            if self.world.diary.kept:
                for flaw in self._judge.found[self._told_of :]:
                    self.world.note("WRONG", flaw)
                self._told_of = len(self._judge.found)

    def _opened(self, key: str, name: str, zone: str) -> Customer:
        request = OpenRequest(key, "opened", OPERATOR, name, currency="EUR", locale="en", time_zone=zone)
        account_id = self._desk.accounts.open(request)[0].account_id
        told = self._judge.told(account_id) if self._judge else Told()
        return Customer(name, account_id, self.world.provider, told)

    def _begin(self) -> None:
        """Each customer comes with a card and an invoice, unless something goes wrong already."""
        for customer in self._customers:
            for ask, kind in _FIRST:
                self._wish(customer, kind, ask(customer, self._account(customer), self._dice.people, self._desk))
                self._in_between()

    def _account(self, customer: Customer) -> Account:
        return self.world.account(customer.account_id)

    def _operation(self) -> None:
        people = self._dice.people
        if people.random() < _LOOKS_AFTER_PARKED and self._resolves():
            return
        kind = people.choices(KINDS_OF_OPERATION, cum_weights=_WEIGHTS)[0]
        if kind in WISHES:
            customer = people.choice(self._customers)
            wish = WISHES[kind][0](customer, self._account(customer), people, self._desk)
            if wish is None:  # nothing there to want that of: something else, then
                self._operation()
            else:
                self._wish(customer, kind, wish)
        elif kind in _SCHEDULES:
            self.done[kind] += 1
            self._schedules(_SCHEDULES[kind][0])
        elif kind == "a little time passes":
            self.done[kind] += 1
            seconds = 60 * people.choice(_MINUTES)
            self._time_passes(seconds)
            if seconds >= _CHECKS_EVERY and people.random() < 0.6:
                self._schedules("reconcile")
        else:
            self._the_customer_decides(people.choice(self._customers))

    def _resolves(self) -> bool:
        """An operator sees to a payment that was left to a person, if there is one."""
        for customer in self._customers:
            wish = resolve(customer, self._account(customer), self._dice.people, self._desk)
            if wish is not None:
                self._wish(customer, "resolve a parked payment", wish)
                return True
        return False

    def _wish(self, customer: Customer, kind: str, wish: Wish | None) -> None:
        """Somebody asks Paydesk for something; None: there is nothing to ask for."""
        if wish is None:
            return
        self.done[kind] += 1
        self._ask(customer, wish)
        if wish.payment_id and self._dice.happens("request sent twice at once"):
            self._ask(customer, wish)
        if self._dice.happens("account unreadable for a while") and customer.account_id not in self.world.torn:
            self.world.tear(customer.account_id)
            self._mended_at[customer.account_id] = self.world.interleaving.turns + self._dice.how_many(30)

    def _ask(self, customer: Customer, wish: Wish) -> None:
        self.world.note(customer.name, wish.says)

        def act(machine: Machine) -> None:
            answer = wish.do(machine.desk)
            machine.note(f"  is told: {answer}")

        self._run(f"{customer.name}: {wish.says.split(' ')[0]}", act)

    def _run(self, name: str, act: Callable[[Machine], None], died: Callable[[], object] = lambda: None) -> None:
        """A machine takes it, once one is free."""
        while not self._machines:
            self.world.interleaving.let_others()
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

        process = Process(name, run, self.world.clock.now())
        machine.process = process
        self.world.interleaving.start(process)

    def _in_between(self) -> None:
        """Others have their turns, messages are worked off, what is late arrives."""
        dice, world = self._dice, self.world
        if dice.happens("gateway out of order for hours"):
            hours = dice.how_many(_OUT_OF_ORDER_HOURS_AT_MOST)
            world.gateway_answers_from = world.clock.now() + timedelta(hours=hours)
            world.note("gateway", f"is out of order for {hours} hours")
        while dice.maybe(0.75) and world.interleaving.let_others():
            pass
        while world.queue.messages and dice.maybe(0.75) and self._deliver():
            pass
        for late in [
            late for late in world.late if dice.maybe(0.4 if late.charge.payment_id in world.closed else 0.03)
        ]:
            world.late.remove(late)
            world.arrive(late)
        for account_id in [name for name, turn in self._mended_at.items() if turn <= world.interleaving.turns]:
            self._mend(account_id)

    def _mend(self, account_id: str) -> None:
        del self._mended_at[account_id]
        if account_id in self.world.torn:
            self.world.mend(account_id)

    def _time_passes(self, seconds: int) -> None:
        """Long enough, whoever is not frozen has come to an end first."""
        if seconds >= _DAY // 2:
            while self.world.interleaving.let_others():
                pass
        self.world.advance(seconds)
        self.world.note("time", f"{seconds // 60} minutes pass")

    def _schedules(self, sweep: SweepName | None) -> None:
        """One fires, or after a night all of them."""
        if sweep is None:
            self._time_passes(_DAY * self._dice.people.choice(_NIGHTS))
        for name in SWEEPS if sweep is None else (sweep,):
            if self._dice.happens("schedule lost"):
                self.world.note("schedule", f"{name} does not fire")
                continue
            for _ in range(2 if self._dice.happens("schedule twice") else 1):
                self.world.note("schedule", f"{name} fires")
                self._desk.sweeps.start(name)

    def _the_customer_decides(self, customer: Customer) -> None:
        self.done["the customer decides at the bank"] += 1
        pending = self._account(customer).pending.values()
        waiting = [payment.payment_id for payment in pending if payment.status == "requires_action"]
        if waiting:
            payment_id, approve = self._dice.people.choice(waiting), self._dice.people.random() < 0.7
            done = self.world.provider.customer_decides(payment_id, approve=approve)
            says = ("approves" if approve else "refuses") if done else "comes too late for"
            self.world.note(customer.name, f"{says} {payment_id} at the bank")
            self._look(customer.account_id)

    def _deliver(self) -> bool:
        """A message reaches a worker; False when none is ready."""
        dice, waiting = self._dice, self.world.queue.messages
        ready = [message for message in waiting if message.not_before <= self.world.interleaving.turns]
        if not ready:
            return False
        message = ready[0]
        if len(ready) > 1 and dice.happens("message overtakes"):
            message = dice.any_of(ready[1:])
        if dice.happens("message late"):
            message.not_before = self.world.interleaving.turns + dice.how_many(25)
            self.world.note("queue", f"{_called(message)} is late")
            return True
        waiting.remove(message)
        if dice.happens("message lost to the dead letters"):
            self.world.note("queue", f"{_called(message)} is lost to the dead letters")
            return True
        if dice.happens("message twice"):
            waiting.append(Message(message.order, self.world.interleaving.turns + dice.how_many(10), message.received))
        self._work(message, 20.0 if dice.happens("worker short of time") else 300.0)
        return True

    def _work(self, message: Message, seconds_left: float) -> None:
        self.world.note("queue", f"{_called(message)} is delivered")

        def again() -> None:
            message.received += 1
            if message.received < _RECEIVED_AT_MOST:
                self.world.queue.messages.append(message)

        def act(machine: Machine) -> None:
            try:
                worked = machine.desk.sweeps.work(message.order, lambda: seconds_left)
            except Exception as failed:  # noqa: BLE001  # whatever it was, SQS delivers the message again
                machine.note(f"  has failed: {failed}")
                again()
                return
            if machine.writes_a_diary:
                machine.note(f"  has worked it off: {dict(worked.tally.counts)}")

        self._run(f"worker: {message.order.sweep}", act, died=again)

    def _calm(self) -> None:
        """Nothing goes wrong any more. Two rounds of all schedules, a day apart, and everything has ended or waits for
        a person, and nothing that is due was forgotten."""
        world = self.world
        self._dice.nothing_goes_wrong_any_more()
        world.note("calm", "nothing goes wrong any more")
        world.calls_refused_by_the_store, world.gateway_answers_from = 0, None
        world.interleaving.let_all_finish()
        for account_id in list(self._mended_at):
            self._mend(account_id)
        self._work_everything_off()
        if world.late:
            world.advance(2 * _CHECKS_EVERY)
            self._desk.sweeps.start("reconcile")
            self._work_everything_off()
        for late in list(world.late):
            world.late.remove(late)
            world.arrive(late)
        for _ in range(0 if self._wrong else 2):
            began = world.clock.now()
            world.advance(_DAY + 1)
            world.note("calm", "a day later all schedules fire")
            for sweep in SWEEPS:
                for _ in range(self._runs_needed(sweep)):
                    self._desk.sweeps.start(sweep)
                    self._work_everything_off()
            self._all_is_settled(began)

    def _runs_needed(self, sweep: SweepName) -> int:
        """One, but for autopay where an account owes more invoices than one payment takes."""
        if sweep != "autopay":
            return 1
        most = max(len(self._account(customer).open_invoices) for customer in self._customers)
        return 1 + most // self.world.settings.limits.invoices_per_payment

    def _work_everything_off(self) -> None:
        while self.world.queue.messages:
            self._work(self.world.queue.messages.pop(0), 300.0)
            self.world.interleaving.let_all_finish()

    def _all_is_settled(self, began: datetime) -> None:
        """What was begun before this round has ended, and nothing is due any more."""
        if self._judge is None:
            return
        for account_id in self.account_ids:
            account = self._judge.look_at_everything(account_id).account
            for payment in account.pending.values():
                if payment.reserved_at < began and payment.status != "parked":
                    self._judge.found.append(f"{account_id}: lost: {payment.payment_id} is still {payment.status}")
            for due in self._judge.due_since(account):
                self._judge.found.append(f"{account_id}: forgotten: {due}")
        self._judge.look_at_charges()


def _called(message: Message) -> str:
    return f"{message.order.sweep} for shards {', '.join(message.order.shards)}"
