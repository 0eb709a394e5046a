"""One operation after another, weighted like real use: people ask, schedules fire, time passes."""

import itertools
from collections import Counter
from collections.abc import Sequence

from chalicelib.accounts.models import Account
from chalicelib.sweeps.models import SweepName
from chalicelib.wiring import Desk
from tests.simulation.customers import (
    add_card,
    cancel,
    change_expiry,
    change_subscription,
    choose,
    look,
    pay,
    pay_again,
    remove_card,
)
from tests.simulation.dispatch import Dispatch
from tests.simulation.machine import Machine
from tests.simulation.operators import exempt, issue, resolve, subscribe, void
from tests.simulation.people import Ask, Customer, Wish
from tests.simulation.world import World

WISHES: dict[str, tuple[Ask, int]] = {
    "pay": (pay, 30),
    "pay again under the same key": (pay_again, 8),
    "add a card": (add_card, 8),
    "change a card's expiry": (change_expiry, 4),
    "remove a card": (remove_card, 4),
    "choose default and autopay": (choose, 8),
    "give a payment up": (cancel, 3),
    "look": (look, 3),
    "issue an invoice": (issue, 14),
    "void an invoice": (void, 5),
    "subscribe": (subscribe, 5),
    "change a subscription": (change_subscription, 10),
    "exempt from suspension": (exempt, 1),
    "resolve a parked payment": (resolve, 2),
}
"""Everything people ask, and how often out of all of it."""

_RUNS: dict[str, tuple[SweepName, int]] = {
    "renewals run": ("renewals", 3),
    "autopay run": ("autopay", 6),
    "reconcile run": ("reconcile", 7),
    "overdue run": ("overdue", 3),
}
_TIME = {
    "a night passes and all schedules fire": 13,
    "a little time passes": 12,
}
KINDS_OF_OPERATION: tuple[str, ...] = (*WISHES, *_RUNS, *_TIME, "decide at the bank")
_DRAWN = KINDS_OF_OPERATION[:-1]
_WEIGHTS = list(
    itertools.accumulate(
        [weight for _, weight in WISHES.values()] + [weight for _, weight in _RUNS.values()] + list(_TIME.values())
    )
)
_FIRST = ("add a card", "issue an invoice", "choose default and autopay")
_AND_THEN = ("issue an invoice", "issue an invoice", "subscribe")
_MINUTES = (1, 3, 6, 6, 30, 61, 61, 150, 600, 60 * 26)
_NIGHTS = (1, 1, 1, 2, 2, 3, 6, 8, 15)
"""How many days it is until the next morning that is told of."""
_A_MONTH = range(28, 36)
_IS_A_MONTH = (0.0, 0.0, 0.2, 0.4, 0.8)
"""The chance that it is a month until then: one of these for each history."""
_DAY = 24 * 3600
_CHECKS_EVERY = 300
_LOOKS_AFTER_PARKED = 0.2
_GOES_TO_THE_BANK = 0.3
_LEAVES_THE_PAGE_OPEN = 0.5
_UNREADABLE_AT_MOST = 30
"""Turns of the director."""


