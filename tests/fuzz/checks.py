"""What schemathesis checks beside its own checks. Runs in .venv-fuzz, which has schemathesis and nothing of Paydesk's.

Three of its own checks ask for what Paydesk does not promise, and these take their place:

    unsupported_method          wants 405; API Gateway knows no undeclared method, and answers 404 as for any address
    positive_data_acceptance    takes every 400 and 422 for a refusal of the schema; most are the business's: a cursor
                                of nobody, a method that was removed, a key used before. Each has a code of its own.
    ensure_resource_availability    takes a replay for a creation: what its key created may have been removed since
"""

import schemathesis
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import ensure_resource_availability

_NOT_UNDERSTOOD = {"invalid_request", "malformed_request", "malformed_json", "empty_body", "key_missing"}
"""Codes that say the request itself is wrong, whatever the account looks like."""

_BEYOND_A_SCHEMA = {
    "promote": "goes together with another parameter: OpenAPI describes each alone",
    "time_zone": "area and place as the IANA database names them",
}
"""Fields whose rule no schema can state, so that what fits the schema may be refused."""


_NO_FLOAT = "Write a whole number, without quotes and without a decimal point."
"""12.0 is an integer for JSON Schema; Paydesk takes no amount that a client computed as a float."""


@schemathesis.check
def a_request_that_fits_the_document_is_understood(ctx, response, case) -> None:
    positive = case.meta is not None and case.meta.generation.mode == GenerationMode.POSITIVE
    if not positive or response.status_code not in (400, 422):
        return
    problem = response.json()
    if problem["code"] not in _NOT_UNDERSTOOD:
        return
    errors = problem.get("errors", [])
    if not errors or not all(e["field"] in _BEYOND_A_SCHEMA or e["problem"] == _NO_FLOAT for e in errors):
        raise AssertionError(f"It fits the document, and was refused: {problem}")


@schemathesis.check
def what_was_just_created_is_there(ctx, response, case) -> bool | None:
    created_by = ctx.internals.find_parent(case_id=case.id)
    created = created_by and ctx.internals.find_response(case_id=created_by.id)
    if created is None or "idempotent-replayed" in created.headers:
        return None
    return ensure_resource_availability(ctx, response, case)


@schemathesis.check
def a_method_that_is_not_declared_is_no_address(ctx, response, case) -> None:
    declared = case.operation.schema[case.operation.path]
    known = case.method.lower() in {"options", *(method.lower() for method in declared)}
    if not known and response.status_code not in (401, 404):
        raise AssertionError(f"{case.method} is not declared, and answered {response.status_code}")
