"""The API's policy against what the API does: every route is used once, and the store's calls are written down.

A call that the policy does not allow would fail in AWS only: moto and MiniStack allow everything. What it allows
and nobody uses would be a gift to whoever breaks in.
"""

from typing import Any, get_args

from chalicelib.sweeps.models import SweepName
from tests.infra.permissions import Notebook, Permission, allowed_by
from tests.support.client import ApiAnswer, ApiClient
from tests.support.stack import Stack

NEEDED_IN_A_RACE: dict[Permission, str] = {
    ("UpdateItem", "payments"): "money that arrives after a check closed its payment is booked on the recorded one",
    ("GetItem", "sandbox-charges"): "the customer authenticates just when the payment is canceled",
}
"""What no quiet day needs, each with what does."""


class Visits:
    """Which of the app's routes were asked."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.made: set[tuple[str, str]] = set()

    def by(self, client: ApiClient) -> ApiClient:
        def remembering(method: str, target: str, headers: Any, body: bytes) -> ApiAnswer:
            answer = client.transport(method, target, headers, body)
            assert answer.status < 500, answer.text
            self.made.add((method, self._route(target.partition("?")[0])))
            return answer

        return client.over(remembering)

    def _route(self, path: str) -> str:
        parts = path.split("/")
        for route in self.stack.app.routes:
            names = route.split("/")
            if len(names) == len(parts) and all(
                name == part or name.startswith("{") for name, part in zip(names, parts, strict=True)
            ):
                return route
        raise AssertionError(f"no route for {path}")


def test_the_api_may_do_exactly_what_its_routes_do(stack: Stack, notebook: Notebook) -> None:
    visits = Visits(stack)

    _a_day_with_every_route(stack, visits)

    protected = {
        (method, path)
        for path, methods in stack.app.routes.items()
        for method, entry in methods.items()
        if entry.authorizer is not None
    }
    assert protected - visits.made == set()
    allowed = allowed_by("policy-api.json")
    assert sorted(notebook.needed - allowed) == [], "AWS would refuse these"
    assert sorted(allowed - notebook.needed) == sorted(NEEDED_IN_A_RACE), "nobody needs these"


def _a_day_with_every_route(stack: Stack, visits: Visits) -> None:
    operator = visits.by(stack.operator())
    opened = operator.post(
        "/v1/accounts", {"name": "Acme", "currency": "EUR", "time_zone": "Europe/Berlin"}, key="acme"
    ).body
    account_id = opened["account_id"]
    admin = visits.by(stack.admin(account_id))
    account = f"/v1/accounts/{account_id}"
    invoices = [_issue(operator, account, key) for key in ("one", "two", "three", "four")]
    assert operator.post(f"{account}/invoices/{invoices[3]}/void", key="void").status == 200

    cards = [_add_card(admin, account, token) for token in ("tok_visa", "tok_requires_action", "tok_mastercard")]
    assert admin.patch(f"{account}/payment-methods/{cards[0]}", {"billing_details": {"name": "Acme"}}).status == 200
    assert admin.delete(f"{account}/payment-methods/{cards[2]}").status == 204
    settings = {"default_payment_method_id": cards[0], "autopay_enabled": True}
    assert admin.put(f"{account}/payment-settings", settings).status == 200
    assert admin.put(f"{account}/invoice-recipients", {"invoice_recipients": ["a@example.com"]}).status == 200

    paid = admin.post(f"{account}/payments", {"invoice_ids": invoices[:1]}, key="pay").body
    waiting = admin.post(
        f"{account}/payments", {"invoice_ids": invoices[1:2], "payment_method_id": cards[1]}, key="action"
    ).body
    assert waiting["status"] == "requires_action"
    assert admin.post(f"{account}/payments/{waiting['payment_id']}/cancel", key="cancel").status == 200
    _subscribe_and_end(operator, admin, account)
    slow = _add_card(admin, account, "tok_timeout_then_approved")
    parked = admin.post(f"{account}/payments", {"payment_method_id": slow}, key="slow").body["payment_id"]
    stack.park(account_id, parked)
    resolution = {"outcome": "canceled"}
    assert operator.post(f"{account}/payments/{parked}/resolve", resolution, key="resolve").status == 200
    assert operator.get(f"{account}/suspension-exemption").body == {"exempt": False}
    assert operator.put(f"{account}/suspension-exemption", {"exempt": True}).body == {"exempt": True}

    _look_at_everything(
        operator, admin, account, {"invoices": invoices[0], "payment-methods": cards[0], "payments": paid["payment_id"]}
    )
    found = operator.get("/v1/accounts", payment_id=paid["payment_id"])
    assert [one["account_id"] for one in found.body["items"]] == [account_id]


def _look_at_everything(operator: ApiClient, admin: ApiClient, account: str, records: dict[str, str]) -> None:
    for search in ({}, {"name": "ac"}, {"gateway_reference": "none"}):
        assert operator.get("/v1/accounts", **search).status == 200
    assert admin.get("/v1/accounts").status == 200
    assert operator.get("/v1/pending-payments").status == 200
    assert admin.get(account).status == 200
    for room, record_id in records.items():
        assert admin.get(f"{account}/{room}").status == 200
        assert admin.get(f"{account}/{room}/{record_id}").status == 200
    assert admin.get(f"{account}/invoices", status="paid").status == 200
    for sweep in get_args(SweepName):
        assert operator.get(f"/v1/runs/{sweep}/2026-03-02").status == 200
    assert admin.get(f"{account}/subscriptions").status == 200
    assert admin.get(f"{account}/autopay/forecast").status == 200
    for page in ("payment-settings", "invoice-recipients", "activity", "activity/export", "activity/verify"):
        assert admin.get(f"{account}/{page}").status == 200
    first = admin.get(f"{account}/activity/verify", limit=1).body
    assert admin.get(f"{account}/activity/verify", limit=1, cursor=first["next_cursor"]).status == 200


def _subscribe_and_end(operator: ApiClient, admin: ApiClient, account: str) -> None:
    body = {"plan": "Team", "amount_minor": 4_900, "interval": "monthly"}
    subscription_id = operator.post(f"{account}/subscriptions", body, key="team").body["subscription_id"]
    subscription = f"{account}/subscriptions/{subscription_id}"
    assert admin.get(subscription).status == 200
    assert admin.patch(subscription, {"interval": "annual"}).status == 200
    assert admin.delete(subscription).status == 200


def _issue(operator: ApiClient, account: str, key: str) -> str:
    body = {"lines": [{"description": "Plan", "unit_amount_minor": 1000}], "due_on": "2026-03-09"}
    answer = operator.post(f"{account}/invoices", body, key=key)
    assert answer.status == 201, answer.text
    invoice_id: str = answer.body["invoice_id"]
    return invoice_id


def _add_card(admin: ApiClient, account: str, token: str) -> str:
    answer = admin.post(f"{account}/payment-methods", {"kind": "card", "gateway_token": token}, key=token)
    assert answer.status == 201, answer.text
    payment_method_id: str = answer.body["payment_method_id"]
    return payment_method_id
