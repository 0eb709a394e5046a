"""Any history of an account: whatever people, gateways and clocks do in whatever order, the books balance after each
step, and once it is calm everything ends.
"""

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from chalicelib.core.errors import Broken, PaydeskError
from chalicelib.gateways.instruments import CARDS
from tests.support.builders import BEN, OPERATIONS
from tests.support.interruptions import Happening
from tests.support.memory_desk import MemoryDesk, a_desk
from tests.support.reconciling import reconcile

# All but those no card comes of, and the one whose payments only a person ends.
TOKENS = sorted(t for t, card in CARDS.items() if not card.behaviour.endswith(("_at_attach", "never_answers")))
AMOUNTS = st.none() | st.integers(1, 400)


class AnyHistory(RuleBasedStateMachine):
    """Refusals are part of a history; whatever else is raised fails it."""

    desk: MemoryDesk

    @initialize()
    def open(self) -> None:
        self.desk = a_desk(PAYDESK_LIMIT_METHOD_ATTEMPTS_PER_DAY="100", PAYDESK_COOLDOWN_SECONDS="600")
        self.desk.add_card()
        self.issue(100, 3)

    @rule(amount=st.integers(1, 300), due_in_days=st.integers(-5, 20))
    def issue(self, amount: int, due_in_days: int) -> None:
        self.desk.issue(amount, due_in_days=due_in_days)

    @rule(which=st.integers(0, 30))
    def void(self, which: int) -> None:
        self._trying(lambda: self._void(which))

    @rule(token=st.sampled_from(TOKENS), amount=AMOUNTS, by_schedule=st.booleans())
    def pay(self, token: str, amount: int | None, by_schedule: bool) -> None:
        self._trying(lambda: self._pay(token, amount, by_schedule=by_schedule))

    @rule(token=st.sampled_from(TOKENS), amount=AMOUNTS, meanwhile=st.sampled_from(["void", "pay", "check", "decide"]))
    def pay_while_something_happens_at_the_gateway(self, token: str, amount: int | None, meanwhile: str) -> None:
        happenings: dict[str, Happening] = {
            "void": lambda: self._trying(lambda: self._void(0)),
            "pay": lambda: self._trying(lambda: self._pay("tok_visa", 50, by_schedule=False)),
            "check": self._check_everything,
            "decide": lambda: self.decide(0, approve=True),
        }
        self.desk.charges.before_put.plan(happenings[meanwhile])
        self.pay(token, amount, by_schedule=False)
        self.desk.charges.before_put.clear()

    @rule(token=st.sampled_from(TOKENS), amount=AMOUNTS, commits=st.integers(0, 3))
    def pay_while_somebody_is_faster(self, token: str, amount: int | None, commits: int) -> None:
        faster: Happening = lambda: self._trying(lambda: self._pay("tok_visa", 30, by_schedule=False))  # noqa: E731  # a plan
        self.desk.ledger.before_commit.plan(*[None] * commits, faster)
        self.pay(token, amount, by_schedule=False)
        self.desk.ledger.before_commit.clear()

    @rule(which=st.integers(0, 5), approve=st.booleans())
    def decide(self, which: int, approve: bool) -> None:
        waiting = [p.payment_id for p in self.desk.account().pending.values() if p.status == "requires_action"]
        if waiting:
            self.desk.gateway.complete_action(waiting[which % len(waiting)], approve=approve)

    @rule(which=st.integers(0, 5))
    def cancel(self, which: int) -> None:
        pending = sorted(self.desk.account().pending)
        if pending:
            payment_id = pending[which % len(pending)]
            self._trying(lambda: self.desk.desk.payments.cancel(self.desk.account_id, payment_id, BEN))

    @rule(minutes=st.sampled_from([1, 5, 59, 60, 60 * 24]))
    def time_passes(self, minutes: int) -> None:
        self.desk.advance(minutes=minutes)

    @rule()
    def reconcile(self) -> None:
        reconcile(self.desk.desk)

    @rule(answers=st.booleans())
    def the_gateway_breaks_down_or_recovers(self, answers: bool) -> None:
        (self.desk.charges.in_order if answers else self.desk.charges.out_of_order)()

    @rule()
    def suspend(self) -> None:
        self.desk.suspend()

    @invariant()
    def the_books_balance(self) -> None:
        if hasattr(self, "desk"):
            self.desk.must_balance()

    def teardown(self) -> None:
        """Calm: the gateway answers again and a week passes. Nothing is left pending but what is parked, and that can
        be asked about."""
        if not hasattr(self, "desk"):
            return
        self.desk.charges.in_order()
        for _ in range(9):
            self.desk.advance(days=1)
            reconcile(self.desk.desk)
        self._check_everything()
        assert self.desk.account().pending == {}
        self.desk.must_balance()
        taken = {i for i, row in self.desk.charges.rows.items() if row["state"] == "approved"}
        assert taken == {p.payment_id for p in self.desk.payments() if p.status == "succeeded"}

    def _trying(self, step: Happening) -> None:
        try:
            step()
        except PaydeskError as error:
            if isinstance(error, Broken):
                raise

    def _void(self, which: int) -> None:
        open_invoices = sorted(self.desk.account().open_invoices)
        if open_invoices:
            invoice_id = open_invoices[which % len(open_invoices)]
            self.desk.desk.invoices.void(self.desk.account_id, invoice_id, OPERATIONS)

    def _pay(self, token: str, amount: int | None, *, by_schedule: bool) -> None:
        trigger = "autopay" if by_schedule else "manual"
        card = next((c for c in self._cards() if c[0] == token), None)
        method = card[1] if card else self.desk.add_card(token)
        self.desk.pay(payment_method_id=method, amount_minor=amount, trigger=trigger)

    def _cards(self) -> list[tuple[str, str]]:
        _, page = self.desk.desk.payment_methods.list(self.desk.account_id, limit=100, cursor=None)
        return [(method.gateway_reference.partition(":")[0], method.payment_method_id) for method in page.items]

    def _check_everything(self) -> None:
        for payment_id in sorted(self.desk.account().pending):
            self.desk.desk.payments.check(self.desk.account_id, payment_id)


TestAnyHistory = AnyHistory.TestCase
TestAnyHistory.settings = settings(max_examples=60, stateful_step_count=30)
