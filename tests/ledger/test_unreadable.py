"""A damaged record is told apart, and what is told of it holds nothing of its contents."""

from decimal import Decimal

import pytest

from chalicelib.accounts.models import Account
from chalicelib.core.errors import Broken
from chalicelib.invoices.models import Invoice
from chalicelib.ledger.models import Change, Key
from chalicelib.payments.models import Payment
from tests.ledger.conftest import Store
from tests.ledger.records import an_account, an_invoice

ACCOUNT = Key(Account, "acc_one")
INVOICE = Key(Invoice, "acc_one", "inv_1")


def test_an_unreadable_record_names_its_key_and_fields_but_no_value(store: Store) -> None:
    damaged = an_invoice("inv_1").item() | {"total_minor": "secret-1", "surprise": "secret-2", "lines": "secret-3"}
    store.damage(Invoice, damaged)
    with pytest.raises(Broken) as broken:
        store.ledger.get(INVOICE)
    assert broken.value.code == "unreadable_record"
    assert broken.value.facts == {
        "table": "invoices",
        "account_id": "acc_one",
        "sort": "inv_1",
        "fields": ["lines", "surprise", "total_minor"],
    }
    assert "secret" not in str(broken.value)
    assert broken.value.__cause__ is None
    assert broken.value.__suppress_context__


def test_an_unreadable_record_is_told_by_every_way_to_read_it(store: Store) -> None:
    ledger = store.ledger
    store.damage(Account, an_account().item() | {"surprise": 1})
    store.damage(Invoice, an_invoice("inv_1").item() | {"remaining_minor": "much"})
    with pytest.raises(Broken):
        ledger.read(ACCOUNT, Key(Payment, "acc_one", "pay_A"))
    with pytest.raises(Broken):
        ledger.records(Invoice, "acc_one", limit=10)


def test_a_scan_tells_it_in_its_place_and_hides_no_other(store: Store) -> None:
    sound = store.ledger.commit(Change(an_account(account_id="acc_two")))
    store.damage(Account, an_account().item() | {"surprise": 1})
    found = {type(one): one for one in store.ledger.scan(Account, limit=10)}
    assert found[Account] == sound
    broken = found[Broken]
    assert isinstance(broken, Broken)
    assert (broken.facts["account_id"], broken.facts["fields"]) == ("acc_one", ["surprise"])


def test_a_number_with_a_fraction_is_unreadable_money(store: Store) -> None:
    store.damage(Invoice, an_invoice("inv_1").item() | {"total_minor": Decimal("120.5")})
    with pytest.raises(Broken) as broken:
        store.ledger.get(INVOICE)
    assert broken.value.facts["fields"] == ["total_minor"]


def test_a_newer_deployments_field_is_refused_rather_than_lost(store: Store) -> None:
    store.damage(Account, an_account().item() | {"loyalty_points": 7})
    with pytest.raises(Broken) as broken:
        store.ledger.get(ACCOUNT)
    assert broken.value.facts["fields"] == ["loyalty_points"]


@pytest.mark.parametrize("version", [0, 2, "1"])
def test_an_account_of_another_version_is_refused_rather_than_misread(store: Store, version: object) -> None:
    """What was left out of it stands for other defaults than today's (docs/decisions/0010)."""
    store.damage(Account, an_account().item() | {"schema_version": version})
    with pytest.raises(Broken) as broken:
        store.ledger.get(ACCOUNT)
    assert broken.value.code == "unreadable_record"
    assert broken.value.facts["fields"] == ["schema_version"]
