"""What every ledger promises of its commits and single reads, on each store there is."""

import pytest

from chalicelib.accounts.models import Account
from chalicelib.activity.models import ActivityEntry
from chalicelib.core.clock import format_instant
from chalicelib.invoices.models import Invoice
from chalicelib.ledger.models import Change, FieldSet, Key, Record, Stale, Unwritable
from chalicelib.ledger.port import LedgerPort
from chalicelib.payment_methods.models import PaymentMethodRecord
from chalicelib.payments.models import Payment
from tests.ledger.conftest import Store
from tests.ledger.records import a_card, a_payment, an_account, an_entry, an_invoice
from tests.support.builders import NOW, owed

ACCOUNT = Key(Account, "acc_one")
INVOICE = Key(Invoice, "acc_one", "inv_1")


def open_account(ledger: LedgerPort, *puts: Record) -> Account:
    return ledger.commit(Change(an_account(), puts=puts))


def renamed(account: Account, name: str = "Renamed") -> Account:
    return account.model_copy(update={"name": name})


def test_what_was_never_written_is_not_there(ledger: LedgerPort) -> None:
    assert ledger.get(ACCOUNT) is None
    assert ledger.read(ACCOUNT, INVOICE) == (None, None)


def test_a_new_account_is_read_back_as_written_with_version_one(ledger: LedgerPort) -> None:
    account = an_account(
        invoice_recipients=("billing@example.com",),
        open_invoices={"inv_1": owed()},
        pending=[a_payment("pay_A", status="in_flight", next_check_at=NOW)],
        cooldowns={"account": NOW},
        credit_minor=5,
    )
    written = ledger.commit(Change(account))
    assert ledger.get(ACCOUNT) == written
    assert written == account.model_copy(update={"version": 1, "commit_id": written.commit_id})


@pytest.mark.parametrize(
    "record",
    [an_invoice("inv_1"), a_payment("pay_A"), a_card("pm_A"), an_entry(1, before=None, amounts=[1, -2], paid=True)],
    ids=lambda record: record.table,
)
def test_every_record_is_read_back_as_written(ledger: LedgerPort, record: Record) -> None:
    open_account(ledger, record)
    assert ledger.get(record.key()) == record


def test_every_change_raises_the_version_by_one_under_a_commit_id_of_its_own(ledger: LedgerPort) -> None:
    first = open_account(ledger)
    second = ledger.commit(Change(renamed(first)))
    third = ledger.commit(Change(renamed(second), puts=(an_invoice("inv_1"),)))
    assert [account.version for account in (first, second, third)] == [1, 2, 3]
    assert len({account.commit_id for account in (first, second, third)}) == 3
    assert ledger.get(ACCOUNT) == third


def test_a_change_decided_on_an_older_account_is_stale_and_leaves_nothing(ledger: LedgerPort) -> None:
    old = open_account(ledger)
    current = ledger.commit(Change(renamed(old, "First")))
    for late in (Change(renamed(old, "Late")), Change(renamed(old, "Late"), puts=(an_invoice("inv_1"),))):
        with pytest.raises(Stale):
            ledger.commit(late)
    assert ledger.read(ACCOUNT, INVOICE) == (current, None)


def test_a_change_decided_on_an_account_that_never_was_is_stale(ledger: LedgerPort) -> None:
    standing = open_account(ledger)
    ahead = standing.model_copy(update={"version": 5})
    for change in (Change(ahead), Change(ahead, puts=(an_invoice("inv_1"),))):
        with pytest.raises(Stale):
            ledger.commit(change)
    assert ledger.read(ACCOUNT, INVOICE) == (standing, None)


def test_an_account_cannot_be_opened_twice(ledger: LedgerPort) -> None:
    standing = open_account(ledger)
    for again in (Change(an_account(name="Second")), Change(an_account(name="Second"), puts=(an_invoice("inv_1"),))):
        with pytest.raises(Stale):
            ledger.commit(again)
    assert ledger.read(ACCOUNT, INVOICE) == (standing, None)


