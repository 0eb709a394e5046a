import base64
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local import aws
from local.resources import create_user, create_user_pool, sign_in
from local.stage import Stage
from tests.support.engines import Engine


@pytest.fixture(params=["moto", "ministack"])
def any_engine(request: pytest.FixtureRequest) -> Engine:
    engine: Engine = request.getfixturevalue(request.param)
    return engine


def test_both_engines_hold_every_declared_table_with_its_keys_and_indexes(any_engine: Engine) -> None:
    declared = Stage().resources("AWS::DynamoDB::Table")
    with any_engine.tables() as prefix:
        for properties in declared.values():
            name = prefix + Stage().resolve(properties["TableName"]).removeprefix("paydesk-dev-")
            table: dict[str, Any] = dict(any_engine.client.describe_table(TableName=name)["Table"])
            assert table["KeySchema"] == properties["KeySchema"]
            for kind in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes"):
                made = {index["IndexName"]: index["Projection"] for index in table.get(kind, [])}
                assert made == {index["IndexName"]: index["Projection"] for index in properties.get(kind, [])}
        ttl = any_engine.client.describe_time_to_live(TableName=f"{prefix}gateway-events")
        assert ttl["TimeToLiveDescription"]["TimeToLiveStatus"] == "ENABLED"
    assert not [name for name in any_engine.client.list_tables()["TableNames"] if name.startswith(prefix)]


def test_a_user_signs_in_and_the_token_says_who_with_which_roles_and_accounts(moto: Engine) -> None:
    client = aws.cognito(moto.url)
    pool = create_user_pool(client, Stage())
    create_user(client, pool, "ada@example.com", "Correct-Horse-7", ["billing_admin"], ["acc_1", "acc_2"])

    claims = _claims(sign_in(client, pool, "ada@example.com", "Correct-Horse-7"))

    assert claims["iss"] == pool.issuer
    assert claims["aud"] == pool.client_id
    assert claims["token_use"] == "id"
    assert claims["cognito:groups"] == ["billing_admin"]
    assert claims["custom:account_ids"] == "acc_1 acc_2"
    assert claims["email"] == "ada@example.com"
    with pytest.raises(ClientError, match="NotAuthorized"):
        sign_in(client, pool, "ada@example.com", "Correct-Horse-8")


def test_the_user_pool_has_the_declared_groups(moto: Engine) -> None:
    client = aws.cognito(moto.url)
    pool = create_user_pool(client, Stage())
    groups = client.list_groups(UserPoolId=pool.pool_id)["Groups"]
    assert {group["GroupName"] for group in groups} == {"billing_viewer", "billing_admin", "operator"}


def _claims(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims
