"""What `.chalice/` declares for one stage: the environment of its functions, its resources, its gateway's own answers.

The files stay the only declaration. CloudFormation's functions are worked out as far as Paydesk uses them.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
REGION = "eu-central-1"
"""The region of everything local: engines do not care, tokens and ARNs carry it."""

_PSEUDO_PARAMETERS = {
    "AWS::Region": REGION,
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::StackName": "paydesk-local",
}


_NO_VALUE = object()
"""What AWS::NoValue stands for: the property, or the item of the list, is not there."""


class TemplateError(Exception):
    """`.chalice/resources.json` says something the local stack cannot work out; the message names it."""


@dataclass(frozen=True)
class Stage:
    """One stage of `.chalice/config.json` and `.chalice/resources.json`."""

    name: str = "dev"

    @cached_property
    def config(self) -> dict[str, Any]:
        return _read_json("config.json")

    @cached_property
    def _template(self) -> dict[str, Any]:
        return _read_json("resources.json")

    def environment(self) -> dict[str, str]:
        """The stage's environment variables as Chalice deploys them: the stage's own over the common ones."""
        common: dict[str, str] = self.config.get("environment_variables", {})
        own: dict[str, str] = self.config["stages"][self.name].get("environment_variables", {})
        return common | own

    def function_timeout_seconds(self, function: str) -> int:
        """How long Lambda lets a function of the app run."""
        return int(self.config["stages"][self.name]["lambda_functions"][function]["lambda_timeout"])

    def resources(self, kind: str) -> dict[str, dict[str, Any]]:
        """Logical id -> properties, unresolved, of each resource of a type that exists in this stage."""
        return {
            logical_id: resource.get("Properties", {})
            for logical_id, resource in self._template["Resources"].items()
            if resource.get("Type") == kind and self._exists(resource)
        }

    def gateway_responses(self) -> dict[str, dict[str, Any]]:
        """What API Gateway answers by itself, by response type: statusCode, responseParameters, responseTemplates."""
        body = self._template["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]
        responses: dict[str, dict[str, Any]] = body["x-amazon-apigateway-gateway-responses"]
        return responses

    def resolve(self, value: Any, known: Mapping[str, str] | None = None) -> Any:
        """The value with its intrinsic functions worked out.

        `known` holds what only exists once a resource is made: `{"UserPool": id, "UserPool.Arn": arn}`.
        """
        known = known or {}
        if isinstance(value, list):
            resolved = [self.resolve(item, known) for item in value]
            return [item for item in resolved if item is not _NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            function, argument = next(iter(value.items()))
            match function:
                case "Ref" if argument == "AWS::NoValue":
                    return _NO_VALUE
                case "Ref":
                    return self._reference(argument, known)
                case "Fn::GetAtt":
                    return self._reference(argument if isinstance(argument, str) else ".".join(argument), known)
                case "Fn::Sub":
                    return re.sub(r"\$\{([^!}]+)\}", lambda found: self._reference(found[1], known), argument)
                case "Fn::If":
                    condition, then, otherwise = argument
                    return self.resolve(then if self._condition(condition) else otherwise, known)
                case _ if function.startswith("Fn::"):
                    raise TemplateError(f"The local stack does not know {function}.")
        properties = {name: self.resolve(item, known) for name, item in value.items()}
        return {name: item for name, item in properties.items() if item is not _NO_VALUE}

    def _reference(self, name: str, known: Mapping[str, str]) -> str:
        parameters = self._template.get("Parameters", {})
        if name in known:
            return known[name]
        if name in _PSEUDO_PARAMETERS:
            return _PSEUDO_PARAMETERS[name]
        if name == "Stage":
            return self.name
        if "Default" in parameters.get(name, {}):
            return str(parameters[name]["Default"])
        raise TemplateError(f"The local stack does not know what {name} stands for.")

    def _exists(self, resource: Mapping[str, Any]) -> bool:
        return "Condition" not in resource or self._condition(resource["Condition"])

    def _condition(self, name: str) -> bool:
        return self._holds(self._template["Conditions"][name])

    def _holds(self, condition: Mapping[str, Any]) -> bool:
        function, argument = next(iter(condition.items()))
        match function:
            case "Fn::Equals":
                first, second = self.resolve(argument)
                return bool(first == second)
            case "Fn::Not":
                return not self._holds(argument[0])
            case "Fn::And":
                return all(self._holds(part) for part in argument)
            case "Fn::Or":
                return any(self._holds(part) for part in argument)
            case "Condition":
                return self._condition(argument)
        raise TemplateError(f"The local stack does not know the condition {function}.")


def _read_json(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((REPOSITORY / ".chalice" / name).read_text())
    return document
