"""What must hold between Paydesk's books and the gateway's, whatever happened before.

`flaws` lists what is wrong; nothing should be.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chalicelib.accounts.models import BY_RECONCILE, Account
from chalicelib.accounts.rules import balance, today_of
from chalicelib.activity.models import ActivityEntry, ActivityHead
from chalicelib.activity.rules import first_flaw
from chalicelib.invoices.models import INVOICE_PREFIX, Invoice
from chalicelib.invoices.rules import CREDIT
from chalicelib.ledger.due import shard_of
from chalicelib.ledger.models import Key
from chalicelib.ledger.port import LedgerPort
from chalicelib.payment_methods.models import PaymentMethodRecord
from chalicelib.payment_methods.rules import snapshot
from chalicelib.payments.models import Payment
from chalicelib.payments.moves import PENDING

ALL = 1000
ChargeRows = Mapping[str, Mapping[str, Any]]
"""The gateway's own books: payment id -> row, with `state` and `amount_minor`."""


@dataclass(frozen=True)
class Books:
    """One account, everything it has, and what the gateway says."""

    account: Account
    payments: Sequence[Payment]
    invoices: Sequence[Invoice]
    methods: Sequence[PaymentMethodRecord]
    entries: Sequence[ActivityEntry]
    charges: ChargeRows
    in_reconcile_index: bool
    now: datetime

    def payment(self, payment_id: str) -> Payment | None:
        """The payment with this id, pending or ended."""
        ended = {payment.payment_id: payment for payment in self.payments}
        return self.account.pending.get(payment_id) or ended.get(payment_id)

    def invoice(self, invoice_id: str) -> Invoice | None:
        return next((invoice for invoice in self.invoices if invoice.invoice_id == invoice_id), None)

    @property
    def approved(self) -> dict[str, int]:
        """What the gateway took: payment id -> amount."""
        return {
            payment_id: int(row["amount_minor"])
            for payment_id, row in self.charges.items()
            if row["state"] == "approved" and row["account_id"] == self.account.account_id
        }

    @property
    def succeeded(self) -> dict[str, Payment]:
        return {payment.payment_id: payment for payment in self.payments if payment.status == "succeeded"}


def read_books(ledger: LedgerPort, charges: ChargeRows, account_id: str, now: datetime) -> Books:
    account = ledger.get(Key(Account, account_id))
    assert account is not None
    due = ledger.find(BY_RECONCILE, shard_of(account_id), limit=ALL)
    return Books(
        account=account,
        payments=ledger.records(Payment, account_id, limit=ALL, by="time_key"),
        invoices=ledger.records(Invoice, account_id, limit=ALL, prefix=INVOICE_PREFIX),
        methods=ledger.records(PaymentMethodRecord, account_id, limit=ALL),
        entries=ledger.records(ActivityEntry, account_id, limit=ALL),
        charges=charges,
        in_reconcile_index=any(found == account_id for _, found in due),
        now=now,
    )


def flaws(books: Books, *, calm: bool, verified: ActivityHead | None = None) -> list[str]:
    """Everything that is wrong. `calm`: all crashes are over and all checks are done, so nothing may be pending.
    `verified`: how far the activity log was found in order before; only what follows is hashed again."""
    parts = (_charges, _pending, _invoices, _open_balance, _methods, _log, _services)
    found = [flaw for part in parts for flaw in part(books)]
    found += _chain(books, verified or ActivityHead())
    if calm and books.account.pending:
        found.append(f"lost: still pending {[payment.status for payment in books.account.pending.values()]}")
    return found


def _charges(books: Books) -> Iterator[str]:
    """Paydesk's payments are the gateway's charges, and every cent is on an invoice or credited."""
    account, approved, succeeded = books.account, books.approved, books.succeeded
    if unbooked := set(approved) - set(succeeded) - set(account.pending):
        yield f"charged and not booked: {unbooked}"
    if unfounded := set(succeeded) - set(approved):
        yield f"booked and not charged: {unfounded}"
    owed_minor = sum(invoice.total_minor for invoice in books.invoices if invoice.status != "void")
    on_the_way = [payment for payment_id, payment in account.pending.items() if payment_id in approved]
    parts = [part for payment in on_the_way for part in payment.allocations]
    becomes_credit = sum(part.amount_minor for part in parts if part.invoice_id not in account.open_invoices)
    if sum(approved.values()) > owed_minor + account.credit_minor + becomes_credit:
        yield f"charged twice: {sum(approved.values())} was taken, {owed_minor} was owed"
    for payment_id, payment in succeeded.items():
        if approved.get(payment_id) != payment.amount_minor:
            yield f"booked {payment.amount_minor} of {approved.get(payment_id)} charged: {payment_id}"
        if payment.amount_minor != sum(part.amount_minor for part in payment.allocations) + payment.credited_minor:
            yield f"captured is not allocated + credited: {payment_id}"
    credit = sum(payment.credited_minor for payment in succeeded.values())
    credit -= sum(invoice.payments.get(CREDIT, 0) for invoice in books.invoices)
    if account.credit_minor != credit:
        yield f"the account says {account.credit_minor} credit, its payments {credit}"


