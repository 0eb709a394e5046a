"""The fullest account a stage may allow still fits one DynamoDB item, and its largest settlement one transaction.

Settling must never fail for size: the money is taken by then.
"""

from collections.abc import Iterator
from typing import Any

import annotated_types
import pytest

from chalicelib.accounts.models import Account
from chalicelib.core.ids import derived_id
from chalicelib.core.money import MINOR_MAX
from chalicelib.gateways.port import Approved
from chalicelib.ledger.dynamodb import Ledger
from chalicelib.ledger.marshalling import marshal
from chalicelib.ledger.models import ACTIONS_MAX, Change, Item, Unwritable
from chalicelib.payments.models import Allocation, Payment
from chalicelib.payments.settling import settle
from chalicelib.setting_groups import Limits
from tests.support.builders import NOW, POLICY, a_method, a_payment, an_account, owed, suspended_account
from tests.support.engines import Engine

ITEM_BYTES_MAX = 400 * 1024
NUMBER = "ABCDEF-00001"


@pytest.fixture(scope="module")
def ledger(moto: Engine) -> Iterator[Ledger]:
    with moto.tables() as prefix:
        # moto takes seconds for an item this large: Paydesk's own client would not wait for it.
        yield Ledger(moto.client, prefix)


def ceiling(limit: str) -> int:
    """The most a stage may set a limit to."""
    (most,) = (bound.le for bound in Limits.model_fields[limit].metadata if isinstance(bound, annotated_types.Le))
    assert isinstance(most, int)
    return most


def fullest_account(open_invoices: int, pending: int, invoices_per_payment: int) -> Account:
    """Everything at its most, even payments beyond what is owed: invoices may be voided and others issued meanwhile."""
    invoice_ids = [f"inv_20260302_{derived_id('x', str(number))[2:]}" for number in range(open_invoices)]
    return an_account(
        {invoice_id: owed(MINOR_MAX, number=NUMBER) for invoice_id in invoice_ids},
        pending=[
            fullest_payment(
                number, [invoice_ids[(number * invoices_per_payment + i) % open_invoices] for i in range(90)]
            )
            for number in range(pending)
        ],
        name="Ä" * 200,
        invoice_recipients=tuple(f"{'x' * 240}{number:03d}@example.com" for number in range(ceiling("recipients"))),
        default_method=a_method("pm_DEFAULT"),
        method_attempts=(NOW,) * ceiling("method_attempts_per_day"),
        cooldowns={f"sandbox_visa_{number:04d}": NOW for number in range(ceiling("methods"))},
    )


def fullest_payment(number: int, invoice_ids: list[str], **fields: Any) -> Payment:
    return a_payment(
        derived_id("pay", str(number)),
        {},
        amount_minor=MINOR_MAX,
        gateway_reference="x" * 100,
        allocations=tuple(Allocation(invoice_id=i, number=NUMBER, amount_minor=MINOR_MAX) for i in invoice_ids),
        **fields,
    )


def stored_bytes(item: Item) -> int:
    """As AWS counts an item: names and values in UTF-8, two digits of a number to a byte, a little per container."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in marshal(item).items())


def _value_bytes(attribute: dict[str, Any]) -> int:
    ((kind, value),) = attribute.items()
    match kind:
        case "S":
            return len(value.encode())
        case "N":
            return len(value) // 2 + 2
        case "L":
            return 3 + sum(1 + _value_bytes(element) for element in value)
        case "M":
            return 3 + sum(1 + len(name.encode()) + _value_bytes(element) for name, element in value.items())
        case _:
            return 1


@pytest.mark.parametrize("stage", ["as it comes", "at every ceiling"])
def test_the_fullest_account_fits_one_item(ledger: Ledger, stage: str) -> None:
    limits = ("open_invoices", "pending", "invoices_per_payment")
    at_most = [ceiling(name) if stage == "at every ceiling" else getattr(Limits(), name) for name in limits]
    account = fullest_account(*at_most).model_copy(update={"account_id": f"acc_{stage.replace(' ', '_')}"})
    assert stored_bytes(account.item()) < 0.95 * ITEM_BYTES_MAX
    assert ledger.commit(Change(account)) == ledger.get(account.key())


def test_an_account_too_large_for_an_item_is_unwritable(ledger: Ledger) -> None:
    account = fullest_account(2000, 40, 90)
    assert stored_bytes(account.item()) > ITEM_BYTES_MAX
    with pytest.raises(Unwritable):
        ledger.commit(Change(account))
    assert ledger.get(account.key()) is None


@pytest.mark.parametrize("status", ["in_flight", "canceled"])
def test_the_largest_settlement_fits_one_transaction(status: str) -> None:
    """Account, payment, its entry, the entry that services are back, and each invoice; in time and late."""
    payment = fullest_payment(0, [f"inv_{number}" for number in range(ceiling("invoices_per_payment"))], status=status)
    overdue = {part.invoice_id: owed(MINOR_MAX, due_in_days=-30) for part in payment.allocations}
    account = suspended_account(overdue, pending=[payment] if status == "in_flight" else [])
    change = settle(account, payment, Approved(reference="ch_1"), NOW, POLICY).change
    assert change
    assert change.account.services.status == "active"
    assert 1 + len(change.puts) + len(change.sets) == 94 <= ACTIONS_MAX
