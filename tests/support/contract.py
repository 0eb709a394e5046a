"""Holds requests and answers to the OpenAPI document in which Paydesk describes itself.

    contract.watching(transport)    the same transport; an answer that breaks the contract fails the test

An address that the document does not know can only be refused, and every refusal has one format.
"""

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from openapi_schema_validator import OAS31Validator

from tests.support.client import ApiAnswer, Transport

_PROBLEM = "application/problem+json"
_FORGOTTEN_FACT = re.compile(r"(^|\s)\?([\s.,;]|$)|{\w+}")
"""How a sentence shows a placeholder that nobody filled in."""


class Contract:
    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        self._validators: dict[str, OAS31Validator] = {}

    def watching(self, transport: Transport) -> Transport:
        def send(method: str, path: str, headers: Mapping[str, str], body: bytes) -> ApiAnswer:
            answer = transport(method, path, headers, body)
            self.check(method, path, body, answer)
            return answer

        return send

    def check(self, method: str, target: str, body: bytes, answer: ApiAnswer) -> None:
        """Raises AssertionError naming the route and what is wrong with the answer, or with what was accepted."""
        path, _, query = target.partition("?")
        operation = self._operation(method, path)
        said = f"{method} {path} answered {answer.status} {answer.text[:500]}"
        assert answer.headers["cache-control"] == "no-store", said
        if answer.status >= 400:
            self._check_problem(answer, said)
            if "x-request-id" not in answer.headers:
                return  # API Gateway refused it before the app was asked
        elif method == "OPTIONS":
            assert (answer.status, answer.content) == (204, b""), said
            return
        if operation is None:
            assert answer.status == 404, f"The document knows no such route, yet {said}"
            return
        declared = operation["responses"].get(str(answer.status))
        assert declared is not None, f"The document knows no such answer: {said}"
        self._check_content(declared, answer, said)
        if answer.status < 300:
            self._check_accepted(operation, query, body, said)
            if "Location" in declared.get("headers", {}):
                assert answer.headers["location"].startswith("/v1/"), said

    def _operation(self, method: str, path: str) -> Mapping[str, Any] | None:
        """What the document says of it, or None."""
        parts = path.removesuffix("/").split("/")
        for template, operations in self.document["paths"].items():
            names = template.split("/")
            if len(names) == len(parts) and all(
                part != "" if name.startswith("{") else name == part for name, part in zip(names, parts, strict=True)
            ):
                found: Mapping[str, Any] | None = operations.get(method.lower())
                return found
        return None

    def _check_problem(self, answer: ApiAnswer, said: str) -> None:
        assert answer.headers["content-type"] == _PROBLEM, said
        problem = answer.body
        self._check_schema({"$ref": "#/components/schemas/Problem"}, problem, said)
        assert problem["status"] == answer.status, said
        for sentence in (problem["title"], problem["detail"]):
            assert sentence, said
            assert not _FORGOTTEN_FACT.search(sentence), said
        for error in problem.get("errors", []):
            self._check_schema({"$ref": "#/components/schemas/FieldProblem"}, error, said)
        told_again = answer.status == 402 and "idempotent-replayed" in answer.headers
        if ("retry_at" in problem or "retry_after_seconds" in problem) and not told_again:
            assert int(answer.headers["retry-after"]) >= 1, said

    def _check_content(self, declared: Mapping[str, Any], answer: ApiAnswer, said: str) -> None:
        contents = declared.get("content", {})
        if not contents:
            assert answer.content == b"", f"The document says nothing comes, yet {said}"
            return
        content_type = answer.headers["content-type"].partition(";")[0]
        assert content_type in contents, f"The document knows no such content type: {content_type}, {said}"
        schema = contents[content_type]["schema"]
        if content_type in ("application/json", _PROBLEM) and schema != {"type": "string"}:
            self._check_schema(schema, answer.body, said)

    def _check_accepted(self, operation: Mapping[str, Any], query: str, body: bytes, said: str) -> None:
        """What Paydesk does, its document allows: nobody has to guess a request."""
        parameters = {parameter["name"]: parameter for parameter in operation["parameters"]}
        for name, _ in parse_qsl(query, keep_blank_values=True):
            assert parameters[name]["in"] == "query", said
        declared = operation.get("requestBody")
        if declared is None:
            assert not body or json.loads(body) == {}, f"The document knows no body here, yet {said}"
            return
        schema = declared["content"]["application/json"]["schema"]
        self._check_schema(schema, json.loads(body), f"{said} to {body.decode()[:500]}")

    def _check_schema(self, schema: Mapping[str, Any], value: Any, said: str) -> None:
        cached = json.dumps(schema, sort_keys=True)
        if cached not in self._validators:
            self._validators[cached] = OAS31Validator(
                {**schema, "components": self.document["components"]}, format_checker=OAS31Validator.FORMAT_CHECKER
            )
        wrong = [
            f"{'.'.join(map(str, error.path))}: {error.message}"
            for error in self._validators[cached].iter_errors(value)
        ]
        assert not wrong, f"{said}\nbreaks the document: {'; '.join(wrong)}"
