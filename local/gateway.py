"""Stands before the Chalice app as API Gateway does: chalice.local's gateway, made to answer like the real one.

Chalice's own answers an unknown route with 403, lets an authorizer's exception break the connection and hands path
parameters over still encoded. What API Gateway answers by itself stands in `.chalice/resources.json`.
"""

import base64
import logging
import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, unquote

from chalice.app import Chalice
from chalice.config import Config
from chalice.local import (
    ForbiddenError,
    InvalidAuthorizerError,
    LambdaContext,
    LambdaEventConverter,
    LocalChalice,
    LocalGateway,
    MatchResult,
    NotAuthorizedError,
    RouteMatcher,
)

from local.stage import Stage
from local.web import Request, Response

_log = logging.getLogger(__name__)
_REFUSALS = {400: "BAD_REQUEST_PARAMETERS", 413: "REQUEST_TOO_LARGE", 500: "DEFAULT_5XX"}


class ThreadSafeChalice(LocalChalice):
    """A Chalice app whose present request and context belong to the thread that serves it.

    LocalChalice does it for the request only; an app class of its own, because instances are converted to it.
    """

    _CONTEXT = threading.local()

    @property
    def lambda_context(self) -> LambdaContext:
        context: LambdaContext = self._CONTEXT.value
        return context

    @lambda_context.setter
    def lambda_context(self, value: LambdaContext) -> None:
        self._CONTEXT.value = value


class _Refused(Exception):
    """API Gateway answers by itself: `response_type` names the gateway response."""

    def __init__(self, response_type: str) -> None:
        self.response_type = response_type
        super().__init__(response_type)


