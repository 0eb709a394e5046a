"""The OpenAPI 3.1 document, generated from routes and schemas. Nothing about the API is written down twice."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, models_json_schema

from chalicelib.http.endpoints import AnswerType, Endpoint
from chalicelib.http.problem_examples import EXAMPLES
from chalicelib.http.problems import CONTENT_TYPE, STATUS
from chalicelib.http.problems import document as problem_document
from chalicelib.http.schemas import FieldProblem, PageQuery, Problem
from chalicelib.messages import catalog

Document = dict[str, Any]
Schemas = Mapping[tuple[type[BaseModel], JsonSchemaMode], Document]

VERSION = "1"
_REFERENCE = "#/components/schemas/{model}"
_PHRASES = {
    200: "Done.",
    201: "Created.",
    202: "Accepted; it is not at its end yet.",
    204: "Done; there is nothing to say.",
}
_DESCRIPTION = """
A self-service billing desk: customers' billing administrators keep payment methods and pay their balance.

Send an OIDC ID token as `Authorization: Bearer <token>`. Amounts are whole numbers of the currency's minor unit
(`amount_minor`), `_at` is an instant in UTC, `_on` a calendar date in the account's time zone. Every refusal is a
problem document (RFC 9457) with a stable `code`; titles and details follow Accept-Language. What is asked of an address
or with a method that is not listed here is refused with 404 and `no_such_route`; this one and 401 never reach a route,
so they are English always and carry no X-Request-Id.

A POST that creates or moves something needs an `Idempotency-Key`: a text of your own, at most 255 characters, one for
each thing you want done. Sent again with the same body it is done once and answered again, with `Idempotent-Replayed:
true`. """.strip()

_ALWAYS_POSSIBLE = ("invalid_request", "card_number_refused", "body_too_large", "malformed_json", "internal_error")

_HEADERS: Mapping[str, Document] = {
    "Location": {"description": "Where the record is.", "schema": {"type": "string"}},
    "Idempotent-Replayed": {
        "description": "`true` when this request had been carried out before.",
        "schema": {"type": "string", "enum": ["true"]},
    },
    "Retry-After": {"description": "Seconds to wait before trying again.", "schema": {"type": "integer", "minimum": 1}},
}
_KEY_PARAMETER: Document = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "Your own name for this one request; the same again whenever it is repeated.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[\\x20-\\x7e]+$"},
    "example": "invoice-run-2026-11-23-0001",
}


def in_json(description: Document) -> str:
    return json.dumps(description, ensure_ascii=False, separators=(",", ":"))


def document(endpoints: Sequence[Endpoint]) -> Document:
    """The whole document, as plain JSON values."""
    schemas, definitions = _schemas(endpoints)
    paths: dict[str, Document] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Paydesk",
            "version": VERSION,
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "tags": [{"name": tag} for tag in dict.fromkeys(_tag(endpoint) for endpoint in endpoints)],
        "paths": paths,
        "components": {
            "schemas": definitions,
            "examples": {code: {"value": problem_example(code)} for code in _codes(endpoints)},
            "securitySchemes": {"id_token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def problem_codes(endpoint: Endpoint) -> list[str]:
    """Every code the route can answer: those of its declaration, and those of how it is declared."""
    codes = [*endpoint.problems, *_ALWAYS_POSSIBLE]
    if endpoint.role is not None:
        codes += ["unauthorized", "missing_role", "unavailable", "unreadable_record"]
    if "{" in endpoint.path:
        codes.append("not_found")
    if endpoint.keyed:
        codes += ["key_missing", "key_too_long", "key_unreadable"]
    if endpoint.body is not None:
        codes.append("empty_body")
    if endpoint.query is not None and issubclass(endpoint.query, PageQuery):
        codes.append("bad_cursor")
    return sorted(set(codes), key=lambda code: (STATUS[code], code))


class _Untitled(GenerateJsonSchema):
    """Leaves out the titles pydantic makes of field names: they say nothing the name does not."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002  # pydantic's signature
        return False


def problem_example(code: str) -> Document:
    """The problem document of a code, with facts as they might be."""
    return problem_document(code, "en", EXAMPLES.get(code, {})).model_dump(mode="json")


def _codes(endpoints: Iterable[Endpoint]) -> list[str]:
    codes = {"no_such_route", *(code for endpoint in endpoints for code in problem_codes(endpoint))}
    return sorted(codes, key=lambda code: (STATUS[code], code))


