"""What each function may do in AWS: exactly what it needs.

Log groups alone are named with a star, and have to be: their names end in what CloudFormation adds to the name of the
function, and their streams' in what Lambda chooses. A reference to the log group would be a circle: it is named after
the function, which needs its role first.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.infra.conftest import Package
from tests.infra.test_package import STARTS

LOG_GROUP = "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:/aws/lambda/${AWS::StackName}-"


def test_no_function_may_do_everything_or_to_everything(package: Package) -> None:
    for name, statement in _statements(package):
        assert statement["Effect"] == "Allow"
        assert isinstance(statement["Action"], list), name
        assert not [action for action in statement["Action"] if "*" in action], f"{name}: {statement['Sid']}"
        for resource in _resources(statement):
            text = str(resource)
            assert "*" not in text or LOG_GROUP in text, f"{name}: {statement['Sid']}"


def test_every_function_writes_its_own_log_and_no_other(package: Package) -> None:
    for name in package.of_kind("AWS::Serverless::Function"):
        role = _role(package, name)
        logs = [
            found for holder, found in _statements(package) if holder == role and "logs:PutLogEvents" in found["Action"]
        ]

        assert [statement["Resource"] for statement in logs] == [{"Fn::Sub": f"{LOG_GROUP}{name}-*:*"}]


def test_the_authorizer_reads_no_billing(package: Package) -> None:
    actions = {action for _, statement in _of(package, "Authorize") for action in statement["Action"]}

    assert actions == {"logs:CreateLogStream", "logs:PutLogEvents"}


@pytest.mark.parametrize("function", ["APIHandler", "Work"])
def test_nobody_can_remove_payments_invoices_or_activity_nor_rewrite_activity(package: Package, function: str) -> None:
    allowed = {
        (action, str(resource))
        for _, statement in _of(package, function)
        for action in statement["Action"]
        for resource in _resources(statement)
    }

    for table in ("AccountsTable", "PaymentsTable", "InvoicesTable", "SubscriptionsTable", "ActivityTable"):
        assert ("dynamodb:DeleteItem", str({"Fn::GetAtt": [table, "Arn"]})) not in allowed
    assert ("dynamodb:UpdateItem", str({"Fn::GetAtt": ["ActivityTable", "Arn"]})) not in allowed


def test_the_key_is_used_through_dynamodb_only(package: Package) -> None:
    keys = [found for _, found in _statements(package) if any(action.startswith("kms:") for action in found["Action"])]

    assert keys
    for statement in keys:
        assert statement["Resource"] == {"Fn::GetAtt": ["DataKey", "Arn"]}
        assert statement["Condition"] == {
            "StringEquals": {"kms:ViaService": {"Fn::Sub": "dynamodb.${AWS::Region}.amazonaws.com"}}
        }


def test_the_sandbox_table_is_named_only_where_there_is_one(package: Package) -> None:
    """The statement as a whole comes and goes: IAM refuses one that is left without a resource."""
    named = [
        (name, found["Fn::If"][0])
        for name, found in _declared(package)
        if "SandboxChargesTable" in str(found) or "Fn::If" in found
    ]
    condition = package.resources["SandboxChargesTable"]["Condition"]

    assert condition == "WithSandbox"
    assert sorted(named) == sorted((_role(package, function), condition) for function in ("APIHandler", "Work"))


@pytest.mark.parametrize("function", STARTS)
def test_a_schedule_only_sends_orders(package: Package, function: str) -> None:
    """It reads no billing: what is due is the worker's to find."""
    found = {statement["Sid"]: statement for _, statement in _of(package, function)}

    assert found.keys() == {"SendOrders", "WriteItsOwnLog"}
    assert found["SendOrders"]["Action"] == ["sqs:GetQueueUrl", "sqs:SendMessage"]


def test_orders_wait_in_one_queue_which_the_api_does_not_know(package: Package) -> None:
    knowing = {
        name: statement["Resource"]
        for name, statement in _statements(package)
        if any(action.startswith("sqs:") for action in statement["Action"])
    }

    assert knowing.keys() == {_role(package, function) for function in (*STARTS, "Work")}
    assert all(resource == {"Fn::GetAtt": ["SweepsQueue", "Arn"]} for resource in knowing.values())


def test_every_statement_names_a_resource_in_every_stage(package: Package) -> None:
    for _, statement in _statements(package):
        assert statement["Resource"]
        assert "AWS::NoValue" not in str(statement["Resource"])


def _statements(package: Package) -> Iterator[tuple[str, dict[str, Any]]]:
    """Role name and statement, of everything any function may do in some stage."""
    for name, statement in _declared(package):
        yield name, statement["Fn::If"][1] if "Fn::If" in statement else statement


def _declared(package: Package) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, role in package.of_kind("AWS::IAM::Role").items():
        for policy in role["Properties"]["Policies"]:
            for statement in policy["PolicyDocument"]["Statement"]:
                yield name, statement


def _of(package: Package, function: str) -> list[tuple[str, dict[str, Any]]]:
    role = _role(package, function)
    return [(name, statement) for name, statement in _statements(package) if name == role]


def _role(package: Package, function: str) -> str:
    role: str = package.properties(function)["Role"]["Fn::GetAtt"][0]
    return role


def _resources(statement: dict[str, Any]) -> list[Any]:
    resource = statement["Resource"]
    return resource if isinstance(resource, list) else [resource]
