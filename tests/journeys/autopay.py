"""A customer who leaves paying to Paydesk: how journeys switch it on, let days pass and fire the schedules."""

from dataclasses import dataclass
from typing import Any

from chalicelib.ledger.due import shard_of
from chalicelib.sweeps.models import Order, SweepName
from tests.journeys.customer import Customer

SWEEPS: tuple[SweepName, ...] = ("renewals", "autopay", "reconcile", "overdue")
_DAY_SECONDS = 86_400


@dataclass(frozen=True)
class PayingByItself:
    """Acme's desk over HTTP, and the schedules that fire once a day."""

    customer: Customer

    def choose(self, payment_method_id: str | None, *, autopay: bool) -> Any:
        """PUT payment-settings, which has to succeed: the settings as they are then."""
        body = {"default_payment_method_id": payment_method_id, "autopay_enabled": autopay}
        answer = self.customer.client.put(self.customer.at("payment-settings"), body)
        assert answer.status == 200, answer.text
        return answer.body

    def fire(self) -> list[str]:
        """Every schedule fires, and the message with the customer's shard is worked off: what happened."""
        stack = self.customer.stack
        counted: set[str] = set()
        for sweep in SWEEPS:
            day = stack.clock.now().date().isoformat()
            order = Order(sweep=sweep, run=day, shards=(shard_of(self.customer.account_id),))
            tally = stack.desk.sweeps.work(order, lambda: 300.0).tally
            counted |= {name for name, count in tally.counts.items() if count}
        return sorted(counted - {"handled"})

    def after(self, *days: int) -> dict[int, list[str]]:
        """What the schedules do so many days from now, firing on these days alone; quiet days are left out."""
        told, passed = {}, 0
        for day in days:
            self.customer.stack.clock.advance(seconds=(day - passed) * _DAY_SECONDS)
            passed = day
            if happened := self.fire():
                told[day] = happened
        return told

    def charges(self) -> list[tuple[str, int]]:
        """Automatic payments, oldest first: status and amount."""
        payments = self.customer.see("payments", limit=100)["items"][::-1]
        return [(p["status"], p["amount_minor"]) for p in payments if p["trigger"] == "autopay"]

    def forecast(self) -> Any:
        return self.customer.see("autopay/forecast")
