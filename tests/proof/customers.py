"""What a customer or an operator asks of Paydesk while something goes wrong, and what they are told."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from chalicelib.accounts.models import Account
from chalicelib.accounts.rules import suspended, today_of
from chalicelib.accounts.service import OpenRequest
from chalicelib.activity.models import Actor
from chalicelib.core.errors import Refused, Unavailable
from chalicelib.core.ids import derived_id
from chalicelib.invoices.models import Line
from chalicelib.invoices.service import IssueRequest
from chalicelib.ledger.due import shard_of
from chalicelib.ledger.models import Change, Key
from chalicelib.payment_methods.models import BillingDetails
from chalicelib.payment_methods.service import AddCard
from chalicelib.payments.service import PayRequest
from chalicelib.sweeps.models import Order
from chalicelib.wiring import Desk

ANNA = Actor(subject="anna", name="anna@example.com")
INVOICES_MINOR = (10_000, 20_000, 30_000)
"""The first is overdue, the others are not due yet."""


@dataclass(frozen=True)
class Told:
    """What an answer said: the status or outcome, or the code of a refusal; and of which record."""

    what: str
    record_id: str | None = None


@dataclass(frozen=True)
class Customer:
    """An account with invoices and cards, as every scenario finds it."""

    account_id: str
    invoice_ids: tuple[str, ...]
    cards: Mapping[str, str]

    def payment_id(self, key: str) -> str:
        return derived_id("pay", self.account_id, "pay", key)


Act = Callable[[Desk, Customer, str], Told]


def new_customer(desk: Desk, tokens: tuple[str, ...]) -> Customer:
    """Opens the account, issues its invoices, adds its cards; the first becomes the default."""
    account, _ = desk.accounts.open(
        OpenRequest("acme", "tests", ANNA, "Acme", currency="EUR", locale="en", time_zone="Europe/Berlin")
    )
    account_id = account.account_id
    today = today_of(account, desk.clock.now())
    invoice_ids = []
    for number, total_minor in enumerate(INVOICES_MINOR):
        line = Line(description="Plan", quantity=1, unit_amount_minor=total_minor, amount_minor=total_minor)
        due_on = today + timedelta(days=14 * number - 1)
        request = IssueRequest(
            account_id, f"invoice {number}", "tests", ANNA, [line], due_on, today - timedelta(days=20)
        )
        invoice_ids.append(desk.invoices.issue(request).invoice.invoice_id)
    cards = {token: _keep_card(desk, account_id, f"card {token}", token) for token in tokens}
    return Customer(account_id, tuple(invoice_ids), cards)


def suspend(desk: Desk, customer: Customer) -> None:
    account = desk.ledger.get(Key(Account, customer.account_id))
    assert account is not None
    desk.ledger.commit(Change(suspended(account, desk.clock.now())))


def paying(card: str = "tok_visa", key: str | None = None, **wish: Any) -> Act:
    """A payment with one of the customer's cards. `wish` as in PayRequest. A fixed `key` serves every request."""

    def act(desk: Desk, customer: Customer, given: str) -> Told:
        request = PayRequest(
            customer.account_id, key or given, "tests", ANNA, payment_method_id=customer.cards[card], **wish
        )
        return told(lambda: (desk.payments.pay(request).payment.status, request.payment_id))

    return act


def checking(key: str) -> Act:
    """A check of the payment that was made under `key`."""

    def act(desk: Desk, customer: Customer, _: str) -> Told:
        payment_id = customer.payment_id(key)
        return told(lambda: (desk.payments.check(customer.account_id, payment_id).status, payment_id))

    return act


def canceling(key: str) -> Act:
    """The customer gives up the payment that was made under `key`."""

    def act(desk: Desk, customer: Customer, _: str) -> Told:
        payment_id = customer.payment_id(key)
        return told(lambda: (desk.payments.cancel(customer.account_id, payment_id, ANNA).payment.status, payment_id))

    return act


def adding(token: str, *, make_default: bool = False) -> Act:
    def act(desk: Desk, customer: Customer, key: str) -> Told:
        request = AddCard(customer.account_id, key, "tests", ANNA, token, make_default, BillingDetails())
        return told(lambda: ("added", desk.payment_methods.add_card(request).method.payment_method_id))

    return act


def issuing(total_minor: int) -> Act:
    def act(desk: Desk, customer: Customer, key: str) -> Told:
        line = Line(description="Plan", quantity=1, unit_amount_minor=total_minor, amount_minor=total_minor)
        due_on = desk.clock.now().date() + timedelta(days=14)
        request = IssueRequest(customer.account_id, key, "tests", ANNA, [line], due_on)
        return told(lambda: ("issued", desk.invoices.issue(request).invoice.invoice_id))

    return act


def voiding(number: int) -> Act:
    def act(desk: Desk, customer: Customer, _: str) -> Told:
        invoice_id = customer.invoice_ids[number]
        return told(lambda: (desk.invoices.void(customer.account_id, invoice_id, ANNA).invoice.status, invoice_id))

    return act


def defaulting_to(token: str) -> Act:
    def act(desk: Desk, customer: Customer, _: str) -> Told:
        method_id = customer.cards[token]

        def put() -> tuple[str, str]:
            account = desk.payment_methods.put_settings(
                customer.account_id, method_id, autopay_enabled=True, actor=ANNA
            )
            assert account.default_method is not None
            return "default", account.default_method.payment_method_id

        return told(put)

    return act


def sweeping(desk: Desk, customer: Customer, key: str) -> Told:
    """Autopay at work. Under "first" a message with the customer's shard is delivered; under any other key the schedule
    fires, and what it sends for that shard is worked off. A worker promises nothing: what it cannot do now comes again.
    """
    shard = shard_of(customer.account_id)
    orders = [Order(sweep="autopay", run="2026-03-02", shards=(shard,))]
    if key != "first":
        orders = [order for order in desk.sweeps.start("autopay") if shard in order.shards]
    try:
        for order in orders:
            desk.sweeps.work(order, lambda: 300.0)
    except Unavailable:
        return Told("postponed", customer.account_id)
    return Told("swept", customer.account_id)


def removing(token: str, *, promote: str) -> Act:
    def act(desk: Desk, customer: Customer, _: str) -> Told:
        method_id = customer.cards[token]

        def removed() -> tuple[str, str]:
            desk.payment_methods.remove(
                customer.account_id, method_id, ANNA, on_default="promote", promote=customer.cards[promote]
            )
            return "removed", method_id

        return told(removed)

    return act


def told(act: Callable[[], tuple[str, str]]) -> Told:
    """What a caller learns. Any other error than these two is no answer but a defect, and ends the test."""
    try:
        return Told(*act())
    except Refused as refused:
        return Told(refused.code)
    except Unavailable:
        return Told("unavailable")


def _keep_card(desk: Desk, account_id: str, key: str, token: str) -> str:
    request = AddCard(account_id, key, "tests", ANNA, token, make_default=False, billing_details=BillingDetails())
    return desk.payment_methods.add_card(request).method.payment_method_id
