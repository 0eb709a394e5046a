"""What a call is billed, by DynamoDB's published rules."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from bench.units import Billed, Meter, size_bytes
from tests.support.engines import Engine

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"S": "zwölf"}, 6),
        ({"N": "0"}, 1),
        ({"N": "12000"}, 2),
        ({"N": "12345"}, 4),
        ({"N": "-5"}, 3),
        ({"BOOL": True}, 1),
        ({"L": []}, 3),
        ({"L": [{"S": "ab"}, {"N": "1"}]}, 3 + 3 + 3),
        ({"M": {"ab": {"S": "cd"}}}, 3 + 1 + 2 + 2),
    ],
)
def test_an_item_counts_its_names_and_its_values(value: dict[str, Any], size: int) -> None:
    assert size_bytes({"name": value}) == len("name") + size


class Desk:
    """The payments table, which has an index of each kind, and a client whose calls are metered."""

    def __init__(self, store: Engine, prefix: str) -> None:
        self.client: DynamoDBClient = store.ledger_client()
        self.table = f"{prefix}payments"
        self.meter = Meter(store.client, prefix)

    def item(self, **fields: str) -> dict[str, Any]:
        named = {"account_id": "acc_1", "payment_id": "pay_1"} | fields
        return {name: {"S": value} for name, value in named.items()}

    def put(self, **fields: str) -> Billed:
        with self.meter.on(self.client) as meter:
            self.client.put_item(TableName=self.table, Item=self.item(**fields))
        return meter.billed[0]

    def put_in_a_transaction(self, **fields: str) -> Billed:
        with self.meter.on(self.client) as meter:
            self.client.transact_write_items(
                TransactItems=[{"Put": {"TableName": self.table, "Item": self.item(**fields)}}]
            )
        return meter.billed[0]


@pytest.fixture
def desk(ministack: Engine) -> Iterator[Desk]:
    with ministack.tables() as prefix:
        yield Desk(ministack, prefix)


def test_a_write_costs_a_unit_a_kilobyte_of_the_larger_item_and_each_index_it_enters(desk: Desk) -> None:
    assert desk.put().writes == {"payments": 1, "payments/by-payment": 1}
    long = desk.put(time_key="2026", text="x" * 1100)
    assert long.writes == {"payments": 2, "payments/by-time": 2}
    assert desk.put().writes == {"payments": 2, "payments/by-time": 2}, "the larger was there before"


def test_an_index_is_written_only_when_what_it_holds_changes_and_twice_when_its_key_does(desk: Desk) -> None:
    desk.put(gateway_reference="ch_1")
    assert desk.put(gateway_reference="ch_1", status="succeeded").writes == {"payments": 1}
    assert desk.put(gateway_reference="ch_2").writes == {"payments": 1, "payments/by-gateway-reference": 2}
    assert desk.put().writes == {"payments": 1, "payments/by-gateway-reference": 1}


def test_a_transaction_doubles_the_table_and_its_local_index(desk: Desk) -> None:
    billed = desk.put_in_a_transaction(time_key="2026")
    assert billed.writes == {"payments": 2, "payments/by-payment": 1, "payments/by-time": 2}
    assert billed.engine_units == {"payments": 4}, "MiniStack counts a local index once"


def test_reads_cost_a_unit_for_four_kilobytes_half_of_it_when_they_may_be_late(desk: Desk) -> None:
    desk.put(text="x" * 5000)
    key = {name: {"S": value} for name, value in {"account_id": "acc_1", "payment_id": "pay_1"}.items()}
    condition: Any = {
        "KeyConditionExpression": "payment_id = :id",
        "ExpressionAttributeValues": {":id": {"S": "pay_1"}},
    }
    with desk.meter.on(desk.client) as meter:
        desk.client.get_item(TableName=desk.table, Key=key, ConsistentRead=True)
        desk.client.get_item(TableName=desk.table, Key=key)
        desk.client.transact_get_items(TransactItems=[{"Get": {"TableName": desk.table, "Key": key}}])
        desk.client.query(TableName=desk.table, IndexName="by-payment", **condition)
    assert [call.reads for call in meter.billed] == [
        {"payments": 2},
        {"payments": 1},
        {"payments": 4},
        {"payments/by-payment": 0.5},
    ]
