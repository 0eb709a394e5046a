import json
from typing import Any

import pytest
from chalice.app import AuthRequest, AuthResponse, Chalice, Response

from local.gateway import Gateway
from local.stage import Stage
from local.web import Request
from local.web import Response as Answer


@pytest.fixture(scope="module")
def gateway() -> Gateway:
    return Gateway(_small_app(), Stage())


def _small_app() -> Chalice:
    """One guarded route that tells what it was given, and a public one."""
    app = Chalice(app_name="small")
    no_text: Any = {"level": 3, "known": True}
    nested: Any = {"roles": ["a"]}

    @app.authorizer()
    def authorize(request: AuthRequest) -> AuthResponse:
        match request.token:
            case "Bearer good":
                return AuthResponse(routes=["*"], principal_id="ada", context=no_text)
            case "Bearer useless":
                return AuthResponse(routes=[], principal_id="ada")
            case "Bearer nested":
                return AuthResponse(routes=["*"], principal_id="ada", context=nested)
            case "Bearer crash":
                raise LookupError("keys are gone")
        raise Exception("Unauthorized")  # noqa: TRY002  # how Chalice wants it said

    @app.route("/things/{thing}", methods=["GET", "POST"], authorizer=authorize, content_types=["*/*"])
    def tell(thing: str) -> dict[str, object]:
        request: Any = app.current_request
        return {
            "thing": thing,
            "query": {name: request.query_params.getlist(name) for name in request.query_params or ()},
            "body": request.raw_body.decode(),
            "authorizer": request.context["authorizer"],
            "same_context": app.lambda_context is request.lambda_context,
        }

    @app.route("/missing")
    def missing() -> Response:
        return Response({"code": "not_found"}, status_code=404, headers={"Content-Type": "application/problem+json"})

    return app


def _send(gateway: Gateway, method: str, target: str, bearer: str | None = "good", body: bytes = b"") -> Answer:
    headers = {} if bearer is None else {"authorization": f"Bearer {bearer}"}
    return gateway.answer(Request(method, target, headers, body))


def _code(answer: Answer) -> tuple[int, str]:
    assert ("Content-Type", "application/problem+json") in answer.headers
    return answer.status, json.loads(answer.body)["code"]


def _told(answer: Answer) -> dict[str, object]:
    assert answer.status == 200, answer.body
    told: dict[str, object] = json.loads(answer.body)
    return told


@pytest.mark.parametrize("target", ["/nowhere", "/things", "/things/", "/things/a/b", "//things/a", "/"])
@pytest.mark.parametrize("token", [None, "good"])
def test_an_unknown_route_is_a_404_problem_with_and_without_a_token(
    gateway: Gateway, target: str, token: str | None
) -> None:
    assert _code(_send(gateway, "GET", target, token)) == (404, "no_such_route")


@pytest.mark.parametrize("method", ["PUT", "HEAD", "OPTIONS", "BREW"])
def test_a_method_that_is_not_declared_does_not_exist(gateway: Gateway, method: str) -> None:
    assert _code(_send(gateway, method, "/things/a")) == (404, "no_such_route")


@pytest.mark.parametrize(
    ("token", "status", "code"),
    [
        (None, 401, "unauthorized"),
        ("bad", 401, "unauthorized"),
        ("useless", 403, "forbidden"),
        ("crash", 500, "internal_error"),
        ("nested", 500, "internal_error"),
    ],
)
def test_what_the_authorizer_refuses_is_a_problem(gateway: Gateway, token: str | None, status: int, code: str) -> None:
    assert _code(_send(gateway, "GET", "/things/a", token)) == (status, code)


def test_an_empty_authorization_header_is_none(gateway: Gateway) -> None:
    answer = gateway.answer(Request("GET", "/things/a", {"authorization": ""}, b""))
    assert _code(answer) == (401, "unauthorized")


def test_context_values_arrive_as_text(gateway: Gateway) -> None:
    told = _told(_send(gateway, "GET", "/things/a"))
    assert told["authorizer"] == {"level": "3", "known": "true", "principalId": "ada"}


@pytest.mark.parametrize(
    ("target", "thing"),
    [("/things/a%2Fb%20%C3%BC", "a/b ü"), ("/things/a;b=c", "a;b=c"), ("/things/a/", "a"), ("/things/%7Bx%7D", "{x}")],
)
def test_a_path_parameter_is_decoded(gateway: Gateway, target: str, thing: str) -> None:
    assert _told(_send(gateway, "GET", target))["thing"] == thing


def test_a_path_that_is_not_text_is_a_400_problem(gateway: Gateway) -> None:
    assert _code(_send(gateway, "GET", "/things/%ff")) == (400, "malformed_request")


def test_query_parameters_come_with_all_their_values(gateway: Gateway) -> None:
    told = _told(_send(gateway, "GET", "/things/a?x=1&x=2&empty="))
    assert told["query"] == {"x": ["1", "2"], "empty": [""]}


def test_a_body_comes_as_it_was_sent(gateway: Gateway) -> None:
    assert _told(_send(gateway, "POST", "/things/a", body='{"ü": 1}'.encode()))["body"] == '{"ü": 1}'


def test_a_views_own_refusal_passes_through_untouched(gateway: Gateway) -> None:
    answer = _send(gateway, "GET", "/missing", None)
    assert (answer.status, answer.body) == (404, b'{"code":"not_found"}')


@pytest.mark.parametrize(
    ("status", "code"), [(400, "malformed_request"), (413, "body_too_large"), (431, "malformed_request")]
)
def test_what_never_becomes_a_request_is_refused_as_a_problem_of_its_status(
    gateway: Gateway, status: int, code: str
) -> None:
    assert _code(gateway.refuse(status)) == (status, code)
