"""Who may sign in and what users may say about themselves. moto enforces neither, so the template is what is tested."""

from local.stage import Stage
from tests.infra.conftest import Package

ACCOUNTS_ATTRIBUTE = "custom:account_ids"


def test_only_an_administrator_makes_users(package: Package) -> None:
    assert package.properties("UserPool")["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"] is True


def test_users_read_which_accounts_are_theirs_and_cannot_write_it(package: Package) -> None:
    client = package.properties("UserPoolClient")

    assert ACCOUNTS_ATTRIBUTE in client["ReadAttributes"]
    # Without the list Cognito lets a client write every attribute; in it stands what is a user's own affair.
    assert set(client["WriteAttributes"]) == {"email", "name", "locale"}


def test_a_new_address_counts_only_when_its_owner_confirmed_it(package: Package) -> None:
    pool = package.properties("UserPool")

    assert pool["UserAttributeUpdateSettings"] == {"AttributesRequireVerificationBeforeUpdate": ["email"]}
    assert pool["AutoVerifiedAttributes"] == ["email"]


def test_the_accounts_of_a_user_can_be_changed_by_an_administrator(package: Package) -> None:
    schema = {attribute["Name"]: attribute for attribute in package.properties("UserPool")["Schema"]}

    assert schema["account_ids"]["AttributeDataType"] == "String"
    assert schema["account_ids"]["Mutable"] is True


def test_a_page_can_sign_in_without_a_secret_and_learns_nothing_about_who_exists(package: Package) -> None:
    client = package.properties("UserPoolClient")

    assert client["GenerateSecret"] is False
    assert client["PreventUserExistenceErrors"] == "ENABLED"
    assert Stage(package.stage).resolve(client["ExplicitAuthFlows"])[-2:] == [
        "ALLOW_USER_SRP_AUTH",
        "ALLOW_REFRESH_TOKEN_AUTH",
    ]


def test_a_password_crosses_the_network_only_on_the_way_to_dev(package: Package) -> None:
    """The local stack and a curl command sign in that way; a page uses SRP."""
    flows = Stage(package.stage).resolve(package.properties("UserPoolClient")["ExplicitAuthFlows"])

    assert ("ALLOW_USER_PASSWORD_AUTH" in flows) == (package.stage == "dev")


def test_there_is_a_group_for_each_role(package: Package) -> None:
    groups = package.of_kind("AWS::Cognito::UserPoolGroup").values()

    assert {group["Properties"]["GroupName"] for group in groups} == {"billing_viewer", "billing_admin", "operator"}


def test_the_users_of_prod_cannot_be_deleted_all_at_once(package: Package) -> None:
    assert package.properties("UserPool")["DeletionProtection"] == {"Fn::If": ["IsProd", "ACTIVE", "INACTIVE"]}