def _pending(books: Books) -> Iterator[str]:
    """What is on its way stands in the account and nowhere else, within what is owed, and a check will find it."""
    account = books.account
    if both := set(account.pending) & {payment.payment_id for payment in books.payments}:
        yield f"pending and ended at once: {both}"
    if any(payment.status in PENDING for payment in books.payments):
        yield "a record of a payment that has not ended"
    if any(payment.status not in PENDING for payment in account.pending.values()):
        yield "an ended payment is pending"
    waits_for_a_check = any(payment.next_check_at for payment in account.pending.values())
    if waits_for_a_check is not books.in_reconcile_index:
        yield "no check will find the pending payment" if waits_for_a_check else "a check looks for nothing"
    covered: Counter[str] = Counter()
    for payment in account.pending.values():
        covered.update({part.invoice_id: part.amount_minor for part in payment.allocations})
    for name, amount in covered.items():
        if name not in account.open_invoices:
            invoice = books.invoice(name)
            if invoice is None or invoice.status != "void":
                yield f"{amount} is on its way for {name}, which is paid"
        elif amount > account.open_invoices[name].remaining_minor:
            yield f"{amount} is on its way for {name}, which needs {account.open_invoices[name].remaining_minor}"


def _invoices(books: Books) -> Iterator[str]:
    """No invoice is paid twice: it got what the payments say they brought, and no more than its total."""
    booked: dict[str, dict[str, int]] = {}
    for payment in books.succeeded.values():
        for part in payment.allocations:
            booked.setdefault(part.invoice_id, {})[payment.payment_id] = part.amount_minor
    for invoice in books.invoices:
        name = invoice.invoice_id
        by_payment = {cause: amount for cause, amount in invoice.payments.items() if cause != CREDIT}
        if by_payment != booked.get(name, {}):
            yield f"{name} says it was paid by {by_payment}, the payments say {booked.get(name, {})}"
        if invoice.status == "void":
            if invoice.remaining_minor or invoice.payments:
                yield f"{name} is void and not empty"
        elif invoice.total_minor != invoice.remaining_minor + sum(invoice.payments.values()):
            yield f"{name} of {invoice.total_minor} has {invoice.remaining_minor} left after {invoice.payments}"
        if (invoice.status == "unpaid") is not (invoice.remaining_minor > 0):
            yield f"{name} is {invoice.status} with {invoice.remaining_minor} left"
    numbers = Counter(invoice.number for invoice in books.invoices)
    if twice := [number for number, count in numbers.items() if count > 1]:
        yield f"one number on two invoices: {twice}"


def _open_balance(books: Books) -> Iterator[str]:
    """The account's copy of what is open agrees with the invoices."""
    open_by_account = {name: copy.remaining_minor for name, copy in books.account.open_invoices.items()}
    open_by_invoice = {i.invoice_id: i.remaining_minor for i in books.invoices if i.status == "unpaid"}
    if open_by_account != open_by_invoice:
        yield f"the account says {open_by_account} is open, its invoices {open_by_invoice}"


def _methods(books: Books) -> Iterator[str]:
    """Exactly one default, and it is a method that is there."""
    active = {method.payment_method_id: method for method in books.methods if method.status == "active"}
    account = books.account
    if account.method_count != len(active):
        yield f"the account counts {account.method_count} methods, there are {len(active)}"
    if account.default_method is None:
        if active and not _chosen_to_have_none(books.entries):
            yield "there are methods and none is the default"
    elif account.default_method.payment_method_id not in active:
        yield "the default method is not there"
    elif account.default_method != snapshot(active[account.default_method.payment_method_id]):
        yield "the account's copy of the default method is another"


def _chosen_to_have_none(entries: Sequence[ActivityEntry]) -> bool:
    """Whether the last entry about the default tells that the customer wanted none."""
    for entry in reversed(entries):
        match entry.action:
            case "payment_method.added" if entry.facts["became_default"]:
                return False
            case "payment_settings.changed":
                return "default_payment_method_id" not in entry.facts
            case "payment_method.removed" if "default_payment_method_id" in entry.facts:
                return False
            case "payment_method.removed" if "autopay_enabled" in entry.facts:
                return True
    return False


def _chain(books: Books, verified: ActivityHead) -> Iterator[str]:
    """The chain verifies up to the account's head."""
    head = books.account.activity
    if flaw := first_flaw(books.entries[verified.count :], verified):
        yield f"the activity log breaks: {flaw}"
    last = books.entries[-1] if books.entries else None
    if head != (ActivityHead(count=last.sequence, head_hash=last.hash) if last else ActivityHead()):
        yield "the activity log does not end where the account says"


def _log(books: Books) -> Iterator[str]:
    """The log tells each end of a payment and each invoice once."""
    told = Counter(
        (entry.action, entry.facts["payment_id"]) for entry in books.entries if entry.action.startswith("payment.")
    )
    if twice := [key for key, count in told.items() if count > 1]:
        yield f"the log tells twice: {twice}"
    arrived = {payment_id for action, payment_id in told if action in ("payment.succeeded", "payment.succeeded_late")}
    if arrived != set(books.succeeded):
        yield f"the log tells of money of {arrived}, the payments of {set(books.succeeded)}"
    untold = [
        p for p in books.payments if p.status != "succeeded" and (f"payment.{p.status}", p.payment_id) not in told
    ]
    if untold:
        yield f"the log does not tell how these ended: {untold}"
    issued = Counter(entry.facts["invoice_id"] for entry in books.entries if entry.action == "invoice.issued")
    if issued != Counter(invoice.invoice_id for invoice in books.invoices):
        yield "the log does not tell of each invoice once"


def _services(books: Books) -> Iterator[str]:
    """Suspended services come back in the commit that leaves nothing overdue."""
    account = books.account
    if account.services.status == "suspended" and balance(account, today_of(account, books.now)).overdue_minor == 0:
        yield "suspended with nothing overdue"
