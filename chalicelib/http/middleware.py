"""What Chalice answers by itself, put into the one problem format: 405, a 500 from outside our own code, and the
like."""

from collections.abc import Callable, Mapping

from chalice.app import Request, Response

from chalicelib.core.clock import SystemClock
from chalicelib.core.errors import PaydeskError
from chalicelib.http import problems
from chalicelib.http.answers import respond
from chalicelib.http.serving import request_id_of
from chalicelib.messages import catalog


def in_problem_format(request: Request, get_response: Callable[[Request], Response]) -> Response:
    """Middleware. Our own responses are text already; Chalice's refusals are an object with Code and Message."""
    response = get_response(request)
    if not (isinstance(response.body, Mapping) and "Code" in response.body):
        return response
    if response.status_code == 405:
        code = "method_not_allowed"
    else:
        code = "internal_error" if response.status_code >= 500 else "malformed_request"
    request_id = request_id_of(request)
    locale = catalog.negotiate(request.headers.get("accept-language"))
    problem = problems.answer_to(PaydeskError(code), locale, SystemClock().now(), request_id)
    told = respond(problem, request_id, settings=None, origin=None)
    if "Allow" in response.headers:
        told.headers["Allow"] = response.headers["Allow"]
    return told
