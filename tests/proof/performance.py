"""One case of a scenario: what befalls whom, played once and looked at whenever something has happened."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from chalicelib import wiring
from chalicelib.accounts.models import Account
from chalicelib.accounts.rules import balance, today_of
from chalicelib.gateways.sandbox import SandboxGateway
from chalicelib.invoices.models import INVOICE_PREFIX, Invoice
from chalicelib.ledger.models import Key
from chalicelib.payments.models import Payment
from chalicelib.payments.service import PayRequest
from tests.proof.books import ALL, Books, flaws
from tests.proof.customers import ANNA, Customer, Told, adding, defaulting_to, paying, told
from tests.proof.process import Fault, Process, faults_of
from tests.proof.scenarios import ByItself, Scenario, Step
from tests.proof.world import World, calm_down
from tests.support.faults import Crash


@dataclass(frozen=True)
class Strike:
    """A fault at one effect of a process, the first being number 0."""

    at: int
    effect: str
    fault: Fault

    def __str__(self) -> str:
        return f"at effect {self.at} ({self.effect}), {self.fault.name}"


def strikes_at(effects: Sequence[str], after: int = -1) -> Iterator[Strike]:
    """Every fault of every effect behind number `after`."""
    for at, effect in enumerate(effects):
        if at > after:
            yield from (Strike(at, effect, fault) for fault in faults_of(effect))


@dataclass(frozen=True)
class Case:
    """What befalls the process that acts first, and what may happen next. `next_strikes`: what befalls the process of
    the first thing that happens next; None: nobody watches it. `meanwhile`: how much of what happens next happens while
    the first process is frozen; None: all of it.
    """

    strikes: tuple[Strike, ...]
    follow_up: tuple[Step, ...]
    next_strikes: tuple[Strike, ...] | None = None
    meanwhile: int | None = None

    def __str__(self) -> str:
        befallen = "; ".join(map(str, self.strikes))
        next_one = "".join(f"; in the next process {strike}" for strike in self.next_strikes or ())
        meanwhile = f"; {self.meanwhile} of it meanwhile" if self.meanwhile is not None else ""
        return f"{befallen}; then {', '.join(self.follow_up)}{next_one}{meanwhile}"


class Performance:
    """One case, played once. `wrong` is all that was wrong at any moment; `first` and `next` are the processes that
    something may befall."""

    def __init__(self, scenario: Scenario, customer: Customer, world: World, case: Case) -> None:
        self.wrong: list[str] = []
        self.first = Process(_faults(case.strikes), self._while_frozen)
        self.next = Process(_faults(case.next_strikes or ()), self._go_on)
        self._scenario = scenario
        self._customer = customer
        self._world = world
        self._watches_next = case.next_strikes is not None
        self._meanwhile = case.meanwhile
        self._steps = deque(case.follow_up)
        self._told: list[Told] = []
        self._looked_at: Books | None = None
        self._found: list[str] = []

    def play(self) -> None:
        try:
            answer = self._scenario.act(self._world.struck_desk(self.first), self._customer, "first")
        except Crash:
            self._look("after the crash")
        else:
            self._hear(answer)
            self._look("after the answer")
            self.wrong += charged_after_all(answer, self.first)
        self._go_on()
        if not (self.first.struck and self.next.struck):
            self.wrong.append("the effect was never reached")
        calm_down(self._world, self._customer.account_id)
        self._look("when all is calm", calm=True)
        if self._scenario.by_itself is not None:
            self._next_days(self._scenario.by_itself)
        self._finish()

    def _while_frozen(self) -> None:
        """Frozen once more, the first process is overtaken by all that is left."""
        self._go_on(self._meanwhile)
        self._meanwhile = None

    def _go_on(self, most: int | None = None) -> None:
        left = len(self._steps) - most if most is not None else 0
        while len(self._steps) > left:
            self._step(self._steps.popleft())

    def _step(self, step: Step) -> None:
        process = self.next if self._watches_next else None
        self._watches_next = False
        desk = self._world.struck_desk(process) if process else self._world.desk
        try:
            answer = self._do(step, desk)
        except Crash:
            self._look(f"after the crash of: {step}")
            return
        if answer is not None and process is not None:
            self.wrong += charged_after_all(answer, process)
        elif answer is not None and step == "retry":
            self._must_be_told_again(answer)
        if answer is not None:
            self._hear(answer)
        self._look(f"after: {step}")

    def _do(self, step: Step, desk: wiring.Desk) -> Told | None:
        match step:
            case "retry":
                return self._scenario.act(desk, self._customer, "first")
            case "new key":
                return self._scenario.act(desk, self._customer, "second")
            case "reconcile":
                self._world.clock.advance(seconds=_PAST_THE_CHECK)
                if self._world.reconcile(self._customer.account_id, desk):
                    self.wrong.append("a check failed")
            case "the customer pays":
                return paying()(desk, self._customer, "by hand")
            case "the customer approves":
                assert isinstance(self._world.gateway, SandboxGateway)
                for key in ("first", "earlier"):
                    self._world.gateway.complete_action(self._customer.payment_id(key), approve=True)
        return None

    def _next_days(self, by_itself: ByItself) -> None:
        """Whatever happened, the runs of the next days do what is left of it, by themselves. Where the card pays
        nothing they try again, unless only the customer can help; and once there is a card that pays, they charge it.
        """
        if by_itself == "charged":
            self._runs_until(lambda: not self._due(), "due, and days of runs have not charged it")
            return
        attempts = self._attempts_of_autopay()
        if by_itself == "tried again":
            more = "due, and days of runs have not tried again"
            self._runs_until(lambda: not self._due() or self._attempts_of_autopay() > attempts, more)
        self._hear(defaulting_to("tok_visa")(self._world.desk, self._customer, ""))
        self._runs_until(lambda: not self._due(), "due, and days of runs have not charged another card")

    def _runs_until(self, done: Callable[[], bool], otherwise: str) -> None:
        """The schedule fires, checks come as they fall due; and again on the next days, as long as need be."""
        for day in range(_DAYS_OF_RUNS):
            if day:
                self._world.clock.advance(seconds=_DAY)
            self._hear(self._scenario.act(self._world.desk, self._customer, "second"))
            calm_down(self._world, self._customer.account_id)
            if done():
                break
        else:
            self.wrong.append(f"lost: {otherwise}")
        self._look("after the runs", calm=True)

    def _due(self) -> list[str]:
        """What is unpaid and due, as the invoices themselves say. All is calm: no payment is on its way."""
        today = self._world.clock.now().date()
        invoices = self._world.ledger.records(Invoice, self._customer.account_id, limit=ALL, prefix=INVOICE_PREFIX)
        return [i.invoice_id for i in invoices if i.status == "unpaid" and i.due_on <= today]

    def _attempts_of_autopay(self) -> int:
        """How many there were; all is calm, and none is under way."""
        ended = self._world.ledger.records(Payment, self._customer.account_id, limit=ALL)
        return sum(payment.trigger == "autopay" for payment in ended)

    def _must_be_told_again(self, answer: Told) -> None:
        """The same request with the same key is told of what it made before, if it made anything."""
        made = {answer.record_id for answer in self._told if answer.what in ("added", "issued")}
        if self._world.looks_at_every_step:
            payment = self._world.books(self._customer.account_id).payment(self._customer.payment_id("first"))
            made |= {payment.payment_id} if payment else set()
        if made and answer.record_id not in made:
            self.wrong.append(f"a retry is told {answer} instead of {made}")

    def _finish(self) -> None:
        """Whatever happened, the customer can pay what is left, and then exactly what was owed is paid."""
        self._world.clock.advance(seconds=_PAST_THE_COOLDOWN)
        account = self._world.ledger.get(Key(Account, self._customer.account_id))
        assert account is not None
        if account.default_method is None:
            self._hear(adding("tok_visa")(self._world.desk, self._customer, "last card"))
        card = self._customer.cards["tok_visa"] if self._scenario.by_itself else None
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
        self.wrong += [f"{when}: {flaw}" for flaw in found]


def _faults(strikes: Sequence[Strike]) -> dict[int, Fault]:
    return {strike.at: strike.fault for strike in strikes}


def charged_after_all(answer: Told, process: Process) -> list[str]:
    """A refusal, and 503, say that nothing was charged."""
    said_no = answer.record_id is None
    return [f"told {answer.what} after a charge"] if said_no and "gateway charge" in process.effects else []


_DAY = 24 * 3600
_DAYS_OF_RUNS = 4
_PAST_THE_CHECK = 301
_PAST_THE_COOLDOWN = 3601
