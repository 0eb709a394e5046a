"""Opening accounts, finding them, who gets their invoices."""

from dataclasses import replace

import pytest

from chalicelib.accounts.models import Account
from chalicelib.accounts.service import OpenRequest
from chalicelib.activity.models import ActivityEntry
from chalicelib.core.errors import Broken, Invalid, Malformed, NotFound, Unavailable
from chalicelib.core.paging import Page, make_cursor
from chalicelib.ledger.models import Change, Key
from tests.support.builders import ANNA, OPERATIONS
from tests.support.memory_desk import MemoryDesk

NORDWIND = OpenRequest("nordwind", "body", OPERATIONS, "Nordwind", "CHF", "de", "Europe/Zurich", ("ap@example.com",))


def open_accounts(desk: MemoryDesk, *names: str) -> list[str]:
    return [desk.desk.accounts.open(replace(NORDWIND, key=name, name=name))[0].account_id for name in names]


def names(page: Page[Account]) -> list[str]:
    return [account.name for account in page.items]


def test_a_new_account_owes_nothing_and_its_services_are_active(desk: MemoryDesk) -> None:
    account, replayed = desk.desk.accounts.open(NORDWIND)
    assert not replayed
    assert desk.desk.accounts.get(account.account_id) == account
    assert (account.name, account.currency, account.locale) == ("Nordwind", "CHF", "de")
    assert (account.time_zone, account.invoice_recipients) == ("Europe/Zurich", ("ap@example.com",))
    assert (account.services.status, account.open_invoices, account.default_method) == ("active", {}, None)
    assert not account.autopay.enabled


def test_opening_an_account_is_the_first_entry_of_its_log(desk: MemoryDesk) -> None:
    account, _ = desk.desk.accounts.open(NORDWIND)
    entry = desk.ledger.get(Key(ActivityEntry, account.account_id, 1))
    assert entry
    assert (entry.action, entry.actor) == ("account.opened", "user-operations")
    assert (account.activity.count, account.activity.head_hash) == (1, entry.hash)


def test_the_same_request_again_answers_the_account_it_opened(desk: MemoryDesk) -> None:
    first, _ = desk.desk.accounts.open(NORDWIND)
    again, replayed = desk.desk.accounts.open(NORDWIND)
    assert replayed
    assert again == first


def test_a_key_used_for_another_account_is_refused(desk: MemoryDesk) -> None:
    desk.desk.accounts.open(NORDWIND)
    with pytest.raises(Invalid, match="key_reused"):
        desk.desk.accounts.open(replace(NORDWIND, request_fingerprint="another body"))


def test_the_same_request_twice_at_once_opens_one_account(desk: MemoryDesk) -> None:
    desk.ledger.before_commit.plan(lambda: desk.desk.accounts.open(NORDWIND))
    account, replayed = desk.desk.accounts.open(NORDWIND)
    assert replayed
    assert (account.version, account.activity.count) == (1, 1)


def test_an_account_that_is_not_there_is_not_found(desk: MemoryDesk) -> None:
    with pytest.raises(NotFound):
        desk.desk.accounts.get("acc_NOBODY")
    with pytest.raises(NotFound):
        desk.desk.accounts.put_recipients("acc_NOBODY", (), OPERATIONS)


def test_recipients_are_set_as_a_whole_and_the_log_says_who_did_it(desk: MemoryDesk) -> None:
    put = desk.desk.accounts.put_recipients
    put(desk.account_id, ("a@example.com", "b@example.com"), ANNA)
    assert put(desk.account_id, ("c@example.com",), ANNA).invoice_recipients == ("c@example.com",)
    assert desk.account().invoice_recipients == ("c@example.com",)
    entry = desk.log()[-1]
    assert (entry.action, entry.actor, entry.facts) == ("invoice_recipients.changed", "user-anna", {"count": 1})
    assert entry.personal["recipients"] == "c@example.com"


def test_recipients_set_again_change_nothing(desk: MemoryDesk) -> None:
    first = desk.desk.accounts.put_recipients(desk.account_id, ("a@example.com",), ANNA)
    assert desk.desk.accounts.put_recipients(desk.account_id, ("a@example.com",), ANNA) == first


def test_nobody_at_all_may_get_the_invoices(desk: MemoryDesk) -> None:
    desk.desk.accounts.put_recipients(desk.account_id, ("a@example.com",), ANNA)
    assert desk.desk.accounts.put_recipients(desk.account_id, (), ANNA).invoice_recipients == ()


def test_an_account_that_changes_every_time_is_unavailable_after_five_attempts(desk: MemoryDesk) -> None:
    def somebody_else_commits() -> None:
        desk.ledger.commit(Change(desk.account().model_copy(update={"locale": "de"})))

    desk.ledger.before_commit.plan(*[somebody_else_commits] * 50)
    with pytest.raises(Unavailable) as unavailable:
        desk.desk.accounts.put_recipients(desk.account_id, ("a@example.com",), ANNA)
    assert unavailable.value.facts["retry_after_seconds"] >= 1
    assert desk.account().invoice_recipients == ()
    assert desk.account().version == 1 + 5