class Gateway(LocalGateway):
    """A Site for local.web, and the gateway of tests that go without sockets. Serves many threads."""

    def __init__(self, app: Chalice, stage: Stage) -> None:
        if not isinstance(app, LocalChalice):
            # As chalice's own local server does it. Stays so: tests mix this gateway and chalice.test on one app.
            app.__class__ = ThreadSafeChalice
        super().__init__(app, Config(stage.name, "api_handler", config_from_disk=stage.config))
        self._app = app
        self._responses = stage.gateway_responses()
        self.event_converter = LambdaEventConverter(_Matcher(list(app.routes)), app.api.binary_types)

    def answer(self, request: Request) -> Response:
        answer = self.handle_request(request.method, request.target, dict(request.headers), request.body)
        headers = list(answer["headers"].items())
        headers += [(name, value) for name, values in answer["multiValueHeaders"].items() for value in values]
        body = answer["body"] or ""
        if body and not any(name.lower() == "content-type" for name, _ in headers):
            headers.append(("Content-Type", "application/json"))
        content = base64.b64decode(body) if answer.get("isBase64Encoded") else body.encode()
        return Response(answer["statusCode"], tuple((str(name), str(value)) for name, value in headers), content)

    def refuse(self, status: int) -> Response:
        answer = self._gateway_response(_REFUSALS.get(status, "DEFAULT_4XX"), self._generate_lambda_context())
        body = answer["body"].replace(f'"status": {answer["statusCode"]}', f'"status": {status}')
        return Response(status, tuple(answer["headers"].items()), body.encode())

    def handle_request(self, method: str, path: str, headers: dict[str, str], body: bytes | None) -> dict[str, Any]:
        """The answer as a Lambda proxy integration gives it, also for what never reaches the app."""
        context = self._generate_lambda_context()
        try:
            event = self._event(method, path, headers, body, context)
            event = self._authorized(path, event, context)
        except _Refused as refused:
            return self._gateway_response(refused.response_type, context)
        answer: dict[str, Any] = self._app(event, context)
        return answer

    def _event(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None, context: LambdaContext
    ) -> dict[str, Any]:
        try:
            event: dict[str, Any] = self._generate_lambda_event(method, path, dict(headers), body or None)
        except UnicodeDecodeError:
            raise _Refused("BAD_REQUEST_PARAMETERS") from None
        except ValueError:
            raise _Refused(_no_such_route(headers)) from None
        if method not in self._app.routes[event["requestContext"]["resourcePath"]]:
            # Only declared methods exist in API Gateway: no 405, no HEAD for a GET, no OPTIONS for nothing.
            raise _Refused(_no_such_route(headers))
        if isinstance(event["body"], bytes):
            event["body"] = event["body"].decode(errors="replace")
        event["requestContext"] |= {"requestId": context.aws_request_id, "stage": "api"}
        return event

    def _authorized(self, path: str, event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        """The event with what the authorizer found out. It is asked every time; API Gateway remembers for a while."""
        if event["headers"].get("authorization") == "":
            del event["headers"]["authorization"]  # API Gateway does not ask the authorizer about nothing
        try:
            event, _ = self._authorizer.authorize(path, event, context)
        except NotAuthorizedError:
            raise _Refused("UNAUTHORIZED") from None
        except ForbiddenError:
            raise _Refused("ACCESS_DENIED") from None
        except InvalidAuthorizerError:
            raise _Refused("AUTHORIZER_CONFIGURATION_ERROR") from None
        except Exception as error:
            if str(error) == "Unauthorized":
                raise _Refused("UNAUTHORIZED") from None
            _log.exception("The authorizer failed")
            raise _Refused("AUTHORIZER_FAILURE") from error
        found = event["requestContext"].get("authorizer", {})
        if not all(isinstance(value, str | int | float | bool) for value in found.values()):
            raise _Refused("AUTHORIZER_CONFIGURATION_ERROR")
        event["requestContext"]["authorizer"] = {name: _as_text(value) for name, value in found.items()}
        return event

    def _gateway_response(self, response_type: str, context: LambdaContext) -> dict[str, Any]:
        declared = self._responses.get(response_type)
        if declared is None:
            declared = self._responses["DEFAULT_5XX" if "AUTHORIZER" in response_type else "DEFAULT_4XX"]
        prefix = "gatewayresponse.header."
        headers = {
            name.removeprefix(prefix): value.strip("'")
            for name, value in declared.get("responseParameters", {}).items()
            if name.startswith(prefix)
        }
        body: str = declared["responseTemplates"]["application/json"]
        return {
            "statusCode": int(declared["statusCode"]),
            "headers": headers | {"x-amzn-RequestId": context.aws_request_id},
            "multiValueHeaders": {},
            "body": body.replace("$context.requestId", context.aws_request_id),
        }


class _Matcher(RouteMatcher):
    """Chalice's matcher, minded as API Gateway's is: parameters are decoded and never empty, and `//x` is no host."""

    def match_route(self, url: str) -> MatchResult:
        """Raises ValueError for an unknown route, UnicodeDecodeError for a parameter that is not text."""
        path, _, query = url.partition("?")
        parts = (path.removesuffix("/") or "/").split("/")
        for route in self.route_urls:
            names = route.split("/")
            if len(names) == len(parts) and all(_fits(name, part) for name, part in zip(names, parts, strict=True)):
                captured = {
                    name[1:-1]: unquote(part, errors="strict")
                    for name, part in zip(names, parts, strict=True)
                    if name.startswith("{")
                }
                return MatchResult(route, captured, parse_qs(query, keep_blank_values=True))
        raise ValueError(f"no route for {path}")


def _fits(name: str, part: str) -> bool:
    return part != "" if name.startswith("{") else name == part


def _no_such_route(headers: Mapping[str, str]) -> str:
    """API Gateway takes a bearer token on an unknown route for a signature that is incomplete."""
    given = any(name.lower() == "authorization" for name in headers)
    return "INVALID_SIGNATURE" if given else "MISSING_AUTHENTICATION_TOKEN"


def _as_text(value: object) -> str:
    """API Gateway hands every context value over as text."""
    return str(value).lower() if isinstance(value, bool) else str(value)
