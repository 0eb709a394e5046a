"""The routes everybody may call: health, the documentation, and what a browser asks before it calls another origin."""

from collections.abc import Sequence
from functools import cache
from typing import Literal

from chalicelib.http import docs_page, openapi
from chalicelib.http.endpoints import Call, Endpoint
from chalicelib.http.routing import Answer, Routes
from chalicelib.http.schemas import Wire

ALLOWED_HEADERS = "Authorization, Content-Type, Idempotency-Key, Accept-Language"


class Health(Wire):
    """Paydesk runs and its settings are right."""

    status: Literal["ok"] = "ok"


def public_routes(rooms: Sequence[Routes]) -> Routes:
    """Health, `/openapi.json` and `/docs`; they document themselves and `rooms`."""
    routes = Routes("desk")

    @cache
    def document() -> openapi.Document:
        return openapi.document([endpoint for room in (*rooms, routes) for endpoint in room.endpoints])

    @routes.get("/health", role=None, answers={200: Health})
    def get_health(call: Call) -> Answer:  # noqa: ARG001  # every view takes the call
        """Tell whether Paydesk runs."""
        return Answer(body=Health())

    @routes.get("/openapi.json", role=None, answers={200: ("application/json",)})
    def get_openapi(call: Call) -> Answer:  # noqa: ARG001  # every view takes the call
        """Read this API's OpenAPI document."""
        return Answer.text(openapi.in_json(document()), "application/json")

    @routes.get("/docs", role=None, answers={200: ("text/html",)})
    def get_docs(call: Call) -> Answer:  # noqa: ARG001  # every view takes the call
        """Read this API's documentation."""
        policy = {"Content-Security-Policy": docs_page.CONTENT_SECURITY_POLICY}
        return Answer.text(docs_page.render(document()), "text/html", headers=policy)

    return routes


def preflight_routes(rooms: Sequence[Routes]) -> Routes:
    """One OPTIONS for each address of `rooms`. Which origins may go on is decided when it is asked: a setting."""
    methods: dict[str, list[str]] = {}
    for room in rooms:
        for endpoint in room.endpoints:
            methods.setdefault(endpoint.path, []).append(endpoint.method)
    routes = Routes("preflight")
    routes.endpoints += [_preflight(path, ", ".join(sorted(allowed))) for path, allowed in methods.items()]
    return routes


def _preflight(path: str, allowed: str) -> Endpoint:
    def preflight(call: Call, **_path: str) -> Answer:  # noqa: ARG001  # every view takes the call
        """Say what a page of another origin may ask here."""
        return Answer(
            status=204,
            headers={
                "Access-Control-Allow-Methods": allowed,
                "Access-Control-Allow-Headers": ALLOWED_HEADERS,
                "Access-Control-Max-Age": "600",
            },
        )

    return Endpoint(
        room="preflight",
        method="OPTIONS",
        path=path,
        view=preflight,
        role=None,
        body=None,
        query=None,
        answers={204: None},
        keyed=False,
        problems=(),
    )
