"""What no store can write is refused when it is decided, with the rule that decided it in the traceback."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar

import pytest

from chalicelib.accounts.models import Account
from chalicelib.invoices.models import Invoice
from chalicelib.ledger.models import ACTIONS_MAX, Change, FieldSet, Key, Record, Unwritable
from chalicelib.payment_methods.models import PaymentMethodRecord
from chalicelib.payments.models import Payment
from tests.ledger.records import a_payment, an_account, an_entry, an_invoice
from tests.support.builders import NOW

INVOICE = Key(Invoice, "acc_one", "inv_1")


class Note(Record):
    """A record with an index attribute a test can choose."""

    table: ClassVar[str] = "notes"
    sort_field: ClassVar[str | None] = "note_id"
    derived_fields: ClassVar[tuple[str, ...]] = ("by",)

    note_id: str
    author: str = "anna"

    def derived(self) -> dict[str, str]:
        return {"by": self.author}


def test_a_change_of_a_hundred_records_is_taken_and_of_one_more_refused() -> None:
    entries = tuple(an_entry(sequence) for sequence in range(1, ACTIONS_MAX + 1))
    assert len(Change(an_account(), puts=entries[:-1]).puts) == 99
    with pytest.raises(Unwritable, match="at most 100 records, not 101"):
        Change(an_account(), puts=entries)


@pytest.mark.parametrize(
    "twice",
    [
        {"puts": (an_entry(1), an_entry(1, other=True))},
        {"puts": (an_invoice("inv_1"),), "sets": (FieldSet(INVOICE, {"status": "paid"}),)},
        {"puts": (an_invoice("inv_1"),), "deletes": (INVOICE,)},
        {"sets": (FieldSet(INVOICE, {"status": "paid"}), FieldSet(INVOICE, {"number": "N-1"}))},
        {"sets": (FieldSet(Key(Account, "acc_one"), {"credit_minor": 1}),)},
        {"deletes": (Key(Account, "acc_one"),)},
    ],
)
def test_a_change_names_no_record_twice(twice: dict[str, Any]) -> None:
    with pytest.raises(Unwritable, match="twice"):
        Change(an_account(), **twice)


@pytest.mark.parametrize(
    "foreign",
    [
        {"puts": (an_invoice("inv_1", "acc_two"),)},
        {"sets": (FieldSet(Key(Invoice, "acc_two", "inv_1"), {"status": "paid"}),)},
        {"deletes": (Key(Invoice, "acc_two", "inv_1"),)},
    ],
)
def test_a_change_writes_nothing_of_another_account(foreign: dict[str, Any]) -> None:
    with pytest.raises(Unwritable, match="one account"):
        Change(an_account(), **foreign)


@pytest.mark.parametrize("name", ["surprise", "surprise.inside", "account_id", "invoice_id"])
def test_a_set_names_only_fields_the_record_has_and_not_its_key(name: str) -> None:
    with pytest.raises(Unwritable, match=f"invoices.{name} cannot be set"):
        FieldSet(INVOICE, {name: "x"})


def test_a_set_leaves_index_attributes_to_the_record() -> None:
    with pytest.raises(Unwritable, match="time_key cannot be set"):
        FieldSet(Key(Payment, "acc_one", "pay_A"), {"time_key": "x"})


def test_a_set_on_a_payment_method_may_name_a_field_of_its_kind() -> None:
    key = Key(PaymentMethodRecord, "acc_one", "pm_A")
    FieldSet(key, {"status": "removed", "expires_year": 2031, "billing_details.name": "Anna"})
    with pytest.raises(Unwritable):
        FieldSet(key, {"expires": 2031})


def test_a_set_needs_a_field_and_not_one_inside_another() -> None:
    with pytest.raises(Unwritable):
        FieldSet(INVOICE, {})
    with pytest.raises(Unwritable, match="in part"):
        FieldSet(INVOICE, {"payments": {}, "payments.pay_A": 1})
    FieldSet(INVOICE, {"payments.pay_A": 1, "payments.pay_AB": 2})


NOT_KEPT = [1.0, Decimal(1), float("nan"), NOW, date(2026, 1, 1), b"x", {1}, 10**38, -(10**38), object()]


@pytest.mark.parametrize("value", NOT_KEPT, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("wrap", [lambda v: v, lambda v: [v], lambda v: {"a": {"b": v}}], ids=["", "listed", "nested"])
def test_a_set_keeps_plain_values_only(value: Any, wrap: Any) -> None:
    with pytest.raises(Unwritable, match=r"invoices\.payments"):
        FieldSet(INVOICE, {"payments": wrap(value)})


@pytest.mark.parametrize("value", [1.5, 10**38, {"a": [0.1]}, {"": 1}])
def test_a_record_keeps_plain_values_only(value: Any) -> None:
    with pytest.raises(Unwritable, match=r"activity\.facts\.amount"):
        an_entry(1, amount=value).item()


@pytest.mark.parametrize("value", [None, True, 0, -1, 10**38 - 1, "", "x", [], {}, [{"a": [None, 1]}]])
def test_plain_values_are_kept(value: Any) -> None:
    assert an_entry(1, amount=value).item()["facts"] == {"amount": value}
    assert FieldSet(INVOICE, {"payments": value}).values == {"payments": value}


@pytest.mark.parametrize("text", ["", "x" * 1025, "\ud800"], ids=["empty", "long", "surrogate"])
def test_a_record_whose_key_no_store_takes_is_unwritable(text: str) -> None:
    with pytest.raises(Unwritable, match="needs 1 to 1024 bytes"):
        Note(account_id=text, note_id="n").item()
    with pytest.raises(Unwritable, match="needs 1 to 1024 bytes"):
        Note(account_id="acc_one", note_id=text).item()


@pytest.mark.parametrize("text", ["", "x" * 1025])
def test_a_record_whose_index_attribute_no_index_takes_is_unwritable(text: str) -> None:
    with pytest.raises(Unwritable, match=r"notes\.by is a key"):
        Note(account_id="acc_one", note_id="n", author=text).item()


def test_a_refusal_names_the_field_and_not_its_value() -> None:
    with pytest.raises(Unwritable) as refusal:
        FieldSet(INVOICE, {"number": Decimal("4711.99")})
    assert "4711" not in str(refusal.value)


def test_what_is_not_set_is_not_stored() -> None:
    assert "voided_at" not in an_invoice("inv_1").item()
    assert "gateway_reference" not in a_payment("pay_A").item(), "an index on it stays sparse"


def test_an_instant_is_stored_at_fixed_width() -> None:
    assert an_invoice("inv_1", created_at=datetime.fromisoformat("2026-01-02T03:04:05+01:00")).item()["created_at"] == (
        "2026-01-02T02:04:05.000Z"
    )
