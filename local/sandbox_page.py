"""The sandbox bank's page: where a customer whose card wants 3-D Secure approves or refuses the payment."""

import json
from html import escape
from typing import Any
from urllib.parse import parse_qs

from chalicelib.core.money import in_words
from chalicelib.gateways.sandbox import Row, SandboxGateway
from chalicelib.gateways.sandbox_tables import DynamoDBCharges
from chalicelib.ledger.dynamodb import dynamodb_client
from chalicelib.wiring import Desk
from local.problems import Refusal
from local.web import Request, Response

_DECISIONS = {"approve": True, "refuse": False}

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sandbox bank</title>
<style>
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 28rem; margin: 4rem auto; padding: 0 1rem; }}
button {{ font: inherit; padding: .5rem 1rem; margin-right: .5rem; }}
</style>
<h1>Sandbox bank</h1>
{content}
</html>
"""
_QUESTION = """<p>Do you approve the payment of <strong>{amount}</strong>?</p>
<form method="post">
<button name="decision" value="approve">Approve</button>
<button name="decision" value="refuse">Refuse</button>
</form>"""


class SandboxPage:
    """Works on the charges of the sandbox and has Paydesk look at the payment at once."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._charges = DynamoDBCharges(dynamodb_client(), desk.settings.table_prefix)

    def show(self, request: Request, payment_id: str) -> Response:  # noqa: ARG002  # a handler's signature
        charge = self._charge(payment_id)
        if charge["state"] != "requires_action":
            return _html("<p>Nothing to approve here: this payment does not wait for you (any more).</p>")
        amount = in_words(int(charge["amount_minor"]), str(charge["currency"]))
        return _html(_QUESTION.format(amount=escape(amount)))

    def decide(self, request: Request, payment_id: str) -> Response:
        """Takes a form or JSON, `decision` being approve or refuse, and answers in kind."""
        as_form = request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
        decision = _decision(request.body, as_form=as_form)
        charge = self._charge(payment_id)
        gateway = self._desk.gateway
        if not isinstance(gateway, SandboxGateway):
            raise Refusal(404, "not_found", "This stack does not charge through the sandbox.")
        if not gateway.complete_action(payment_id, approve=_DECISIONS[decision]):
            raise Refusal(409, "not_waiting", "This payment does not wait for a decision (any more).")
        payment = self._desk.payments.check(str(charge["account_id"]), payment_id)
        if as_form:
            return _html(f"<p>The payment is <strong>{escape(payment.status)}</strong>. You may close this page.</p>")
        body = {"payment_id": payment_id, "account_id": payment.account_id, "status": payment.status}
        return Response(200, (("Content-Type", "application/json"), ("Cache-Control", "no-store")), _dumped(body))

    def _charge(self, payment_id: str) -> Row:
        charge = self._charges.get(payment_id) if payment_id else None
        if charge is None or "account_id" not in charge:
            raise Refusal(404, "not_found", "The sandbox knows no such payment.")
        return charge


def _decision(body: bytes, *, as_form: bool) -> str:
    try:
        given: Any = {k: v[0] for k, v in parse_qs(body.decode()).items()} if as_form else json.loads(body)
    except ValueError:
        given = None
    if not isinstance(given, dict) or given.get("decision") not in _DECISIONS:
        raise Refusal(422, "invalid_request", 'Send {"decision": "approve"} or {"decision": "refuse"}.')
    return str(given["decision"])


def _html(content: str) -> Response:
    headers = (
        ("Content-Type", "text/html; charset=utf-8"),
        ("Cache-Control", "no-store"),
        ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'"),
    )
    return Response(200, headers, _PAGE.format(content=content).encode())


def _dumped(body: dict[str, Any]) -> bytes:
    return json.dumps(body).encode()
