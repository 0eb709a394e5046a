"""A proof that cannot fail proves nothing: what is broken on purpose is found, by the same cases and the same books."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.accounts.models import Account, Services
from chalicelib.gateways.port import GatewayPort
from chalicelib.gateways.sandbox import ChargeTable
from chalicelib.ledger.memory import MemoryLedger
from chalicelib.ledger.models import A, Change, Key
from tests.proof.books import Books, flaws
from tests.proof.cases import NOTHING, Rehearsal
from tests.proof.customers import new_customer, paying
from tests.proof.gateways import LooksFirst, NeverTells, TellsOnce
from tests.proof.scenarios import AUTOPAY, PAYMENTS, Scenario
from tests.proof.world import DUE_WORK, MemoryWorld, sandbox
from tests.simulation.messages import ALL_BOOKS, messages_of, told_by

pytestmark = pytest.mark.usefixtures("quiet")


class Unguarded(MemoryLedger):
    """A ledger that takes whatever was decided on an account that has changed since, over whatever stands there."""

    def commit(self, change: Change[A]) -> A:
        for record in change.puts:
            self._items.pop(record.key().place, None)
        standing = self.get(Key(Account, change.account.account_id))
        version = standing.version if standing else 0
        newest = change.account.model_copy(update={"version": version})
        return super().commit(replace(change, account=newest))


class HalfWritten(MemoryLedger):
    """A ledger that writes the account and forgets what stands beside it."""

    def commit(self, change: Change[A]) -> A:
        return super().commit(Change(change.account))


class PutsOffForEver(MemoryLedger):
    """A ledger after which an attempt of autopay that could not be made never comes again, as far as Paydesk knows."""

    def commit(self, change: Change[A]) -> A:
        account: Any = change.account
        if account.autopay.postponed:
            autopay = account.autopay.model_copy(update={"next_attempt_at": datetime(2099, 1, 1, tzinfo=UTC)})
            change = replace(change, account=account.model_copy(update={"autopay": autopay}))
        return super().commit(change)


class ForgetsRetries(MemoryLedger):
    """A ledger after which what autopay was declined for never comes again, as far as Paydesk knows."""

    def commit(self, change: Change[A]) -> A:
        account: Any = change.account
        given_up = {
            invoice_id: invoice.model_copy(update={"given_up": invoice.declines > 0})
            for invoice_id, invoice in account.open_invoices.items()
        }
        return super().commit(replace(change, account=account.model_copy(update={"open_invoices": given_up})))


def found(
    make_gateway: Callable[[ChargeTable], GatewayPort],
    new_store: Callable[[], MemoryLedger],
    scenario: Scenario = PAYMENTS["the whole balance is paid"],
) -> dict[str, str]:
    """Which cases of the scenario show something wrong, and what."""
    rehearsal = Rehearsal(scenario, lambda before: MemoryWorld(before, make_gateway, new_store))
    wrong = {str(case): rehearsal.play(case) for case in rehearsal.cases(rehearsal.effects())}
    return {case: " | ".join(problems) for case, problems in wrong.items() if problems}


def test_nothing_is_found_where_nothing_is_broken() -> None:
    assert found(sandbox, MemoryLedger) == {}


def test_a_close_that_looks_instead_of_fencing_is_found() -> None:
    wrong = found(lambda charges: LooksFirst(sandbox(charges), charges), MemoryLedger)
    thawed = "at effect 2 (gateway charge), the process freezes before it; then reconcile, new key"
    assert "more was charged than owed" in wrong[thawed]
    assert all("freezes before" in case and "reconcile" in case for case in wrong), "and nothing else is to blame"


def test_a_gateway_that_never_tells_is_found() -> None:
    wrong = found(lambda charges: NeverTells(sandbox(charges)), MemoryLedger)
    assert "lost: still pending" in wrong["at effect 2 (gateway charge), the process dies after it; then reconcile"]


def test_a_gateway_that_tells_once_is_found_by_pairs_of_faults_alone() -> None:
    def tells_once(charges: ChargeTable) -> GatewayPort:
        return TellsOnce(sandbox(charges))

    assert found(tells_once, MemoryLedger) == {}
    rehearsal = Rehearsal(PAYMENTS["the whole balance is paid"], lambda before: MemoryWorld(before, tells_once))
    pairs = {str(case): case for case in rehearsal.pairs(rehearsal.effects())}
    case = pairs[
        "at effect 2 (gateway charge), the process dies after it; then reconcile, new key; "
        "in the next process at effect 2 (gateway close), it is done and the answer is lost"
    ]
    assert "charged and not booked" in " | ".join(rehearsal.play(case))


def test_a_ledger_without_a_guard_is_found() -> None:
    wrong = found(sandbox, Unguarded)
    assert "charged twice" in wrong["at effect 1 (store commit), the process freezes before it; then new key"]


def test_a_ledger_that_writes_half_of_a_change_is_found() -> None:
    wrong = found(sandbox, HalfWritten)
    assert "charged and not booked" in wrong["at effect 0 (store read), the process dies before it; then retry"]


def test_an_attempt_of_autopay_that_never_comes_again_is_found() -> None:
    """Whatever Paydesk itself says is due: the invoices say that it was not charged."""
    wrong = found(sandbox, lambda: PutsOffForEver(due_work=DUE_WORK), AUTOPAY["autopay charges"])
    closed = "at effect 2 (gateway charge), the process dies before it; then reconcile"
    assert "lost: due, and days of runs have not charged it" in wrong[closed]
    assert len(wrong) > 10


def test_a_decline_that_is_never_retried_is_found() -> None:
    wrong = found(sandbox, lambda: ForgetsRetries(due_work=DUE_WORK), AUTOPAY["autopay's card is declined"])
    answered = "at effect 2 (gateway charge), the process dies after it; then retry"
    assert "lost: due, and days of runs have not tried again" in wrong[answered]


@pytest.fixture(scope="module")
def sound() -> Books:
    """Books in order: one payment, one more on its way, services suspended."""
    world = MemoryWorld(NOTHING)
    customer = new_customer(world.desk, ("tok_visa", "tok_timeout_then_approved"))
    paying(amount_minor=15_000)(world.desk, customer, "first")
    paying("tok_timeout_then_approved", amount_minor=5_000)(world.desk, customer, "second")
    return world.books(customer.account_id)


Damage = Callable[[Books], Books]


def with_account(**fields: Any) -> Damage:
    return lambda books: replace(books, account=books.account.model_copy(update=fields))


def with_payment(**fields: Any) -> Damage:
    return lambda books: replace(books, payments=[p.model_copy(update=fields) for p in books.payments])


def with_invoices(**fields: Any) -> Damage:
    return lambda books: replace(books, invoices=[i.model_copy(update=fields) for i in books.invoices])


def with_charges(change: Mapping[str, Any]) -> Damage:
    return lambda books: replace(books, charges={key: {**row, **change} for key, row in books.charges.items()})


def with_another_charge(books: Books) -> Books:
    row = {"state": "approved", "amount_minor": 15_000, "account_id": books.account.account_id}
    return replace(books, charges={**books.charges, "pay_another": row})


def suspended_for_nothing(books: Books) -> Books:
    services = Services(status="suspended", since=books.now)
    first_due = replace(books, now=books.now - timedelta(days=30))
    return replace(first_due, account=books.account.model_copy(update={"services": services}))


def with_pending(**fields: Any) -> Damage:
    def damaged(books: Books) -> Books:
        pending = {i: p.model_copy(update=fields) for i, p in books.account.pending.items()}
        return with_account(pending=pending)(books)

    return damaged


def pending_again(books: Books) -> Books:
    ended = {payment.payment_id: payment for payment in books.payments}
    return with_account(pending=books.account.pending | ended)(books)


def covering_more(books: Books) -> Books:
    (pending,) = books.account.pending.values()
    more = tuple(part.model_copy(update={"amount_minor": 500_000}) for part in pending.allocations)
    return with_pending(allocations=more)(books)


def with_default(**fields: Any) -> Damage:
    def damaged(books: Books) -> Books:
        assert books.account.default_method
        return with_account(default_method=books.account.default_method.model_copy(update=fields))(books)

    return damaged


def not_telling(action: str) -> Damage:
    return lambda books: replace(books, entries=[entry for entry in books.entries if entry.action != action])


def telling_again(action: str) -> Damage:
    return lambda books: replace(
        books, entries=[*books.entries, *(entry for entry in books.entries if entry.action == action)]
    )


DAMAGES: dict[str, tuple[Damage, str]] = {
    "a charge nobody knows of": (with_another_charge, "charged and not booked"),
    "a payment that was never charged": (with_charges({"state": "void"}), "booked and not charged"),
    "an amount that differs": (with_charges({"amount_minor": 14_999}), "booked 15000 of 14999"),
    "money neither allocated nor credited": (with_payment(allocations=()), "captured is not allocated + credited"),
    "credit out of nothing": (with_account(credit_minor=5), "the account says 5 credit"),
    "a payment that no check will find": (lambda books: replace(books, in_reconcile_index=False), "no check will find"),
    "a check for nothing": (with_account(pending={}), "a check looks for nothing"),
    "an invoice with too much left": (with_invoices(remaining_minor=1), "left after"),
    "an invoice paid without a payment": (with_payment(status="canceled"), "the payments say {}"),
    "two invoices of one number": (with_invoices(number="1"), "one number on two invoices"),
    "an open balance that is not": (with_account(open_invoices={}), "its invoices"),
    "no default": (with_account(default_method=None), "none is the default"),
    "a default that is gone": (lambda books: replace(books, methods=[]), "the default method is not there"),
    "a wrong count of methods": (with_account(method_count=7), "counts 7 methods"),
    "a log without its end": (lambda books: replace(books, entries=books.entries[:-1]), "does not end where"),
    "a log with a gap": (lambda books: replace(books, entries=books.entries[1:]), "the activity log breaks"),
    "services suspended for nothing": (suspended_for_nothing, "suspended with nothing overdue"),
    "more taken than was owed": (with_charges({"amount_minor": 500_000}), "charged twice"),
    "a payment that is two": (pending_again, "pending and ended at once"),
    "a record of what has not ended": (with_payment(status="processing"), "a payment that has not ended"),
    "an end among what is pending": (with_pending(status="declined"), "an ended payment is pending"),
    "money on its way for what is paid": (with_account(open_invoices={}), "which is paid"),
    "more on its way than is needed": (covering_more, "which needs"),
    "a void invoice with something on it": (with_invoices(status="void"), "is void and not empty"),
    "a paid invoice with something left": (with_invoices(status="paid"), "is paid with"),
    "another copy of the default": (with_default(label="Visa"), "copy of the default method is another"),
    "an end told twice": (telling_again("payment.succeeded"), "the log tells twice"),
    "money the log does not tell of": (not_telling("payment.succeeded"), "the log tells of money of set()"),
    "an end the log does not tell of": (with_payment(status="canceled"), "does not tell how these ended"),
    "an invoice the log does not tell of": (not_telling("invoice.issued"), "does not tell of each invoice once"),
}


def test_sound_books_have_no_flaw(sound: Books) -> None:
    assert flaws(sound, calm=False) == []
    assert [flaw for flaw in flaws(sound, calm=True) if "lost: still pending" not in flaw] == []


@pytest.mark.parametrize(("damage", "told"), DAMAGES.values(), ids=list(DAMAGES))
def test_the_books_show(sound: Books, damage: Damage, told: str) -> None:
    assert told in " | ".join(flaws(damage(sound), calm=False))


def test_every_message_of_the_books_has_a_damage_that_shows_as_it(sound: Books) -> None:
    """`lost` alone is said of payments that are in order, when all is calm: see above."""
    shown = [flaw for damage, _ in DAMAGES.values() for flaw in flaws(damage(sound), calm=True)]
    said = messages_of(ALL_BOOKS)
    assert {message for message in said if not any(told_by(message).fullmatch(flaw) for flaw in shown)} == set()
    assert len(said) > 25
