"""Invoices: issue, void, read."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from chalicelib.accounts.models import Account
from chalicelib.accounts.rules import today_of
from chalicelib.activity.models import Actor
from chalicelib.core.clock import Clock
from chalicelib.core.errors import Invalid, NotFound
from chalicelib.core.ids import derived_id
from chalicelib.core.paging import Page, cut_page, read_cursor
from chalicelib.invoices.models import INVOICE_PREFIX, REQUEST_PREFIX, Invoice, InvoiceRequest, InvoiceStatus, Line
from chalicelib.invoices.rules import InvoiceDraft, issue, void, voided_invoice
from chalicelib.ledger.models import Change, Key
from chalicelib.ledger.port import Attempts, LedgerPort, until_committed


@dataclass(frozen=True)
class IssueRequest:
    """An invoice an operator wants issued. No `issued_on`: today in the account's time zone."""

    account_id: str
    key: str
    request_fingerprint: str
    actor: Actor
    lines: Sequence[Line]
    due_on: date
    issued_on: date | None = None
    currency: str | None = None


@dataclass(frozen=True)
class InvoiceAndAccount:
    """An invoice beside the account it was read or written with, which knows what pending payments cover of it."""

    invoice: Invoice
    account: Account
    replayed: bool = False


class Invoices:
    def __init__(self, ledger: LedgerPort, clock: Clock, open_invoices_max: int, attempts: Attempts) -> None:
        self._ledger = ledger
        self._clock = clock
        self._open_invoices_max = open_invoices_max
        self._attempts = attempts

    def issue(self, request: IssueRequest) -> InvoiceAndAccount:
        """Issues the invoice, or answers the one this request made before.

        Raises Invalid("wrong_currency" | "invoice_dates" | "limit_reached" | "invoice_total" | "key_reused").
        """
        suffix = derived_id("inv", request.account_id, "invoice", request.key).removeprefix(INVOICE_PREFIX)

        def issued() -> InvoiceAndAccount:
            account, made = self._ledger.read(
                Key(Account, request.account_id), Key(InvoiceRequest, request.account_id, REQUEST_PREFIX + suffix)
            )
            if account is None:
                raise NotFound("not_found")
            if made is not None:
                if made.request_fingerprint != request.request_fingerprint:
                    raise Invalid("key_reused", invoice_id=made.made_invoice_id)
                return replace(self.get(request.account_id, made.made_invoice_id), replayed=True)
            if request.currency not in (None, account.currency):
                raise Invalid("wrong_currency", currency=account.currency)
            now = self._clock.now()
            issued_on = request.issued_on or today_of(account, now)
            if request.due_on < issued_on:
                raise Invalid("invoice_dates", issued_on=issued_on.isoformat(), due_on=request.due_on.isoformat())
            draft = InvoiceDraft(
                # Not strftime: it writes a year before 1000 with fewer digits, and key order is issue order.
                f"{INVOICE_PREFIX}{issued_on.isoformat().replace('-', '')}_{suffix}",
                request.lines,
                issued_on,
                request.due_on,
            )
            invoice, change = issue(account, draft, request.actor, now, self._open_invoices_max)
            marker = InvoiceRequest(
                account_id=account.account_id,
                invoice_id=REQUEST_PREFIX + suffix,
                made_invoice_id=invoice.invoice_id,
                request_fingerprint=request.request_fingerprint,
            )
            # May race: the same request sent twice, a payment using up the credit. The version decides; the loser
            # finds the invoice made, or issues it on the credit that is left.
            account = self._ledger.commit(Change(change.account, puts=(*change.puts, marker)))
            return InvoiceAndAccount(invoice, account)

        return until_committed(self._attempts, issued)

    def void(self, account_id: str, invoice_id: str, actor: Actor) -> InvoiceAndAccount:
        """Voids an unpaid invoice; a void one stays so. Raises Conflict("invoice_not_voidable")."""

        def voided() -> InvoiceAndAccount:
            found = self.get(account_id, invoice_id)
            if found.invoice.status == "void":
                return replace(found, replayed=True)
            now = self._clock.now()
            # May race: a payment being settled on this invoice. The version decides; the loser reads the invoice again.
            account = self._ledger.commit(void(found.account, found.invoice, actor, now))
            return InvoiceAndAccount(voided_invoice(found.invoice, now), account)

        return until_committed(self._attempts, voided)

    def get(self, account_id: str, invoice_id: str) -> InvoiceAndAccount:
        account, invoice = self._ledger.read(Key(Account, account_id), _key(account_id, invoice_id))
        if account is None or invoice is None:
            raise NotFound("not_found")
        return InvoiceAndAccount(invoice, account)

    def list(
        self, account_id: str, *, limit: int, cursor: str | None, status: InvoiceStatus | None
    ) -> tuple[Account, Page[Invoice]]:
        """Newest issue first, all or those of one status."""
        position = read_cursor(cursor, 1)
        account = self._ledger.get(Key(Account, account_id))
        if account is None:
            raise NotFound("not_found")
        invoices = self._ledger.records(
            Invoice,
            account_id,
            limit=limit + 1,
            after=position[0] if position else None,
            newest_first=True,
            prefix=INVOICE_PREFIX,
            where=("status", status) if status else None,
        )
        return account, cut_page(invoices, limit, lambda invoice: invoice.invoice_id)


def _key(account_id: str, invoice_id: str) -> Key[Invoice]:
    """Raises NotFound for an id that is not an invoice's: the table holds request markers beside them."""
    if not invoice_id.startswith(INVOICE_PREFIX):
        raise NotFound("not_found")
    return Key(Invoice, account_id, invoice_id)
