"""What only the local stack answers, under `/_local/`: the clock, the sweeps, the sandbox's bank.

- `POST /_local/clock` `{"advance_seconds": 3600}` moves Paydesk's clock ahead, not that of tokens; `GET` tells it.
- `POST /_local/runs/{sweep}` fires a sweep's schedule, works its queue off and answers what that came to: `counts` and
  amounts as `/v1/runs` describes them, `messages` sent, and `failed_deliveries`, those on which the worker failed.
- `GET` and `POST /_local/sandbox/actions/{payment_id}` is the page a sandbox 3-D Secure redirect leads to.
"""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from chalicelib.core.clock import format_instant
from chalicelib.wiring import Desk
from local.clock import MovableClock
from local.problems import Refusal
from local.runs import Runner
from local.sandbox_page import SandboxPage
from local.web import Request, Response

_ADVANCE_SECONDS_MAX = 10 * 366 * 24 * 3600
"""Ten years: far enough for any test, near enough for every date to stay one."""

Handler = Callable[[Request, str], Response]


class Control:
    """The control API of one desk."""

    SANDBOX_PAGE = "/_local/sandbox/actions"

    def __init__(self, desk: Desk, clock: MovableClock, runner: Runner) -> None:
        self._clock = clock
        self._runner = runner
        page = SandboxPage(desk)
        self._routes: dict[str, dict[str, Handler]] = {
            "/_local/clock": {"GET": self._tell_time, "POST": self._advance},
        }
        # These have a name at their end, which the handler gets.
        self._routes_with_name: dict[str, dict[str, Handler]] = {
            "/_local/runs": {"POST": self._run},
            self.SANDBOX_PAGE: {"GET": page.show, "POST": page.decide},
        }

    def answer(self, request: Request) -> Response:
        try:
            return self._handler(request)
        except Refusal as refusal:
            return refusal.response()

    def _handler(self, request: Request) -> Response:
        path = unquote(request.target.partition("?")[0]).removesuffix("/")
        parent, _, name = path.rpartition("/")
        methods = self._routes.get(path) or self._routes_with_name.get(parent)
        if methods is None:
            known = ", ".join([*self._routes, *(f"{route}/..." for route in self._routes_with_name)])
            raise Refusal(404, "no_such_route", f"The control API has no {path}. It has {known}.")
        if request.method not in methods:
            raise Refusal(405, "method_not_allowed", f"{path} takes {' or '.join(methods)}.")
        return methods[request.method](request, name)

    def _tell_time(self, request: Request, argument: str) -> Response:  # noqa: ARG002  # a handler's signature
        return _json({"now": format_instant(self._clock.now()), "ahead_seconds": self._clock.ahead_seconds})

    def _advance(self, request: Request, argument: str) -> Response:
        body = _object(request)
        seconds = body.get("advance_seconds")
        fits = isinstance(seconds, int) and not isinstance(seconds, bool)
        if body.keys() != {"advance_seconds"} or not fits:
            raise Refusal(422, "invalid_request", 'Send {"advance_seconds": <whole number>} and nothing else.')
        assert isinstance(seconds, int)
        if not 0 <= seconds <= _ADVANCE_SECONDS_MAX - self._clock.ahead_seconds:
            raise Refusal(422, "invalid_request", "The clock only moves ahead, and ten years at most.")
        self._clock.advance(seconds=seconds)
        return self._tell_time(request, argument)

    def _run(self, request: Request, sweep: str) -> Response:
        if request.body.strip() and _object(request):
            raise Refusal(422, "invalid_request", "A run takes no body.")
        known = self._runner.sweeps
        if sweep not in known:
            detail = f"There is no sweep called {sweep}. There is: {', '.join(known)}."
            raise Refusal(404, "not_found", detail, sweeps=known)
        return _json(self._runner.run(sweep))


def _object(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise Refusal(400, "malformed_json", "The body has to be a JSON object.")
    return body


def _json(body: dict[str, Any]) -> Response:
    headers = (("Content-Type", "application/json"), ("Cache-Control", "no-store"))
    return Response(200, headers, json.dumps(body).encode())
