"""Makes what `.chalice/resources.json` declares: tables (moto and MiniStack), user pool and users (moto).

moto's CloudFormation answers CREATE_COMPLETE but makes neither user pool nor TTL, so everything goes through the
services' own APIs, with the properties of that file.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local.stage import REGION, Stage

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_dynamodb import DynamoDBClient

LEFT_OUT_OF_TABLES: Mapping[str, str] = {
    "PointInTimeRecoverySpecification": "a laptop keeps no backups; the declaration itself is tested on the template",
    "TimeToLiveSpecification": "set by a call of its own, UpdateTimeToLive",
    "SSESpecification": "neither engine encrypts, and the key it names is a KMS resource that is not made here",
}
"""Properties of a table that CreateTable is not given, each with the reason."""

LEFT_OUT_OF_USER_POOL: Mapping[str, str] = {
    "UserPoolName": "called PoolName in Cognito's API",
    "MfaConfiguration": "set by a call of its own, SetUserPoolMfaConfig, as EnabledMfas is",
    "EnabledMfas": "set by a call of its own, SetUserPoolMfaConfig",
}
"""Properties of the user pool that CreateUserPool is not given, each with the reason."""


def create_tables(client: "DynamoDBClient", stage: Stage, prefix: str | None = None) -> list[str]:
    """Makes every table of the stage, named with `prefix` in place of the stage's own; returns the tables' names."""
    own_prefix = stage.environment()["PAYDESK_TABLE_PREFIX"]
    names = []
    for properties in stage.resources("AWS::DynamoDB::Table").values():
        wanted = {name: value for name, value in properties.items() if name not in LEFT_OUT_OF_TABLES}
        table = stage.resolve(wanted)
        if prefix is not None:
            table["TableName"] = prefix + table["TableName"].removeprefix(own_prefix)
        client.create_table(**table)
        if "TimeToLiveSpecification" in properties:
            client.update_time_to_live(
                TableName=table["TableName"],
                TimeToLiveSpecification=stage.resolve(properties["TimeToLiveSpecification"]),
            )
        names.append(table["TableName"])
    return names


def delete_tables(client: "DynamoDBClient", names: Iterable[str]) -> None:
    for name in names:
        client.delete_table(TableName=name)


@dataclass(frozen=True)
class UserPool:
    """Where users sign in and what their tokens are verified against."""

    pool_id: str
    client_id: str
    issuer: str
    jwks_url: str

    def environment(self) -> dict[str, str]:
        """What a stage needs to know of it. In AWS, CloudFormation sets the same variables."""
        return {
            "PAYDESK_TOKEN_ISSUER": self.issuer,
            "PAYDESK_TOKEN_AUDIENCE": self.client_id,
            "PAYDESK_TOKEN_JWKS_URL": self.jwks_url,
        }


def create_user_pool(client: "CognitoIdentityProviderClient", stage: Stage) -> UserPool:
    """Makes the user pool with its client and groups."""
    ((pool_name, properties),) = stage.resources("AWS::Cognito::UserPool").items()
    wanted = {name: value for name, value in properties.items() if name not in LEFT_OUT_OF_USER_POOL}
    pool = client.create_user_pool(PoolName=stage.resolve(properties["UserPoolName"]), **stage.resolve(wanted))
    pool_id = pool["UserPool"]["Id"]
    known = {pool_name: pool_id}
    if "MfaConfiguration" in properties:
        client.set_user_pool_mfa_config(
            UserPoolId=pool_id,
            SoftwareTokenMfaConfiguration={"Enabled": "SOFTWARE_TOKEN_MFA" in properties.get("EnabledMfas", [])},
            MfaConfiguration=properties["MfaConfiguration"],
        )
    (client_properties,) = stage.resources("AWS::Cognito::UserPoolClient").values()
    app_client = client.create_user_pool_client(**stage.resolve(client_properties, known))
    for group in stage.resources("AWS::Cognito::UserPoolGroup").values():
        client.create_group(**stage.resolve(group, known))
    return UserPool(
        pool_id=pool_id,
        client_id=app_client["UserPoolClient"]["ClientId"],
        # What Cognito puts into `iss`, on moto as in AWS; the keys behind it are served by the engine itself.
        issuer=f"https://cognito-idp.{REGION}.amazonaws.com/{pool_id}",
        jwks_url=f"{client.meta.endpoint_url}/{pool_id}/.well-known/jwks.json",
    )


def create_user(
    client: "CognitoIdentityProviderClient",
    pool: UserPool,
    email: str,
    password: str,
    roles: Iterable[str],
    account_ids: Iterable[str],
) -> None:
    """Makes a user who can sign in at once: confirmed password, one group per role, the accounts in its attribute."""
    attributes: Any = [{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": "true"}]
    if accounts := " ".join(account_ids):
        attributes.append({"Name": "custom:account_ids", "Value": accounts})
    client.admin_create_user(
        UserPoolId=pool.pool_id, Username=email, UserAttributes=attributes, MessageAction="SUPPRESS"
    )
    client.admin_set_user_password(UserPoolId=pool.pool_id, Username=email, Password=password, Permanent=True)
    for role in roles:
        client.admin_add_user_to_group(UserPoolId=pool.pool_id, Username=email, GroupName=role)


def sign_in(client: "CognitoIdentityProviderClient", pool: UserPool, email: str, password: str) -> str:
    """The ID token Cognito gives for email and password: what Paydesk takes as a bearer token, valid for an hour."""
    answer = client.initiate_auth(
        AuthFlow="USER_PASSWORD_AUTH",
        ClientId=pool.client_id,
        AuthParameters={"USERNAME": email, "PASSWORD": password},
    )
    return answer["AuthenticationResult"]["IdToken"]
