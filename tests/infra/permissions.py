"""What was needed in AWS, and what a policy allows."""

import json
from typing import Any

from local.stage import REPOSITORY, Stage

Permission = tuple[str, str]
"""An action of DynamoDB on a table without prefix, or on `table/index/name`; one of SQS on `sweeps`."""

IN_TRANSACTIONS = {"Get": "GetItem", "Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem"}


class Notebook:
    """Permissions that were needed, as clients made by boto3's default session ask for things."""

    def __init__(self) -> None:
        self.needed: set[Permission] = set()

    def write_down(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        if "TransactItems" not in params:
            self._note(model.name, params)
        for item in params.get("TransactItems", []):
            ((kind, one),) = item.items()
            self._note(IN_TRANSACTIONS[kind], one)

    def write_down_sending(self, model: Any, **_: Any) -> None:
        self.needed.add((model.name, "sweeps"))

    def _note(self, action: str, params: dict[str, Any]) -> None:
        table = params["TableName"].split("-", 2)[2]
        self.needed.add((action, f"{table}/index/{params['IndexName']}" if "IndexName" in params else table))


def allowed_by(policy_file: str) -> set[Permission]:
    """What a policy allows in dev of DynamoDB and SQS."""
    dev = Stage("dev")
    tables = {
        f"{name}.Arn": dev.resolve(table["TableName"]).removeprefix("paydesk-dev-")
        for name, table in dev.resources("AWS::DynamoDB::Table").items()
    }
    policy = json.loads((REPOSITORY / ".chalice" / policy_file).read_text())
    allowed: set[Permission] = set()
    for statement in dev.resolve(policy["Statement"], tables | {"DataKey.Arn": "the-key", "SweepsQueue.Arn": "sweeps"}):
        resources = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
        for action in statement["Action"]:
            service, _, name = action.partition(":")
            allowed |= {(name, resource) for resource in resources if service in ("dynamodb", "sqs")}
    return allowed
