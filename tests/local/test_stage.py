import pytest

from local.stage import Stage, TemplateError


def test_a_stages_own_variables_stand_over_the_common_ones() -> None:
    assert Stage("dev").environment()["PAYDESK_STAGE"] == "dev"
    assert Stage("prod").environment()["PAYDESK_TABLE_PREFIX"] == "paydesk-prod-"
    assert Stage("dev").environment()["PAYDESK_COOLDOWN_SECONDS"] == "3600"


def test_the_stage_names_tables_and_decides_conditions() -> None:
    accounts = Stage("prod").resources("AWS::DynamoDB::Table")["AccountsTable"]
    assert Stage("prod").resolve(accounts["TableName"]) == "paydesk-prod-accounts"
    assert Stage("prod").resolve(accounts["DeletionProtectionEnabled"]) is True
    assert Stage("dev").resolve(accounts["DeletionProtectionEnabled"]) is False


def test_a_resource_whose_condition_does_not_hold_is_not_there() -> None:
    assert "SandboxChargesTable" in Stage("dev").resources("AWS::DynamoDB::Table")
    assert "SandboxChargesTable" not in Stage("prod").resources("AWS::DynamoDB::Table")


def test_what_is_made_later_is_known_once_it_is_told() -> None:
    issuer = {"Fn::Sub": "${UserPool.ProviderURL}/keys"}
    assert Stage().resolve(issuer, {"UserPool.ProviderURL": "https://pool"}) == "https://pool/keys"
    with pytest.raises(TemplateError, match=r"UserPool\.ProviderURL"):
        Stage().resolve(issuer)


def test_a_function_nobody_taught_is_named() -> None:
    with pytest.raises(TemplateError, match="Fn::Cidr"):
        Stage().resolve({"Fn::Cidr": ["10.0.0.0/16"]})