def test_names_are_found_by_their_beginning_whatever_their_case_in_alphabetical_order(desk: MemoryDesk) -> None:
    open_accounts(desk, "Ärzte", "Acme Tools", "ACME", "Beta", "STRASSE & Co")
    find = desk.desk.accounts.named
    assert names(find("acme", limit=10, cursor=None)) == ["Acme", "ACME", "Acme Tools"]
    assert names(find("AC", limit=10, cursor=None)) == ["Acme", "ACME", "Acme Tools"]
    assert names(find("är", limit=10, cursor=None)) == ["Ärzte"]
    assert names(find("straße", limit=10, cursor=None)) == ["STRASSE & Co"]
    assert names(find("cme", limit=10, cursor=None)) == []
    assert names(find("acme t", limit=10, cursor=None)) == ["Acme Tools"]


@pytest.mark.parametrize("letter", ["x", "\N{GREEK SMALL LETTER IOTA WITH DIALYTIKA AND TONOS}", "\N{GRINNING FACE}"])
def test_a_name_of_two_hundred_letters_of_any_kind_can_be_kept_and_found(desk: MemoryDesk, letter: str) -> None:
    name = letter * 200
    open_accounts(desk, name)
    assert names(desk.desk.accounts.named(name, limit=10, cursor=None)) == [name]
    assert names(desk.desk.accounts.named(letter, limit=10, cursor=None)) == [name]


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8])
def test_pages_of_a_search_follow_one_another_without_gap_or_repetition(desk: MemoryDesk, limit: int) -> None:
    wanted = [f"Customer {letter}" for letter in "ABCDEFG"]
    open_accounts(desk, *wanted)
    found: list[str] = []
    cursor = None
    while True:
        page = desk.desk.accounts.named("customer", limit=limit, cursor=cursor)
        found += names(page)
        cursor = page.next_cursor
        if cursor is None:
            break
        assert len(page.items) == limit
    assert found == wanted


@pytest.mark.parametrize("limit", [1, 2, 5, 6])
def test_pages_of_all_accounts_hold_each_once(desk: MemoryDesk, limit: int) -> None:
    ids = [desk.account_id, *open_accounts(desk, "A", "B", "C", "D")]
    found: list[str] = []
    cursor = None
    while True:
        page = desk.desk.accounts.all(limit=limit, cursor=cursor)
        found += [account.account_id for account in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert sorted(found) == sorted(ids)


@pytest.mark.parametrize("limit", [1, 2, 3, 4])
def test_a_customer_sees_the_accounts_of_the_token_that_exist(desk: MemoryDesk, limit: int) -> None:
    ids = open_accounts(desk, "A", "B", "C")
    found: list[str] = []
    cursor = None
    while True:
        page = desk.desk.accounts.own([*ids, "acc_GONE"], limit=limit, cursor=cursor)
        found += [account.account_id for account in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert found == sorted(ids)


def test_an_account_is_found_by_a_payment_that_ended_and_by_its_reference_at_the_gateway(desk: MemoryDesk) -> None:
    desk.issue()
    desk.add_card()
    payment = desk.pay().payment
    accounts = desk.desk.accounts
    assert payment.gateway_reference
    assert names(accounts.of_payment(payment.payment_id)) == ["Acme"]
    assert names(accounts.of_gateway_reference(payment.gateway_reference)) == ["Acme"]
    assert names(accounts.of_payment("pay_NONE")) == []
    assert names(accounts.of_gateway_reference("sbx_none")) == []


@pytest.mark.parametrize("cursor", ["", "%%%", make_cursor("a", "b"), make_cursor()])
def test_a_cursor_that_is_not_ours_is_malformed(desk: MemoryDesk, cursor: str) -> None:
    accounts = desk.desk.accounts
    with pytest.raises(Malformed, match="bad_cursor"):
        accounts.all(limit=1, cursor=cursor)
    with pytest.raises(Malformed, match="bad_cursor"):
        accounts.named("a", limit=1, cursor=cursor)
    with pytest.raises(Malformed, match="bad_cursor"):
        accounts.own(["acc_A"], limit=1, cursor=cursor)


def test_an_account_that_cannot_be_read_is_broken_and_says_which_field(desk: MemoryDesk) -> None:
    place = Key(Account, desk.account_id).place
    whole = desk.ledger._items[place]
    desk.ledger._items[place] = whole | {"credit_minor": "a lot"}
    with pytest.raises(Broken) as broken:
        desk.desk.accounts.get(desk.account_id)
    assert (broken.value.code, broken.value.facts["fields"]) == ("unreadable_record", ["credit_minor"])
    desk.ledger._items[place] = whole
