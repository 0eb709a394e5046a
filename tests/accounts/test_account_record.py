"""The account's one record: its index attributes, and that it fits into an item at all its limits."""

from datetime import timedelta

import pytest

from chalicelib.core.clock import format_instant
from chalicelib.ledger.due import SHARDS, shard_of
from chalicelib.ledger.marshalling import marshal
from chalicelib.payments.models import Payment
from tests.support.builders import ANNA, NOW, a_method, a_payment, an_account, owed

ITEM_BYTES_MAX = 400 * 1024
"""DynamoDB's limit of an item."""


def test_without_a_pending_payment_an_account_is_in_no_reconcile_index() -> None:
    assert set(an_account().derived()) == {"name_initial", "name_key"}


def test_the_earliest_check_of_a_pending_payment_stands_in_the_reconcile_index() -> None:
    pending = [a_payment(f"pay_{n}", next_check_at=NOW + timedelta(minutes=n)) for n in (7, 3, 5)]
    derived = an_account(pending=pending).derived()
    assert derived["reconcile_due"] == f"{format_instant(NOW + timedelta(minutes=3))}#acc_ACME"
    assert derived["reconcile_shard"] == shard_of("acc_ACME")


def test_a_parked_payment_alone_asks_for_no_check() -> None:
    account = an_account(pending=[a_payment(status="parked", next_check_at=None)])
    assert "reconcile_due" not in account.derived()


def test_accounts_spread_over_all_shards_and_always_over_the_same_one() -> None:
    shards = [shard_of(f"acc_{n}") for n in range(3200)]
    counts = {shard: shards.count(shard) for shard in set(shards)}
    assert sorted(counts) == [f"{n:02d}" for n in range(SHARDS)]
    assert min(counts.values()) > 50
    assert shard_of("acc_ACME") == "18", "the shard of an account is kept in indexes: it must never change"


def _longest_payment(number: int, invoices: range) -> Payment:
    covers = {f"inv_20260301_{n:026d}": 1_000_000_000_000 for n in invoices}
    method = a_method(f"pm_{number:026d}", label="American Express •••• 0005", gateway_reference="r" * 100)
    return a_payment(
        f"pay_{number:026d}",
        covers,
        method=method,
        actor=ANNA.model_copy(update={"name": "n" * 254}),
        gateway_reference="g" * 100,
        request_fingerprint="f" * 64,
    )


@pytest.mark.parametrize(("open_invoices", "payments", "each"), [(500, 20, 90)])
def test_an_account_at_all_its_limits_fits_into_one_item(open_invoices: int, payments: int, each: int) -> None:
    invoices = {f"inv_20260301_{n:026d}": owed(10**12, number=f"ABCDEF-{n:05d}") for n in range(open_invoices)}
    pending = [_longest_payment(n, range(each)) for n in range(payments)]
    item = marshal(an_account(invoices, pending=pending).item())
    assert _bytes(item) < ITEM_BYTES_MAX


def _bytes(value: object) -> int:
    """What DynamoDB counts: names and text in UTF-8, a number by its digits, 3 and 1 for a container and an element."""
    match value:
        case {"S": str(text)}:
            return len(text.encode())
        case {"N": str(digits)}:
            return len(digits) // 2 + 2
        case {"M": dict(fields)}:
            return 3 + sum(len(name.encode()) + _bytes(field) + 1 for name, field in fields.items())
        case {"L": list(elements)}:
            return 3 + sum(_bytes(element) + 1 for element in elements)
        case {"BOOL": _} | {"NULL": _}:
            return 1
        case dict(item):
            return sum(len(name.encode()) + _bytes(field) for name, field in item.items())
    raise TypeError(f"no size for {value}")
