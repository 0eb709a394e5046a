"""The documentation page: the OpenAPI document, readable."""

from typing import Any

CONTENT_SECURITY_POLICY = "default-src 'none'"


def render(document: dict[str, Any]) -> str:
    return f"<!doctype html>{document['info']['title']}"
