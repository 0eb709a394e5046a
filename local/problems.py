"""How the control API says no: in the same format as Paydesk itself, in English."""

import json
from http import HTTPStatus
from typing import Any

from local.web import Response


class Refusal(Exception):
    """A request of the control API that is not carried out. `members` are facts of the problem document."""

    def __init__(self, status: int, code: str, detail: str, **members: Any) -> None:
        self.status = status
        self.document = {
            "type": "about:blank",
            "title": HTTPStatus(status).phrase,
            "status": status,
            "detail": detail,
            "code": code,
            **members,
        }
        super().__init__(detail)

    def response(self) -> Response:
        headers = (("Content-Type", "application/problem+json"), ("Cache-Control", "no-store"))
        return Response(self.status, headers, json.dumps(self.document).encode())
