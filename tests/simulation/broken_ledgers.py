"""Ledgers that are broken on purpose."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from chalicelib.accounts.models import Account
from chalicelib.accounts.rules import today_of
from chalicelib.activity.models import ActivityEntry
from chalicelib.ledger.memory import MemoryLedger
from chalicelib.ledger.models import A, Change, DueWork, Key, R, Record, nothing_due
from chalicelib.payment_methods.models import PaymentMethodRecord
from chalicelib.payments.models import Payment
from chalicelib.subscriptions.models import Subscription


class Unguarded(MemoryLedger):
    """Takes whatever was decided on an account that has changed since, over whatever stands there."""

    def commit(self, change: Change[A]) -> A:
        for record in change.puts:
            self._items.pop(record.key().place, None)
        standing = self.get(Key(type(change.account), change.account.account_id))
        newest = change.account.model_copy(update={"version": standing.version if standing else 0})
        return super().commit(replace(change, account=newest))


class HalfWritten(MemoryLedger):
    """Writes the account and forgets what it should have set beside it."""

    def commit(self, change: Change[A]) -> A:
        return super().commit(replace(change, sets=()))


class LosesItsTemper(MemoryLedger):
    """Raises what no ledger may when a declined payment is to be written: services report it and go on."""

    def commit(self, change: Change[A]) -> A:
        if any(isinstance(record, Payment) and record.status == "declined" for record in change.puts):
            raise RuntimeError("a ledger's own defect")
        return super().commit(change)


def forgetting(sweep: str) -> type[MemoryLedger]:
    """A ledger whose index for one sweep is never written."""

    class Forgets(MemoryLedger):
        def commit(self, change: Change[A]) -> A:
            written = super().commit(change)
            place = change.account.key().place
            gone = {f"{sweep}_shard", f"{sweep}_due"}
            self._items[place] = {name: value for name, value in self._items[place].items() if name not in gone}
            return written

    return Forgets


Alter = Callable[[Change[Account], Account], Change[Account]]
"""What is written in place of a change of this account."""


def altering(alter: Alter) -> type[MemoryLedger]:
    """A ledger that writes something else than it is told."""

    class Alters(MemoryLedger):
        def commit(self, change: Change[A]) -> A:
            standing = self.get(Key(Account, change.account.account_id))
            asked: Any = change
            altered: Any = alter(asked, standing) if standing else asked
            written: A = super().commit(altered)
            return written

    return Alters


def with_account(change: Change[Account], **values: object) -> Change[Account]:
    return replace(change, account=change.account.model_copy(update=values))


def forgetting_of_autopay(**values: object) -> Alter:
    """Loses something an account says of autopay."""
    return lambda change, _: with_account(change, autopay=change.account.autopay.model_copy(update=values))


def counting_backwards(change: Change[Account], standing: Account) -> Change[Account]:
    """Counts one attempt of autopay and begins anew."""
    autopay = change.account.autopay
    return (
        with_account(change, autopay=autopay.model_copy(update={"sequence": 0}))
        if standing.autopay.sequence
        else change
    )


def turning_back(change: Change[Account], standing: Account) -> Change[Account]:
    """Makes what waits for somebody a payment under way again."""
    waiting = {i for i, p in standing.pending.items() if p.status in ("parked", "requires_action")}
    pending = {
        i: p.model_copy(update={"status": "in_flight"}) if i in waiting else p
        for i, p in change.account.pending.items()
    }
    return with_account(change, pending=pending)


def losing_payments(change: Change[Account], _: Account) -> Change[Account]:
    """Keeps no record of a payment that ended without money."""
    kept = [r for r in change.puts if not isinstance(r, Payment) or r.status == "succeeded"]
    return replace(change, puts=tuple(kept))


def ending_otherwise(change: Change[Account], _: Account) -> Change[Account]:
    """Calls a payment returned that brought nothing."""
    ended = [
        r.model_copy(update={"status": "returned"}) if isinstance(r, Payment) and r.status == "declined" else r
        for r in change.puts
    ]
    return replace(change, puts=tuple(ended))


def crediting(change: Change[Account], standing: Account) -> Change[Account]:
    """Credits what a payment brings in place of booking it where it was meant to go."""
    for paid in change.puts:
        if isinstance(paid, Payment) and paid.status == "succeeded" and paid.allocations:
            credited = paid.model_copy(update={"allocations": (), "credited_minor": paid.amount_minor})
            put = tuple(credited if record is paid else record for record in change.puts)
            all_credit = standing.credit_minor + paid.amount_minor
            change = with_account(change, open_invoices=standing.open_invoices, credit_minor=all_credit)
            return replace(change, puts=put, sets=())
    return change


def calling_automatic(which: Callable[[Payment, Account], bool]) -> Alter:
    """Writes down a customer's payment as an automatic one."""

    def alter(change: Change[Account], standing: Account) -> Change[Account]:
        begun = {
            payment_id: payment.model_copy(update={"trigger": "autopay"})
            for payment_id, payment in change.account.pending.items()
            if payment_id not in standing.pending and payment.trigger == "manual" and which(payment, standing)
        }
        return with_account(change, pending=change.account.pending | begun)

    return alter


