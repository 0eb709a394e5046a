"""Runs a scenario once for every effect, every fault that can befall it, and everything that can happen next."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from chalicelib import wiring
from chalicelib.accounts.models import Account
from chalicelib.accounts.rules import balance, today_of
from chalicelib.autopay.rules import invoices_due
from chalicelib.gateways.sandbox import SandboxGateway
from chalicelib.ledger.models import Key
from chalicelib.payments.service import PayRequest
from tests.proof.books import Books, flaws
from tests.proof.customers import ANNA, Customer, Told, adding, new_customer, paying, told
from tests.proof.process import Fault, Process, faults_of
from tests.proof.scenarios import Scenario, Step
from tests.proof.world import SETTINGS, MemoryWorld, Snapshot, World, calm_down
from tests.support.faults import Crash
from tests.support.stack import MONDAY_MORNING

MakeWorld = Callable[[Snapshot], World]
AUTOPAY_POLICY = wiring.autopay_policy(SETTINGS)
NOTHING = Snapshot({}, {}, MONDAY_MORNING)


@dataclass(frozen=True)
class Case:
    at: int
    effect: str
    fault: Fault
    follow_up: tuple[Step, ...]

    def __str__(self) -> str:
        return f"at effect {self.at} ({self.effect}), {self.fault.name}; then {', '.join(self.follow_up)}"


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
        for at, effect in enumerate(effects):
            for fault in faults_of(effect):
                for follow_up in [next(turns)] if one_follow_up_each else self.scenario.follow_ups:
                    yield Case(at, effect, fault, follow_up)

    def play(self, case: Case) -> list[str]:
        """All that is wrong after the case, or was at any moment of it; empty when all is well."""
        return Performance(self.scenario, self.customer, self._make_world(self._before), case).play()


class Performance:
    """One case, played once."""

    def __init__(self, scenario: Scenario, customer: Customer, world: World, case: Case) -> None:
        self._scenario = scenario
        self._customer = customer
        self._world = world
        self._case = case
        self._told: list[Told] = []
        self._wrong: list[str] = []
        self._looked_at: Books | None = None
        self._found: list[str] = []

    def play(self) -> list[str]:
        case, frozen = self._case, self._case.fault.freezes
        process = Process(case.at, case.fault, meanwhile=self._follow_up if frozen else lambda: None)
        try:
            answer = self._scenario.act(self._world.struck_desk(process), self._customer, "first")
        except Crash:
            self._look("after the crash")
        else:
            self._hear(answer)
            self._look("after the answer")
            self._wrong += charged_after_all(answer, process)
        if not process.struck:
            self._wrong.append("the effect was never reached")
        if not frozen:
            self._follow_up()
        calm_down(self._world, self._customer.account_id)
        self._look("when all is calm", calm=True)
        if self._scenario.comes_again:
            self._next_run()
        self._finish()
        return self._wrong

    def _follow_up(self) -> None:
        for step in self._case.follow_up:
            match step:
                case "retry":
                    self._retry()
                case "new key":
                    self._hear(self._scenario.act(self._world.desk, self._customer, "second"))
                case "reconcile":
                    self._world.clock.advance(seconds=_PAST_THE_CHECK)
                    if self._world.reconcile(self._customer.account_id):
                        self._wrong.append("a check failed")
                case "the customer pays":
                    self._hear(paying()(self._world.desk, self._customer, "by hand"))
                case "the customer approves":
                    assert isinstance(self._world.gateway, SandboxGateway)
                    for key in ("first", "earlier"):
                        self._world.gateway.complete_action(self._customer.payment_id(key), approve=True)
            self._look(f"after: {step}")

    def _next_run(self) -> None:
        """Whatever happened, the next run does what is left of it, by itself."""
        attempts = self._attempts_of_autopay()
        self._hear(self._scenario.act(self._world.desk, self._customer, "second"))
        account = self._world.ledger.get(Key(Account, self._customer.account_id))
        assert account is not None
        still_due = invoices_due(account, self._world.clock.now(), AUTOPAY_POLICY)
        if still_due and self._attempts_of_autopay() == attempts:
            self._wrong.append("lost: due, and a run does not see to it")
        calm_down(self._world, self._customer.account_id)
        self._look("after the next run", calm=True)

    def _attempts_of_autopay(self) -> int:
        books = self._world.books(self._customer.account_id)
        payments = [*books.payments, *books.account.pending.values()]
        return sum(payment.trigger == "autopay" for payment in payments)

    def _retry(self) -> None:
        """The same request with the same key: it is told of what it made before, if it made anything."""
        made = {answer.record_id for answer in self._told if answer.what in ("added", "issued")}
        if self._world.looks_at_every_step:
            payment = self._world.books(self._customer.account_id).payment(self._customer.payment_id("first"))
            made |= {payment.payment_id} if payment else set()
        answer = self._scenario.act(self._world.desk, self._customer, "first")
        if made and answer.record_id not in made:
            self._wrong.append(f"a retry is told {answer} instead of {made}")
        self._hear(answer)

    def _finish(self) -> None:
        """Whatever happened, the customer can pay what is left, and then exactly what was owed is paid."""
        self._world.clock.advance(seconds=_PAST_THE_COOLDOWN)
        account = self._world.ledger.get(Key(Account, self._customer.account_id))
        assert account is not None
        if account.default_method is None:
            self._hear(adding("tok_visa")(self._world.desk, self._customer, "last card"))
        card = self._customer.cards["tok_visa"] if self._scenario.comes_again else None
        request = PayRequest(self._customer.account_id, "last", "tests", ANNA, payment_method_id=card)
        self._hear(told(lambda: (self._world.desk.payments.pay(request).payment.status, request.payment_id)))
        self._look("at the end", calm=True, end=True)

    def _hear(self, answer: Told) -> None:
        self._told.append(answer)

    def _look(self, when: str, *, calm: bool = False, end: bool = False) -> None:
        """Compares the books. What was wrong in between still shows at the end: as credit, in the log, in a promise."""
        if not (end or self._world.looks_at_every_step):
            return
        books = self._world.books(self._customer.account_id)
        if books is not self._looked_at or calm:
            self._looked_at = books
            self._found = flaws(books, calm=calm)
        found = list(self._found)
        found += [f"told {answer}, and it is not so" for answer in self._told if not self._scenario.kept(books, answer)]
        if any(entry.action == "payment.succeeded_late" for entry in books.entries):
            found.append("money came for a payment that had ended without it")
        if books.account.credit_minor not in self._scenario.credits_minor:
            found.append(f"credit {books.account.credit_minor}: more was charged than owed")
        if end and balance(books.account, today_of(books.account, books.now)).open_minor:
            found.append("something cannot be paid any more")
        self._wrong += [f"{when}: {flaw}" for flaw in found]


def charged_after_all(answer: Told, process: Process) -> list[str]:
    """A refusal, and 503, say that nothing was charged."""
    said_no = answer.record_id is None
    return [f"told {answer.what} after a charge"] if said_no and "gateway charge" in process.effects else []


_PAST_THE_CHECK = 301
_PAST_THE_COOLDOWN = 3601