class Operations:
    """`done` counts them. `mended_at`: the director's turn at which an account that became unreadable is mended."""

    def __init__(self, world: World, dispatch: Dispatch, customers: Sequence[Customer], desk: Desk) -> None:
        self.done: Counter[str] = Counter()
        self.mended_at: dict[str, int] = {}
        self._at_the_bank: dict[str, Customer] = {}
        self._world = world
        self._dispatch = dispatch
        self._customers = customers
        self._desk = desk
        self._people = world.dice.people
        self._is_a_month = self._people.choice(_IS_A_MONTH)

    def first(self) -> list[tuple[Customer, str]]:
        """What each customer comes with: a card, invoices or a subscription, a choice about autopay."""
        return [(customer, kind) for customer in self._customers for kind in (*_FIRST, self._people.choice(_AND_THEN))]

    def ask(self, customer: Customer, kind: str) -> bool:
        """A customer or operator asks for something of this kind; False when there is nothing to ask for."""
        wish = WISHES[kind][0](customer, self._account(customer), self._people, self._desk)
        if wish is None:
            return False
        self.done[kind] += 1
        self._send(customer, wish)
        if wish.payment_id and self._world.dice.happens("request sent twice at once"):
            self._send(customer, wish)
        account_id = customer.account_id
        if self._world.dice.threatens("account unreadable for a while") and account_id not in self._world.torn:
            self._world.tear(account_id)
            turns = self._world.dice.how_many(_UNREADABLE_AT_MOST)
            self.mended_at[account_id] = self._world.interleaving.turns + turns
        return True

    def any(self) -> None:
        """The next operation, whatever it is."""
        if self._people.random() < _LOOKS_AFTER_PARKED and self._looks_after_what_is_parked():
            return
        if self._people.random() < _GOES_TO_THE_BANK and self._goes_to_the_bank():
            return
        kind = self._people.choices(_DRAWN, cum_weights=_WEIGHTS)[0]
        if kind in WISHES:
            if not self.ask(self._people.choice(self._customers), kind):
                self.any()
            return
        self.done[kind] += 1
        if kind in _RUNS:
            self._dispatch.fire((_RUNS[kind][0],))
        elif kind == "a night passes and all schedules fire":
            is_a_month = self._people.random() < self._is_a_month
            self._time_passes(_DAY * self._people.choice(_A_MONTH if is_a_month else _NIGHTS))
            self._dispatch.fire()
        else:
            self._a_little_time_passes()

    def _looks_after_what_is_parked(self) -> bool:
        return any(self.ask(customer, "resolve a parked payment") for customer in self._customers)

    def _send(self, customer: Customer, wish: Wish) -> None:
        self._world.note(customer.name, wish.says)

        def act(machine: Machine) -> None:
            answer = wish.do(machine.desk)
            machine.note(f"  is told: {answer}")

        self._dispatch.run(f"{customer.name} {wish.says.split(' ')[0]}", act)

    def _account(self, customer: Customer) -> Account:
        return self._world.account(customer.account_id)

    def _a_little_time_passes(self) -> None:
        seconds = 60 * self._people.choice(_MINUTES)
        self._time_passes(seconds)
        if seconds >= _CHECKS_EVERY and self._people.random() < 0.6:
            self._dispatch.fire(("reconcile",))

    def _time_passes(self, seconds: int) -> None:
        """Long enough, whoever is not frozen has come to an end first."""
        if seconds >= _DAY // 2:
            while self._world.interleaving.let_others():
                pass
        self._world.advance(seconds)
        self._world.note("time", f"{seconds // 60} minutes pass")

    def _goes_to_the_bank(self) -> bool:
        """A customer authenticates a payment that waits for it, or refuses to. The bank's page may have stood open for
        long: the payment may have ended meanwhile. False when there is none."""
        for customer in self._customers:
            for payment in self._account(customer).pending.values():
                if payment.status == "requires_action":
                    self._at_the_bank[payment.payment_id] = customer
        if not self._at_the_bank:
            return False
        payment_id = self._people.choice(list(self._at_the_bank))
        if self._people.random() < _LEAVES_THE_PAGE_OPEN:
            return False
        self.done["decide at the bank"] += 1
        self._decides(self._at_the_bank.pop(payment_id), payment_id, approve=self._people.random() < 0.7)
        return True

    def _decides(self, customer: Customer, payment_id: str, *, approve: bool) -> None:
        done = self._world.provider.customer_decides(payment_id, approve=approve)
        says = ("approves" if approve else "refuses") if done else "comes too late for"
        self._world.note(customer.name, f"{says} {payment_id} at the bank")
        self._world.look(customer.account_id)
