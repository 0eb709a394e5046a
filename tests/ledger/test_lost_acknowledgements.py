"""A write whose answer is lost, or that another overtakes: told apart, never done twice."""

import pytest

from chalicelib.accounts.models import BY_NAME, Account
from chalicelib.core.errors import Unavailable
from chalicelib.invoices.models import Invoice
from chalicelib.ledger.models import Change, Key, Stale
from chalicelib.ledger.port import Attempts, until_committed
from tests.ledger.desk import (
    ACCOUNT,
    EACH_READ,
    NEW_INVOICE,
    READS,
    WRITES,
    Desk,
    Write,
    only_the_account,
    with_an_invoice,
)
from tests.ledger.records import an_account, an_invoice
from tests.support.faults import (
    acknowledgement_lost,
    acknowledgement_lost_and,
    conflict,
    overtaken_by,
    request_lost,
    throttled,
)


@WRITES
def test_a_change_whose_acknowledgement_is_lost_is_recognised_and_written_once(desk: Desk, write: Write) -> None:
    desk.road.meets(acknowledgement_lost)
    written = desk.ledger.commit(write(desk.account()))
    assert desk.account() == written
    assert written.version == 2
    assert len(desk.road.trips) == 2


@WRITES
def test_a_new_account_whose_acknowledgement_is_lost_is_recognised(desk: Desk, write: Write) -> None:
    desk.road.meets(acknowledgement_lost)
    new = an_account("acc_new")
    change = Change(new) if write is only_the_account else Change(new, puts=(an_invoice("inv_1", "acc_new"),))
    assert desk.other.get(Key(Account, "acc_new")) is None
    assert desk.ledger.commit(change) == desk.other.get(Key(Account, "acc_new"))


@WRITES
def test_an_acknowledgement_lost_behind_other_faults_is_recognised_too(desk: Desk, write: Write) -> None:
    desk.road.meets(conflict, acknowledgement_lost, throttled, acknowledgement_lost)
    assert desk.ledger.commit(write(desk.account())) == desk.account()
    assert desk.account().version == 2


@WRITES
def test_a_change_that_won_unheard_and_was_overtaken_is_stale(desk: Desk, write: Write) -> None:
    desk.road.meets(acknowledgement_lost_and(desk.somebody_else_commits))
    with pytest.raises(Stale):
        desk.ledger.commit(write(desk.account()))
    assert (desk.account().version, desk.account().name) == (3, "Renamed")


def test_deciding_again_after_a_change_that_won_unheard_does_nothing_twice(desk: Desk) -> None:
    desk.road.meets(None, acknowledgement_lost_and(desk.somebody_else_commits))

    def issue_once() -> Account:
        account, standing = desk.ledger.read(ACCOUNT, NEW_INVOICE)
        assert account
        if standing:  # named by its cause, so the request finds what it made
            return account
        counted = account.model_copy(update={"invoice_count": account.invoice_count + 1})
        return desk.ledger.commit(Change(counted, puts=(an_invoice("inv_2"),)))

    assert until_committed(Attempts(3), issue_once).invoice_count == 1
    assert desk.account().version == 3


@WRITES
def test_no_acknowledgement_at_all_leaves_it_unknown_and_written_at_most_once(desk: Desk, write: Write) -> None:
    desk.road.always_meets(acknowledgement_lost)
    with pytest.raises(Unavailable):
        desk.ledger.commit(write(desk.account()))
    assert (desk.account().version, desk.account().name) == (2, "Renamed")


@WRITES
def test_a_request_that_arrives_after_its_second_try_won_changes_nothing(desk: Desk, write: Write) -> None:
    desk.road.meets(request_lost)
    written = desk.ledger.commit(write(desk.account()))
    desk.somebody_else_commits()
    before = desk.account()
    desk.road.trips[0].arrive()
    assert desk.account() == before
    assert before.version == written.version + 1


@WRITES
def test_a_change_that_somebody_else_overtakes_is_stale_and_leaves_nothing(desk: Desk, write: Write) -> None:
    desk.road.meets(overtaken_by(desk.somebody_else_commits))
    with pytest.raises(Stale):
        desk.ledger.commit(write(desk.account()))
    assert (desk.account().name, desk.other.get(NEW_INVOICE)) == ("Nordwind", None)
    assert len(desk.road.trips) == 1, "only a fresh read can help"


def test_every_try_of_a_transaction_carries_its_commit_id_as_token(desk: Desk) -> None:
    desk.road.meets(conflict, request_lost, acknowledgement_lost)
    written = desk.ledger.commit(with_an_invoice(desk.account()))
    assert [trip.body["ClientRequestToken"] for trip in desk.road.trips] == [written.commit_id] * 4
    assert len({trip.request.body for trip in desk.road.trips}) == 1, "all tries are the same request"


def test_two_changes_never_share_a_commit_id(desk: Desk) -> None:
    first = desk.ledger.commit(only_the_account(desk.account()))
    second = desk.ledger.commit(only_the_account(first))
    assert first.commit_id != second.commit_id


@EACH_READ
def test_a_read_is_one_trip(desk: Desk, operation: str) -> None:
    READS[operation](desk.ledger)
    assert desk.road.operations == [operation.split(maxsplit=1)[0]]


@pytest.mark.parametrize("operation", ["GetItem", "Query", "Scan"])
def test_what_a_decision_reads_is_read_consistently(desk: Desk, operation: str) -> None:
    READS[operation](desk.ledger)
    assert [trip.body["ConsistentRead"] for trip in desk.road.trips] == [True]


def test_a_page_in_the_middle_of_a_list_is_one_trip(desk: Desk) -> None:
    more = tuple(an_invoice(f"inv_{number}") for number in range(2, 7))
    desk.other.commit(Change(desk.account(), puts=more))
    page = desk.ledger.records(Invoice, "acc_one", limit=3, after="inv_1")
    assert [invoice.invoice_id for invoice in page] == ["inv_2", "inv_3", "inv_4"]
    assert desk.road.operations == ["Query"]


@pytest.mark.parametrize("odd", ["", "x" * 1025, "\ud800"], ids=["empty", "long", "surrogate"])
def test_what_cannot_be_a_key_is_not_even_asked_for(desk: Desk, odd: str) -> None:
    desk.ledger.get(Key(Account, odd))
    desk.ledger.read(Key(Account, odd), Key(Invoice, "acc_one", odd))
    desk.ledger.records(Invoice, odd, limit=1)
    desk.ledger.find(BY_NAME, odd, limit=1)
    if odd:
        desk.ledger.records(Invoice, "acc_one", limit=1, after=odd)
        desk.ledger.find(BY_NAME, "n", limit=1, prefix=odd)
    assert desk.road.trips == []


def test_a_commit_is_one_trip(desk: Desk) -> None:
    account = desk.ledger.commit(only_the_account(desk.account()))
    desk.ledger.commit(with_an_invoice(account))
    assert desk.road.operations == ["PutItem", "TransactWriteItems"]