def noticing_twice(change: Change[Account], standing: Account) -> Change[Account]:
    """Counts a notice once more with the next change."""
    overdue = change.account.overdue
    if not overdue.noticed_on or overdue != standing.overdue:
        return change
    again = (*overdue.noticed_on, overdue.noticed_on[-1])
    return with_account(change, overdue=overdue.model_copy(update={"noticed_on": again}))


def noticing_what_is_new(change: Change[Account], standing: Account) -> Change[Account]:
    """Counts the first invoice as a notice about it."""
    for entry in change.puts:
        if isinstance(entry, ActivityEntry) and entry.action == "invoice.issued" and not standing.open_invoices:
            noticed = (today_of(standing, entry.at),)
            return with_account(change, overdue=standing.overdue.model_copy(update={"noticed_on": noticed}))
    return change


def leaving_suspended(change: Change[Account], standing: Account) -> Change[Account]:
    """Brings no services back."""
    return with_account(change, services=standing.services) if standing.services.status == "suspended" else change


def selling_dearer(change: Change[Account], _: Account) -> Change[Account]:
    """A subscription has another price than was agreed."""
    puts: list[Record] = [
        record.model_copy(update={"amount_minor": record.amount_minor + 1})
        if isinstance(record, Subscription)
        else record
        for record in change.puts
    ]
    return replace(change, puts=tuple(puts))


class HidesPending(MemoryLedger):
    """Shows whoever keeps an account's cards no payment that is pending on them."""

    def read(self, *keys: Key[Record]) -> Any:
        account, *others = super().read(*keys)
        about_cards = all(key.record is PaymentMethodRecord for key in keys[1:])
        shown = account.model_copy(update={"pending": {}}) if account and about_cards else account
        return (shown, *others)

    def commit(self, change: Change[A]) -> A:
        asked: Any = change
        actions = [record.action for record in change.puts if isinstance(record, ActivityEntry)]
        standing = self.get(Key(Account, change.account.account_id))
        if standing and any(action.startswith(("payment_method.", "payment_settings.")) for action in actions):
            asked = with_account(asked, pending=standing.pending)
        written: A = super().commit(asked)
        return written


class ForgetsExemptions(MemoryLedger):
    """Keeps who is exempt from suspension, and tells nobody."""

    def __init__(self, *, due_work: DueWork = nothing_due, **others: Any) -> None:
        super().__init__(due_work=lambda account: due_work(_not_exempt(account)), **others)

    def get(self, key: Key[R]) -> R | None:
        found: Any = super().get(key)
        told: R | None = _not_exempt(found) if isinstance(found, Account) else found
        return told

    def commit(self, change: Change[A]) -> A:
        asked: Any = change
        standing = super().get(Key(Account, change.account.account_id))
        actions = {record.action for record in change.puts if isinstance(record, ActivityEntry)}
        if standing and "suspension_exemption.changed" not in actions:
            overdue = asked.account.overdue.model_copy(update={"exempt": standing.overdue.exempt})
            asked = with_account(asked, overdue=overdue)
        written: A = super().commit(asked)
        return written


def _not_exempt(account: Account) -> Any:
    return account.model_copy(update={"overdue": account.overdue.model_copy(update={"exempt": False})})
