"""A customer's billing administrator, at the desk."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from chalicelib.core.clock import local_date
from tests.support.client import ApiAnswer, ApiClient
from tests.support.stack import Stack


@dataclass(frozen=True)
class Customer:
    """One account and whoever works on it through the API: the administrator, unless `as_seen_by` says otherwise."""

    stack: Stack
    account_id: str
    client: ApiClient

    @classmethod
    def of(
        cls, stack: Stack, key: str = "acme", *, currency: str = "EUR", time_zone: str = "Europe/Berlin"
    ) -> "Customer":
        account_id = stack.open_account(key, currency=currency, time_zone=time_zone)
        return cls(stack, account_id, stack.admin(account_id))

    def as_seen_by(self, client: ApiClient) -> "Customer":
        return Customer(self.stack, self.account_id, client)

    def at(self, path: str = "") -> str:
        """The address of something of this account: `at("payments")`."""
        return f"/v1/accounts/{self.account_id}" + (f"/{path}" if path else "")

    def owes(self, total_minor: int = 12_000, *, due_in_days: int = 14) -> str:
        """One more unpaid invoice; its id. Due in the past is overdue."""
        return self.stack.issue_invoice(self.account_id, total_minor, due_in_days=due_in_days)

    def has_card(self, gateway_token: str = "tok_visa", *, make_default: bool = False) -> str:
        """One more card, kept before the story begins; its id."""
        return self.stack.add_card(self.account_id, gateway_token, make_default=make_default)

    def subscribes(self, *, key: str = "subscription-1", starts_in_days: int = 0, **wishes: Any) -> str:
        """One more subscription, monthly unless it is wished otherwise; its id."""
        starts_on = local_date(self.stack.clock.now(), self.see()["time_zone"]) + timedelta(days=starts_in_days)
        body = {"plan": "Team, 10 seats", "amount_minor": 4_900, "interval": "monthly", "starts_on": f"{starts_on}"}
        answer = self.stack.operator().post(self.at("subscriptions"), body | wishes, key=key)
        assert answer.status == 201, answer.text
        subscription_id: str = answer.body["subscription_id"]
        return subscription_id

    def see(self, path: str = "", **query: str | int) -> Any:
        """What a GET answers, which has to succeed."""
        answer = self.client.get(self.at(path), **query)
        assert answer.status == 200, answer.text
        return answer.body

    def balance(self) -> dict[str, Any]:
        balance: dict[str, Any] = self.see()["balance"]
        return balance

    def invoice(self, invoice_id: str) -> dict[str, Any]:
        invoice: dict[str, Any] = self.see(f"invoices/{invoice_id}")
        return invoice

    def pay(self, key: str = "payment-1", **wishes: Any) -> ApiAnswer:
        """POST payments, with whatever is wished for; nothing wished pays all that is payable."""
        return self.client.post(self.at("payments"), wishes, key=key)

    def add_card(self, gateway_token: str = "tok_visa", *, key: str | None = None, **more: Any) -> ApiAnswer:
        body = {"kind": "card", "gateway_token": gateway_token, **more}
        return self.client.post(self.at("payment-methods"), body, key=key or f"card-{gateway_token}")

    def actions(self) -> list[str]:
        """What the activity log says happened, oldest first."""
        entries = self.see("activity", order="oldest_first", limit=100)["items"]
        return [entry["action"] for entry in entries]
