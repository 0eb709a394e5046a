"""The records of tests/support/builders.py as the ledger's tests want them: any number of them, of any account."""

from datetime import timedelta
from typing import Any

from chalicelib.accounts.models import Account
from chalicelib.activity.models import ActivityEntry
from chalicelib.invoices.models import Invoice, InvoiceRequest
from chalicelib.payment_methods.models import Card
from chalicelib.payments.models import Payment
from tests.support import builders
from tests.support.builders import NOW


def an_account(account_id: str = "acc_one", **fields: Any) -> Account:
    return builders.an_account(**{"account_id": account_id, "name": "Nordwind"} | fields)


def an_invoice(invoice_id: str, account_id: str = "acc_one", **fields: Any) -> Invoice:
    return builders.an_invoice(invoice_id, account_id=account_id, **fields)


def a_card(payment_method_id: str, account_id: str = "acc_one") -> Card:
    return builders.a_card(payment_method_id, account_id=account_id)


def a_payment(payment_id: str, account_id: str = "acc_one", minutes: int = 0, **fields: Any) -> Payment:
    """A payment reserved so many minutes after NOW; it succeeded, unless said otherwise."""
    wanted = {"status": "succeeded", "next_check_at": None, "reserved_at": NOW + timedelta(minutes=minutes)}
    return builders.a_payment(payment_id, account_id=account_id, **wanted | fields)


def an_entry(sequence: int, account_id: str = "acc_one", **facts: Any) -> ActivityEntry:
    """An entry of no chain: the ledger keeps entries, it does not seal them."""
    return ActivityEntry(
        account_id=account_id,
        sequence=sequence,
        at=NOW,
        action="payment.succeeded",
        actor="user-anna",
        facts=facts,
        previous_hash="0" * 64,
        hash="1" * 64,
    )


def an_invoice_request(invoice_id: str, account_id: str = "acc_one") -> InvoiceRequest:
    return InvoiceRequest(
        account_id=account_id, invoice_id=invoice_id, made_invoice_id="inv_1", request_fingerprint="issued"
    )