def test_an_account_that_is_not_there_cannot_be_changed(ledger: LedgerPort) -> None:
    with pytest.raises(Stale):
        ledger.commit(Change(an_account(version=1)))
    assert ledger.get(ACCOUNT) is None


def test_a_put_sets_and_a_delete_are_written_together(ledger: LedgerPort) -> None:
    account = open_account(ledger, an_invoice("inv_1"), a_card("pm_A"))
    ledger.commit(
        Change(
            renamed(account),
            puts=(a_payment("pay_A"), an_entry(1)),
            sets=(FieldSet(INVOICE, {"status": "paid", "remaining_minor": 0, "payments.pay_A": 12000}),),
            deletes=(Key(PaymentMethodRecord, "acc_one", "pm_A"),),
        )
    )
    paid = an_invoice("inv_1", status="paid", remaining_minor=0, payments={"pay_A": 12000})
    assert ledger.read(ACCOUNT, INVOICE)[1] == paid
    assert ledger.get(Key(Payment, "acc_one", "pay_A")) == a_payment("pay_A")
    assert ledger.get(Key(ActivityEntry, "acc_one", 1)) == an_entry(1)
    assert ledger.get(Key(PaymentMethodRecord, "acc_one", "pm_A")) is None


@pytest.mark.parametrize("refusal", ["a put that would overwrite", "a set on what is not there", "an older account"])
def test_a_refused_change_writes_nothing_of_itself(ledger: LedgerPort, refusal: str) -> None:
    account = open_account(ledger, an_invoice("inv_1"), an_entry(1, first=True), a_card("pm_A"))
    everything = Change(
        renamed(account).model_copy(update={"version": 0 if refusal == "an older account" else 1}),
        puts=(an_invoice("inv_2"), an_entry(1 if refusal == "a put that would overwrite" else 2)),
        sets=(
            FieldSet(INVOICE, {"remaining_minor": 0}),
            *([FieldSet(Key(Invoice, "acc_one", "inv_9"), {"remaining_minor": 0})] if "not there" in refusal else []),
        ),
        deletes=(Key(PaymentMethodRecord, "acc_one", "pm_A"),),
    )
    with pytest.raises(Stale):
        ledger.commit(everything)
    assert ledger.get(ACCOUNT) == account
    assert ledger.records(Invoice, "acc_one", limit=10) == [an_invoice("inv_1")]
    assert ledger.records(ActivityEntry, "acc_one", limit=10) == [an_entry(1, first=True)]
    assert ledger.get(Key(PaymentMethodRecord, "acc_one", "pm_A")) == a_card("pm_A")


def test_deleting_what_is_not_there_is_no_obstacle(ledger: LedgerPort) -> None:
    account = open_account(ledger)
    change = Change(renamed(account), deletes=(Key(PaymentMethodRecord, "acc_one", "pm_A"),))
    assert ledger.commit(change).version == 2


def test_a_set_changes_the_named_fields_and_nothing_else(ledger: LedgerPort) -> None:
    account = open_account(ledger, an_invoice("inv_1", payments={"pay_A": 1, "pay_B": 2}, voided_at=NOW))
    values = {"payments.pay_B": 3, "payments.pay_C": 4, "payments.pay_A": None, "voided_at": None, "number": "N-2"}
    ledger.commit(Change(account, sets=(FieldSet(INVOICE, values),)))
    assert ledger.get(INVOICE) == an_invoice("inv_1", payments={"pay_B": 3, "pay_C": 4}, number="N-2")


def test_a_set_that_only_removes_needs_no_value(ledger: LedgerPort) -> None:
    account = open_account(ledger, an_invoice("inv_1", voided_at=NOW))
    ledger.commit(Change(account, sets=(FieldSet(INVOICE, {"voided_at": None}),)))
    assert ledger.get(INVOICE) == an_invoice("inv_1")


