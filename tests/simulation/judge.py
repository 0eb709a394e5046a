"""Looks at the books after every step. A look costs little: only what changed is read, and the log is hashed on from
where it was found in order.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from chalicelib import wiring
from chalicelib.accounts.models import Account
from chalicelib.activity.models import ActivityEntry
from chalicelib.core.clock import Clock, format_instant
from chalicelib.invoices.models import INVOICE_PREFIX, Invoice
from chalicelib.ledger.models import Key
from chalicelib.payment_methods.models import PaymentMethodRecord
from chalicelib.payments.models import Payment
from chalicelib.settings import Settings
from chalicelib.subscriptions.models import Subscription
from tests.proof.books import ALL, Books, flaws, read_books
from tests.simulation.expected import forgotten
from tests.simulation.promises import Rules, Told, broken_by, not_kept
from tests.simulation.providers import Provider
from tests.simulation.stores import MemoryStore


@dataclass
class Case:
    """What the judge knows of one account."""

    books: Books | None = None
    told: Told = field(default_factory=Told)


class Judge:
    """`found` is everything that was ever wrong, in the order it was found."""

    def __init__(self, store: MemoryStore, provider: Provider, clock: Clock, rules: Rules) -> None:
        self.found: list[str] = []
        self.looks = 0
        self._store = store
        self._provider = provider
        self._clock = clock
        self._rules = rules
        self._cases: dict[str, Case] = {}

    def told(self, account_id: str) -> Told:
        return self._cases.setdefault(account_id, Case()).told

    def look(self, account_id: str) -> None:
        """After a step that concerns this account."""
        self.looks += 1
        case = self._cases.setdefault(account_id, Case())
        books = self._books(account_id)
        before = case.books
        wrong = flaws(books, calm=False, verified=before.account.activity if before else None)
        if before is not None and books.account.version == before.account.version + 1:
            wrong += broken_by(before, books, self._rules)
        self._report(account_id, wrong)
        if not wrong:
            case.books = books

    def look_at_everything(self, account_id: str) -> Books:
        """From the first entry on, through the ledger's own methods, and whether every answer was true."""
        books = read_books(self._store.ledger, self._provider.charges(), account_id, self._clock.now())
        wrong = flaws(books, calm=False)
        wrong += not_kept(self._cases.setdefault(account_id, Case()).told, books)
        wrong += self._wrong_in_the_indexes(books.account)
        self._report(account_id, wrong)
        return books

    def look_when_calm(self, account_id: str, began: datetime) -> None:
        """At everything, and whether anything was forgotten: a payment that was pending when this round of schedules
        `began`, unless it is left to a person, or work that is due."""
        books = self.look_at_everything(account_id)
        account, subscriptions = books.account, self._store.ledger.records(Subscription, account_id, limit=ALL)
        old = [payment for payment in account.pending.values() if payment.reserved_at < began]
        lost = [f"lost: {p.payment_id} is still {p.status}" for p in old if p.status != "parked"]
        missed = [*self._due_since(account), *forgotten(books, subscriptions, self._rules.settings)]
        self._report(account_id, lost + [f"forgotten: {what}" for what in missed])

    def look_at_charges(self) -> None:
        """No payment was charged twice, and every charge belongs to an account."""
        for name, row in self._provider.charges().items():
            if name.endswith(" again") and row["state"] == "approved":
                self.found.append(f"{name}: charged under a key that had expired")

    def _due_since(self, account: Account) -> list[str]:
        """Scheduled work of the account that is due and not done: from the account itself and the stage's policies."""
        wanted = account.derived() | dict(self._rules.due_work(account))
        due = {name: value.partition("#")[0] for name, value in wanted.items() if name.endswith("_due")}
        now = format_instant(self._clock.now())
        return [f"{name.removesuffix('_due')} since {at}" for name, at in due.items() if at <= now]

    def _wrong_in_the_indexes(self, account: Account) -> Iterator[str]:
        item = self._store.contents()[Key(Account, account.account_id).place]
        wanted = account.derived() | dict(self._rules.due_work(account))
        for name in Account.derived_fields:
            if item.get(name) != wanted.get(name):
                yield f"index attribute {name} says {item.get(name)}, the account {wanted.get(name)}"

    def _report(self, account_id: str, wrong: list[str]) -> None:
        self.found += [f"{account_id}: {flaw}" for flaw in wrong]

    def _books(self, account_id: str) -> Books:
        items, read = self._store.of(account_id), self._store.read
        account_place, account_item = next(iter(items["accounts"].items()))
        payments = [read(Payment, place, item) for place, item in items.get("payments", {}).items()]
        invoices = [
            read(Invoice, place, item)
            for place, item in items.get("invoices", {}).items()
            if str(place[2]).startswith(INVOICE_PREFIX)
        ]
        methods = [read(PaymentMethodRecord, place, item) for place, item in items.get("payment-methods", {}).items()]
        entries = [read(ActivityEntry, place, item) for place, item in items.get("activity", {}).items()]
        return Books(
            account=read(Account, account_place, account_item),
            payments=payments,
            invoices=invoices,
            methods=methods,
            entries=sorted(entries, key=lambda entry: entry.sequence),
            charges=self._provider.charges(),
            in_reconcile_index="reconcile_due" in account_item,
            now=self._clock.now(),
        )


def judged_by(settings: Settings) -> Rules:
    cooldown = timedelta(seconds=settings.cooldown_seconds)
    return Rules(
        overdue=wiring.overdue_policy(settings),
        autopay=wiring.autopay_policy(settings),
        cooldown=cooldown,
        cooldown_scope=settings.cooldown_scope,
        due_work=wiring.due_work(settings),
        settings=settings,
    )
