"""What goes wrong on the way to DynamoDB is settled in the ledger, or told by one of its few errors."""

import pytest
from botocore.exceptions import ClientError

from chalicelib.core.errors import Unavailable
from chalicelib.ledger.dynamodb import Ledger
from chalicelib.ledger.models import Stale, Unwritable
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
from tests.support.engines import Engine
from tests.support.faults import (
    Fault,
    Road,
    canceled,
    conflict,
    error_page,
    refused,
    request_lost,
    server_error,
    throttled,
    unreachable,
)

TRANSIENT = pytest.mark.parametrize(
    "fault",
    [conflict, throttled, server_error, error_page, request_lost, unreachable],
    ids=lambda fault: fault.__name__,
)


@WRITES
@TRANSIENT
def test_a_write_that_meets_a_passing_fault_is_tried_again(desk: Desk, write: Write, fault: Fault) -> None:
    desk.road.meets(fault, fault)
    written = desk.ledger.commit(write(desk.account()))
    assert desk.account() == written
    assert (written.version, written.name) == (2, "Renamed")
    assert (len(desk.road.trips), len(desk.sleeps)) == (3, 2)


@EACH_READ
@TRANSIENT
def test_a_read_that_meets_a_passing_fault_is_tried_again(desk: Desk, operation: str, fault: Fault) -> None:
    undisturbed = READS[operation](desk.other)
    desk.road.meets(fault, fault)
    assert READS[operation](desk.ledger) == undisturbed
    assert desk.road.operations == [operation.split(maxsplit=1)[0]] * 3


@WRITES
@TRANSIENT
def test_a_store_that_stays_busy_is_unavailable_after_five_tries_and_nothing_is_written(
    desk: Desk, write: Write, fault: Fault
) -> None:
    before = desk.account()
    desk.road.always_meets(fault)
    with pytest.raises(Unavailable) as unavailable:
        desk.ledger.commit(write(before))
    assert unavailable.value.facts == {"retry_after_seconds": 1}
    assert desk.account() == before
    assert desk.other.get(NEW_INVOICE) is None
    assert (len(desk.road.trips), len(desk.sleeps)) == (5, 4)


@EACH_READ
def test_a_read_of_a_store_that_stays_busy_is_unavailable_after_five_tries(desk: Desk, operation: str) -> None:
    desk.road.always_meets(throttled)
    with pytest.raises(Unavailable):
        READS[operation](desk.ledger)
    assert (len(desk.road.trips), len(desk.sleeps)) == (5, 4)


def test_waits_between_tries_are_random_and_grow_up_to_a_bound(desk: Desk) -> None:
    desk.road.always_meets(throttled)
    for _ in range(30):
        with pytest.raises(Unavailable):
            desk.ledger.get(ACCOUNT)
    rounds = [desk.sleeps[start::4] for start in range(4)]
    for waits, bound in zip(rounds, (0.05, 0.1, 0.2, 0.4), strict=True):
        assert all(0 <= wait <= bound for wait in waits)
        assert len(set(waits)) == 30, "no two writers wait alike"
        assert max(waits) > bound / 2, "the later the try, the longer it may wait"


def test_no_wait_is_longer_than_eight_tenths_of_a_second(moto: Engine) -> None:
    sleeps: list[float] = []
    client = moto.ledger_client()
    Road(client).always_meets(throttled)
    with pytest.raises(Unavailable):
        Ledger(client, "no-such-table-", attempts=40, sleep=sleeps.append).get(ACCOUNT)
    assert len(sleeps) == 39
    assert 0.5 < max(sleeps) <= 0.8


REFUSED = ["AccessDeniedException", "ResourceNotFoundException", "UnrecognizedClientException", "ExpiredTokenException"]


@WRITES
@pytest.mark.parametrize("code", REFUSED)
def test_a_write_that_trying_again_cannot_help_fails_at_once(desk: Desk, write: Write, code: str) -> None:
    desk.road.meets(refused(code))
    with pytest.raises(ClientError, match=code):
        desk.ledger.commit(write(desk.account()))
    assert (len(desk.road.trips), desk.sleeps) == (1, [])


@EACH_READ
@pytest.mark.parametrize("code", [*REFUSED, "ValidationException"])
def test_a_read_that_trying_again_cannot_help_fails_at_once(desk: Desk, operation: str, code: str) -> None:
    desk.road.meets(refused(code))
    with pytest.raises(ClientError, match=code):
        READS[operation](desk.ledger)
    assert (len(desk.road.trips), desk.sleeps) == (1, [])


@pytest.mark.parametrize(
    "reasons",
    [
        ("None", "TransactionConflict"),
        ("ThrottlingError", "TransactionConflict"),
        ("ProvisionedThroughputExceeded", "None"),
    ],
    ids="+".join,
)
def test_a_transaction_canceled_by_nothing_but_busyness_is_tried_again(desk: Desk, reasons: tuple[str, ...]) -> None:
    desk.road.meets(canceled(*reasons))
    assert desk.ledger.commit(with_an_invoice(desk.account())).version == 2
    assert len(desk.road.trips) == 2


@pytest.mark.parametrize(
    ("reasons", "error"),
    [
        (("ConditionalCheckFailed", "TransactionConflict"), Stale),
        (("TransactionConflict", "ConditionalCheckFailed"), Stale),
        (("ConditionalCheckFailed", "ValidationError"), Stale),
        (("None", "ValidationError"), Unwritable),
        (("ThrottlingError", "ValidationError"), Unwritable),
        (("None", "ItemCollectionSizeLimitExceeded"), ClientError),
        (("TransactionConflict", "ItemCollectionSizeLimitExceeded"), ClientError),
    ],
    ids=str,
)
def test_a_transaction_canceled_for_another_reason_too_is_not_tried_again(
    desk: Desk, reasons: tuple[str, ...], error: type[Exception]
) -> None:
    desk.road.meets(canceled(*reasons))
    with pytest.raises(error):
        desk.ledger.commit(with_an_invoice(desk.account()))
    assert (len(desk.road.trips), desk.sleeps) == (1, [])


def test_a_refused_put_is_unwritable_when_the_store_finds_it_invalid(desk: Desk) -> None:
    desk.road.meets(refused("ValidationException"))
    with pytest.raises(Unwritable):
        desk.ledger.commit(only_the_account(desk.account()))