def test_removing_what_is_not_there_changes_nothing(ledger: LedgerPort) -> None:
    account = open_account(ledger, an_invoice("inv_1"))
    ledger.commit(Change(account, sets=(FieldSet(INVOICE, {"voided_at": None, "payments.pay_Z": None}),)))
    assert ledger.get(INVOICE) == an_invoice("inv_1")


def test_a_set_may_name_fields_that_are_reserved_words_of_the_store(ledger: LedgerPort) -> None:
    account = open_account(ledger, an_invoice("inv_1"))
    sets = (FieldSet(INVOICE, {"status": "void", "number": "N-3", "payments.values": 1}),)
    ledger.commit(Change(account, sets=sets))
    assert ledger.get(INVOICE) == an_invoice("inv_1", status="void", number="N-3", payments={"values": 1})


def test_a_set_that_reaches_into_a_map_that_is_not_there_is_unwritable(ledger: LedgerPort) -> None:
    account = open_account(ledger, an_invoice("inv_1"), an_invoice("inv_2"))
    in_order = FieldSet(INVOICE, {"payments.pay_A": 1})
    astray = FieldSet(Key(Invoice, "acc_one", "inv_2"), {"payments.pay_A.amount_minor": 1})
    with pytest.raises(Unwritable):
        ledger.commit(Change(renamed(account), sets=(in_order, astray)))
    assert ledger.read(ACCOUNT, INVOICE) == (account, an_invoice("inv_1"))


def test_one_change_may_write_a_hundred_records(ledger: LedgerPort) -> None:
    entries = tuple(an_entry(sequence) for sequence in range(1, 100))
    assert open_account(ledger, *entries).version == 1
    assert ledger.records(ActivityEntry, "acc_one", limit=200) == list(entries)


def test_a_read_tells_what_is_there_and_what_is_not(ledger: LedgerPort) -> None:
    account = open_account(ledger, an_invoice("inv_1"))
    absent = Key(Payment, "acc_one", "pay_A")
    assert ledger.read(ACCOUNT, absent, INVOICE) == (account, None, an_invoice("inv_1"))


@pytest.mark.parametrize("odd", ["", "x" * 1025, "é" * 513, "\ud800"], ids=["empty", "long", "bytes", "surrogate"])
def test_an_id_that_cannot_be_a_key_finds_nothing(ledger: LedgerPort, odd: str) -> None:
    account = open_account(ledger, an_invoice("inv_1"))
    assert ledger.get(Key(Account, odd)) is None
    assert ledger.get(Key(Invoice, "acc_one", odd)) is None
    assert ledger.read(ACCOUNT, Key(Invoice, "acc_one", odd), INVOICE) == (account, None, an_invoice("inv_1"))
    assert ledger.read(Key(Account, odd), Key(Invoice, odd, "inv_1")) == (None, None)
    assert ledger.records(Invoice, odd, limit=10) == []


def test_an_account_without_a_check_due_is_in_no_index_of_checks(store: Store) -> None:
    account = store.ledger.commit(Change(an_account()))
    assert set(index_attributes(store)) == {"name_initial", "name_key"}

    waiting = {"pay_A": a_payment("pay_A", status="in_flight", next_check_at=NOW)}
    account = store.ledger.commit(Change(account.model_copy(update={"pending": waiting})))
    assert index_attributes(store)["reconcile_due"] == f"{format_instant(NOW)}#acc_one"

    store.ledger.commit(Change(account.model_copy(update={"pending": {}})))
    assert set(index_attributes(store)) == {"name_initial", "name_key"}


def test_index_attributes_follow_the_record_and_are_no_part_of_it(store: Store) -> None:
    account = store.ledger.commit(Change(an_account()))
    written = store.ledger.commit(Change(renamed(account, "Äther GmbH")))
    assert index_attributes(store) == {"name_initial": "ä", "name_key": "äther gmbh\tacc_one"}
    assert store.ledger.get(ACCOUNT) == written


def index_attributes(store: Store) -> dict[str, str]:
    item = store.stored(ACCOUNT)
    assert item
    return {name: item[name] for name in Account.derived_fields if name in item}
