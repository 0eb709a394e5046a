"""How a room declares its routes.

    routes = Routes("payments")

    @routes.post("/v1/accounts/{account_id}/payments", role=Role.ADMIN, body=PayRequest, keyed=True,
                 answers={201: PaymentView, 202: PaymentView}, problems=("nothing_to_pay",))
    def pay(call: Call, account_id: str, body: PayRequest) -> Answer:
        '''Pay the balance, or part of it.'''

A view is called with `call`, its path parameters by name, then `body` and `query` where declared. Everything a caller
can get wrong was refused before (http/serving.py); what the view raises of core/errors.py becomes a problem document.
The same declaration feeds the OpenAPI document and the tests that walk over all routes.
"""

from collections.abc import Callable, Mapping
from typing import Required, TypedDict, TypeVar, Unpack

from chalice.app import Blueprint, ChaliceAuthorizer, Response
from pydantic import BaseModel

from chalicelib.auth.roles import Role
from chalicelib.http.answers import Answer
from chalicelib.http.endpoints import AnswerType, Call, Endpoint
from chalicelib.http.serving import serve

__all__ = ["Answer", "Call", "Endpoint", "Routes"]

View = TypeVar("View", bound=Callable[..., Answer])


class Declaration(TypedDict, total=False):
    """What a route says about itself; see Endpoint. `problems` are the codes it can answer beyond what every route
    can."""

    role: Required[Role | None]
    answers: Required[Mapping[int, AnswerType]]
    body: type[BaseModel]
    query: type[BaseModel]
    keyed: bool
    problems: tuple[str, ...]


class Routes:
    """The routes of one room."""

    def __init__(self, room: str) -> None:
        self.room = room
        self.endpoints: list[Endpoint] = []

    def get(self, path: str, **declared: Unpack[Declaration]) -> Callable[[View], View]:
        return self._declare("GET", path, declared)

    def post(self, path: str, **declared: Unpack[Declaration]) -> Callable[[View], View]:
        return self._declare("POST", path, declared)

    def put(self, path: str, **declared: Unpack[Declaration]) -> Callable[[View], View]:
        return self._declare("PUT", path, declared)

    def patch(self, path: str, **declared: Unpack[Declaration]) -> Callable[[View], View]:
        return self._declare("PATCH", path, declared)

    def delete(self, path: str, **declared: Unpack[Declaration]) -> Callable[[View], View]:
        return self._declare("DELETE", path, declared)

    def _declare(self, method: str, path: str, declared: Declaration) -> Callable[[View], View]:
        def declare(view: View) -> View:
            self.endpoints.append(
                Endpoint(
                    room=self.room,
                    method=method,
                    path=path,
                    view=view,
                    role=declared["role"],
                    body=declared.get("body"),
                    query=declared.get("query"),
                    answers=declared["answers"],
                    keyed=declared.get("keyed", False),
                    problems=declared.get("problems", ()),
                )
            )
            return view

        return declare

    def blueprint(self, authorizer: ChaliceAuthorizer) -> Blueprint:
        """The room's routes for Chalice, each behind the authorizer unless it is public.

        The authorizer comes from app.py: one of the blueprint's own would deploy under this module's name.
        """
        blueprint = Blueprint(__name__)
        for endpoint in self.endpoints:
            blueprint.route(
                endpoint.path,
                methods=[endpoint.method],
                name=endpoint.name,
                authorizer=None if endpoint.role is None else authorizer,
                content_types=["*/*"],  # a body is read as JSON whatever it calls itself
            )(_handler(endpoint, blueprint))
        return blueprint


def _handler(endpoint: Endpoint, blueprint: Blueprint) -> Callable[..., Response]:
    def handle(**path: str) -> Response:
        return serve(endpoint, blueprint.current_request, path)

    return handle
