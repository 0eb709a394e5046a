"""A ledger whose road to the store can be disturbed, and what is tried on it."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from chalicelib.accounts.models import BY_NAME, Account
from chalicelib.invoices.models import Invoice
from chalicelib.ledger.models import Change, Key
from chalicelib.ledger.port import LedgerPort
from tests.ledger.records import an_invoice
from tests.support.faults import Road

ACCOUNT = Key(Account, "acc_one")
INVOICE = Key(Invoice, "acc_one", "inv_1")
NEW_INVOICE = Key(Invoice, "acc_one", "inv_2")


@dataclass(frozen=True)
class Desk:
    """acc_one stands with inv_1. `other` is another writer's ledger on the same tables; its road is free."""

    ledger: LedgerPort
    other: LedgerPort
    road: Road
    sleeps: list[float]

    def account(self) -> Account:
        account = self.other.get(ACCOUNT)
        assert account
        return account

    def somebody_else_commits(self) -> None:
        account = self.account()
        self.other.commit(Change(account.model_copy(update={"credit_minor": account.credit_minor + 1})))


Write = Callable[[Account], Change[Account]]


def only_the_account(account: Account) -> Change[Account]:
    """One conditional put."""
    return Change(account.model_copy(update={"name": "Renamed"}))


def with_an_invoice(account: Account) -> Change[Account]:
    """One transaction."""
    return Change(account.model_copy(update={"name": "Renamed"}), puts=(an_invoice("inv_2"),))


WRITES = pytest.mark.parametrize("write", [only_the_account, with_an_invoice])

READS: dict[str, Callable[[LedgerPort], object]] = {
    "GetItem": lambda ledger: ledger.get(ACCOUNT),
    "TransactGetItems": lambda ledger: ledger.read(ACCOUNT, INVOICE),
    "Query": lambda ledger: ledger.records(Invoice, "acc_one", limit=10),
    "Query of an index": lambda ledger: ledger.find(BY_NAME, "n", limit=10),
    "Scan": lambda ledger: ledger.scan(Account, limit=10),
}
EACH_READ = pytest.mark.parametrize("operation", READS)
