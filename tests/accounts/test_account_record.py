"""The account's one record: its index attributes, and that it fits into an item at all its limits."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from chalicelib.accounts.models import Account
from chalicelib.core.clock import format_instant
from chalicelib.ledger.due import SHARDS, shard_of
from chalicelib.ledger.marshalling import marshal
from chalicelib.payment_methods.models import MethodSnapshot
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


def test_what_stands_at_its_default_is_not_stored() -> None:
    """An account is written with every change, and billed by the KB."""
    assert set(an_account().item()) == {
        *("account_id", "name", "currency", "locale", "time_zone", "services", "request_fingerprint", "created_at"),
        *("schema_version", "name_initial", "name_key"),
    }


def test_what_is_not_stored_means_the_same_for_ever() -> None:
    """Another default would change what accounts say that nobody touched: it takes another schema_version."""
    account = Account.parse({**an_account().item(), "schema_version": 1})
    left_out = {
        "version": 0,
        "commit_id": "",
        "invoice_recipients": (),
        "invoice_count": 0,
        "method_count": 0,
        "subscription_count": 0,
        "method_attempts": (),
        "default_method": None,
        "autopay": {
            "enabled": False,
            "sequence": 0,
            "technical": 0,
            "postponed": 0,
            "next_attempt_at": None,
            "stopped_reason": None,
            "failed_method": None,
            "refused_fingerprints": (),
            "declined_on": None,
            "declines_that_day": 0,
        },
        "open_invoices": {},
        "pending": {},
        "cooldowns": {},
        "overdue": {"noticed_on": (), "exempt": False},
        "credit_minor": 0,
        "next_renewal_on": None,
        "activity": {"count": 0, "head_hash": "0" * 64},
    }
    stored = {"account_id", "name", "currency", "locale", "time_zone", "services", "request_fingerprint", "created_at"}
    assert account.model_dump(exclude={*stored, "schema_version"}) == left_out
    assert account.services.status == "active"


def test_a_pending_payment_is_stored_without_what_its_account_says_and_read_back_whole() -> None:
    card, other = a_method("pm_CARD"), a_method("pm_OTHER")
    pending = [a_payment("pay_1", method=card), a_payment("pay_2", method=other)]
    account = an_account({"inv_1": 100}, default_method=card, pending=pending)
    stored = account.item()["pending"]
    assert ["account_id" in stored[name] for name in ("pay_1", "pay_2")] == [False, False]
    assert ["method" in stored[name] for name in ("pay_1", "pay_2")] == [False, True]
    assert Account.parse(account.item()) == account


@pytest.mark.parametrize("default", [None, a_method("pm_NEW")])
def test_a_pending_payment_keeps_its_method_when_the_default_changes(default: MethodSnapshot | None) -> None:
    card = a_method("pm_CARD")
    account = an_account(default_method=card, pending=[a_payment("pay_1", method=card)])
    changed = Account.parse(account.item()).model_copy(update={"default_method": default})
    assert Account.parse(changed.item()).pending["pay_1"].method == card


@pytest.mark.parametrize("pending", ["torn", {"pay_1": "torn"}, {"pay_1": {}}, {"pay_1": {"method": None}}])
def test_a_damaged_pending_payment_is_refused(pending: object) -> None:
    with pytest.raises(ValidationError):
        Account.parse({**an_account(default_method=a_method()).item(), "pending": pending})


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