def _schemas(endpoints: Iterable[Endpoint]) -> tuple[Schemas, Document]:
    wanted: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {}
    for endpoint in endpoints:
        if endpoint.body is not None:
            wanted[endpoint.body, "validation"] = None
        for answer in endpoint.answers.values():
            if isinstance(answer, type):
                wanted[answer, "serialization"] = None
    wanted[Problem, "serialization"] = None
    wanted[FieldProblem, "serialization"] = None
    schemas, definitions = models_json_schema(list(wanted), ref_template=_REFERENCE, schema_generator=_Untitled)
    return cast(Schemas, schemas), definitions["$defs"]


def _operation(endpoint: Endpoint, schemas: Schemas) -> Document:
    operation: Document = {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "tags": [_tag(endpoint)],
        "parameters": _parameters(endpoint),
        "responses": _answers(endpoint, schemas) | _problems(endpoint),
        "security": [{"id_token": []}] if endpoint.role is not None else [],
    }
    description = endpoint.description
    if endpoint.role is not None:
        description = f"{description}\n\nNeeds the role `{endpoint.role.value}`.".strip()
        operation["x-role"] = endpoint.role.value
    if description:
        operation["description"] = description
    if endpoint.body is not None:
        schema = schemas[endpoint.body, "validation"]
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return operation


def _parameters(endpoint: Endpoint) -> list[Document]:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", endpoint.path)
    ]
    if endpoint.query is not None:
        described = endpoint.query.model_json_schema()
        required = described.get("required", [])
        for name, schema in described["properties"].items():
            parameters.append(_query_parameter(name, schema, required=name in required))
    if endpoint.keyed:
        parameters.append(_KEY_PARAMETER)
    return parameters


def _query_parameter(name: str, schema: Document, *, required: bool) -> Document:
    """An optional parameter is left out, never null: so the schema need not say so."""
    schema = {key: value for key, value in schema.items() if key != "title" and (key, value) != ("default", None)}
    choices = [choice for choice in schema.pop("anyOf", []) if choice != {"type": "null"}]
    if len(choices) == 1:
        schema = choices[0] | schema
    parameter: Document = {"name": name, "in": "query", "required": required}
    if "description" in schema:
        parameter["description"] = schema.pop("description")
    return parameter | {"schema": schema}


def _answers(endpoint: Endpoint, schemas: Schemas) -> Document:
    names = ["Location"] if {201, 202} & endpoint.answers.keys() else []
    names += ["Idempotent-Replayed"] if endpoint.keyed else []
    responses: Document = {}
    for status, answer in endpoint.answers.items():
        response: Document = {"description": _PHRASES.get(status, "Answered.")}
        if names:
            response["headers"] = {name: _HEADERS[name] for name in names}
        if answer is not None:
            response["content"] = _content(answer, schemas)
        responses[str(status)] = response
    return responses


def _content(answer: AnswerType, schemas: Schemas) -> Document:
    if isinstance(answer, tuple):
        return {content_type: {"schema": {"type": "string"}} for content_type in answer}
    return {"application/json": {"schema": schemas[answer, "serialization"]}} if answer is not None else {}


def _problems(endpoint: Endpoint) -> Document:
    by_status: dict[int, list[str]] = {}
    for code in problem_codes(endpoint):
        by_status.setdefault(STATUS[code], []).append(code)
    return {str(status): _problem_response(status, codes) for status, codes in by_status.items()}


def _problem_response(status: int, codes: Sequence[str]) -> Document:
    response: Document = {
        "description": " ".join(f"{catalog.sentence(code, 'en', {})[0]}." for code in codes),
        "content": {
            CONTENT_TYPE: {
                "schema": {
                    "allOf": [
                        {"$ref": _REFERENCE.format(model="Problem")},
                        {"type": "object", "properties": {"code": {"enum": list(codes)}}},
                    ]
                },
                "examples": {code: {"$ref": f"#/components/examples/{code}"} for code in codes},
            }
        },
    }
    waits = any({"retry_at", "retry_after_seconds"} & EXAMPLES.get(code, {}).keys() for code in codes)
    names = (["Retry-After"] if waits else []) + (["Idempotent-Replayed"] if status in (402, 502) else [])
    if names:
        response["headers"] = {name: _HEADERS[name] for name in names}
    return response


def _tag(endpoint: Endpoint) -> str:
    return endpoint.room.replace("_", " ").capitalize()
