"""Tables, key and user pool as declared. Neither moto nor MiniStack shows this, so the template is tested."""

from typing import Any

import pytest

from chalicelib.accounts.models import BY_AUTOPAY, BY_NAME, BY_OVERDUE, BY_RECONCILE, BY_RENEWALS, Account
from chalicelib.activity.models import ActivityEntry
from chalicelib.invoices.models import Invoice, InvoiceRequest
from chalicelib.ledger.models import Index, Record
from chalicelib.payment_methods.models import PaymentMethodRecord
from chalicelib.payments.models import BY_GATEWAY_REFERENCE, BY_PAYMENT, Payment
from chalicelib.subscriptions.models import Subscription
from local.stage import Stage
from tests.infra.conftest import Package

TABLE = "AWS::DynamoDB::Table"
RECORDS = [Account, PaymentMethodRecord, Invoice, InvoiceRequest, Payment, Subscription, ActivityEntry]
INDEXES = [BY_NAME, BY_AUTOPAY, BY_RECONCILE, BY_OVERDUE, BY_RENEWALS, BY_PAYMENT, BY_GATEWAY_REFERENCE]
MONEY = {"accounts", "payment-methods", "invoices", "payments", "subscriptions", "activity"}


def _tables(stage: str) -> dict[str, dict[str, Any]]:
    """Name without prefix -> properties, worked out for a stage."""
    declared = Stage(stage)
    prefix = declared.environment()["PAYDESK_TABLE_PREFIX"]
    resolved = [
        declared.resolve(table, {"DataKey.Arn": "arn:the-data-key"}) for table in declared.resources(TABLE).values()
    ]
    return {table["TableName"].removeprefix(prefix): table for table in resolved}


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_every_table_is_encrypted_restorable_and_billed_by_use(stage: str) -> None:
    for name, table in _tables(stage).items():
        assert table["SSESpecification"] == {
            "SSEEnabled": True,
            "SSEType": "KMS",
            "KMSMasterKeyId": "arn:the-data-key",
        }, name
        assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}, name
        assert table["BillingMode"] == "PAY_PER_REQUEST", name


def test_every_table_of_prod_refuses_to_be_deleted() -> None:
    assert all(table["DeletionProtectionEnabled"] is True for table in _tables("prod").values())


def test_the_sandbox_has_its_table_in_dev_and_none_in_prod() -> None:
    assert _tables("dev").keys() - _tables("prod").keys() == {"sandbox-charges"}


def test_what_money_depends_on_outlives_its_stack(package: Package) -> None:
    kept = {
        resource["Properties"]["TableName"]["Fn::Sub"].removeprefix("paydesk-${Stage}-")
        for resource in package.of_kind(TABLE).values()
        if resource["DeletionPolicy"] == "RetainExceptOnCreate" and resource["UpdateReplacePolicy"] == "Retain"
    }

    assert kept == MONEY
    # Without the key the tables hold noise, and without the pool nobody signs in.
    for name in ("DataKey", "UserPool"):
        assert package.resources[name]["DeletionPolicy"] == "RetainExceptOnCreate"
        assert package.resources[name]["UpdateReplacePolicy"] == "Retain"


def test_the_key_is_renewed_every_year_and_obeys_this_account_only(package: Package) -> None:
    key = package.properties("DataKey")

    assert key["EnableKeyRotation"] is True
    (statement,) = key["KeyPolicy"]["Statement"]
    assert statement["Principal"] == {"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}}


def test_gateway_events_are_forgotten_when_they_expire() -> None:
    forgetting = {name for name, table in _tables("prod").items() if "TimeToLiveSpecification" in table}

    assert forgetting == {"gateway-events"}
    assert _tables("prod")["gateway-events"]["TimeToLiveSpecification"] == {
        "AttributeName": "expires_at",
        "Enabled": True,
    }


@pytest.mark.parametrize("record", RECORDS)
def test_every_record_has_its_table_with_its_key(record: type[Record]) -> None:
    keys = ["account_id", *([record.sort_field] if record.sort_field else [])]

    assert [key["AttributeName"] for key in _tables("prod")[record.table]["KeySchema"]] == keys


@pytest.mark.parametrize("index", INDEXES)
def test_every_index_is_declared_and_holds_keys_only(index: Index) -> None:
    declared = _tables("prod")[index.record.table]["GlobalSecondaryIndexes"]
    (found,) = [one for one in declared if one["IndexName"] == index.name]

    assert [key["AttributeName"] for key in found["KeySchema"]] == [
        index.partition,
        *([index.sort] if index.sort else []),
    ]
    assert found["Projection"] == {"ProjectionType": "KEYS_ONLY"}


def test_each_sweep_finds_its_accounts_in_an_index_of_its_own() -> None:
    indexes = {
        index["IndexName"]: index["KeySchema"] for index in _tables("prod")["accounts"]["GlobalSecondaryIndexes"]
    }

    for sweep in ("autopay", "reconcile", "overdue", "renewals"):
        assert [key["AttributeName"] for key in indexes[f"by-{sweep}"]] == [f"{sweep}_shard", f"{sweep}_due"]
