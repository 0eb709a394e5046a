"""Every route of the app, to be tried with real ids. What each one takes stands here; a new route has to be added."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import app as deployed
from chalicelib.http.endpoints import Endpoint
from tests.journeys.customer import Customer
from tests.support.client import ApiAnswer, ApiClient
from tests.support.stack import Stack

PUBLIC = {"/health", "/openapi.json", "/docs"}
ENDPOINTS: list[Endpoint] = [endpoint for routes in deployed.rooms for endpoint in routes.endpoints]
OF_AN_ACCOUNT = [endpoint for endpoint in ENDPOINTS if "{account_id}" in endpoint.path]
OF_A_RECORD = [endpoint for endpoint in OF_AN_ACCOUNT if endpoint.path.count("{") > 1]
READING = [endpoint for endpoint in ENDPOINTS if endpoint.method == "GET"]
WRITING = [endpoint for endpoint in ENDPOINTS if endpoint.method != "GET"]


def name_of(endpoint: Endpoint) -> str:
    return endpoint.name


@dataclass(frozen=True)
class Records:
    """One customer with one record of each kind: a card, an unpaid invoice, a payment that waits for the bank, a
    subscription that has not begun.
    """

    customer: Customer
    payment_method_id: str
    invoice_id: str
    payment_id: str
    subscription_id: str

    @classmethod
    def of(cls, customer: Customer) -> "Records":
        invoice_id = customer.owes()
        waits = customer.has_card("tok_requires_action")
        card = customer.has_card("tok_mastercard")
        paid = customer.pay(payment_method_id=waits, amount_minor=500)
        return cls(customer, card, invoice_id, paid.body["payment_id"], customer.subscribes(starts_in_days=30))

    @property
    def account_id(self) -> str:
        return self.customer.account_id

    def ids(self) -> dict[str, str]:
        return {
            "account_id": self.account_id,
            "payment_method_id": self.payment_method_id,
            "invoice_id": self.invoice_id,
            "payment_id": self.payment_id,
            "subscription_id": self.subscription_id,
            "sweep": "autopay",
            "date": "2026-03-09",
        }


@dataclass(frozen=True)
class Untouched:
    """Two customers of whom nothing may change."""

    stack: Stack
    acme: Records
    globex: Records

    def everybody_at_once(self) -> ApiClient:
        """Somebody who may do everything, as far as acme is concerned."""
        return self.stack.client("operator", "billing_admin", accounts=(self.acme.account_id,))


def path_of(endpoint: Endpoint, ids: Mapping[str, str]) -> str:
    """The address, with ids filled in. Raises KeyError for a kind of record that Records lacks."""
    return re.sub(r"{(\w+)}", lambda name: ids[name[1]], endpoint.path)


def body_of(endpoint: Endpoint, records: Records) -> dict[str, Any] | None:
    """A body the route takes; None where it takes none. Raises KeyError for a route that is not listed here."""
    if endpoint.body is None:
        return None
    bodies: dict[str, dict[str, Any]] = {
        "open_account": {"name": "Globex", "currency": "EUR", "time_zone": "Europe/Berlin"},
        "put_invoice_recipients": {"invoice_recipients": ["ap@example.com"]},
        "add_payment_method": {"kind": "card", "gateway_token": "tok_visa"},
        "update_payment_method": {"billing_details": {"name": "Ada Byron"}},
        "put_payment_settings": {
            "default_payment_method_id": records.payment_method_id,
            "autopay_enabled": True,
        },
        "issue_invoice": {
            "lines": [{"description": "Plan", "unit_amount_minor": 4_900}],
            "due_on": "2026-03-31",
        },
        "create_subscription": {"plan": "Team, 10 seats", "amount_minor": 4_900, "interval": "monthly"},
        "update_subscription": {"interval": "annual"},
        "put_suspension_exemption": {"exempt": True},
        "resolve_payment": {"outcome": "succeeded", "gateway_reference": "ch_17"},
        "pay": {"amount_minor": 700, "payment_method_id": records.payment_method_id},
    }
    return bodies[endpoint.name]


def ask(
    client: ApiClient, endpoint: Endpoint, records: Records, *, ids: Mapping[str, str] | None = None, body: Any = ...
) -> ApiAnswer:
    """Sends a request that is right in every way, unless other ids or another body are given."""
    return client.request(
        endpoint.method,
        path_of(endpoint, records.ids() if ids is None else ids),
        body_of(endpoint, records) if body is ... else body,
        key=f"{endpoint.name}-1" if endpoint.keyed else None,
    )
