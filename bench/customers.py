"""Customers opened, billed and given a card through Paydesk's services, so that their records have a real size."""

from datetime import date, timedelta

from chalicelib import wiring
from chalicelib.accounts.rules import today_of
from chalicelib.accounts.service import OpenRequest
from chalicelib.activity.models import Actor
from chalicelib.invoices.models import Line
from chalicelib.invoices.service import IssueRequest
from chalicelib.payment_methods.models import BillingDetails
from chalicelib.payment_methods.service import AddCard
from chalicelib.subscriptions.service import SubscribeRequest

OPERATIONS = Actor(subject="6d1f6f9e-5c1b-4f43-8a37-2b7f7b0c4a10", name="operations@example.com")


def open_customer(desk: wiring.Desk, key: str, *, autopay: bool, invoices: int = 1) -> str:
    """A company with an address for its invoices, a subscription that renews next month, a card and invoices due today.
    Returns its account id.
    """
    account, _ = desk.accounts.open(
        OpenRequest(
            key,
            "bench",
            OPERATIONS,
            name="Lumen Studio GmbH & Co. KG",
            currency="EUR",
            locale="de",
            time_zone="Europe/Berlin",
        )
    )
    account_id = account.account_id
    desk.accounts.put_recipients(account_id, ("rechnungen@lumen-studio.example",), OPERATIONS)
    today = today_of(account, desk.clock.now())
    details = BillingDetails(name="Ada Byron", email="ada.byron@example.com")
    card = desk.payment_methods.add_card(
        AddCard(account_id, f"{key}-card", "bench", OPERATIONS, "tok_visa", make_default=True, billing_details=details)
    )
    desk.payment_methods.put_settings(account_id, card.method.payment_method_id, autopay, OPERATIONS)
    _subscribe(desk, account_id, today)
    for number in range(invoices):
        _issue(desk, account_id, f"{key}-invoice-{number}", today)
    return account_id


def _subscribe(desk: wiring.Desk, account_id: str, today: date) -> None:
    desk.subscriptions.create(
        SubscribeRequest(
            account_id,
            "subscription",
            "bench",
            OPERATIONS,
            plan="Team, 10 seats",
            amount_minor=49_000,
            interval="monthly",
            payment_terms_days=14,
            starts_on=today + timedelta(days=30),
        )
    )


def _issue(desk: wiring.Desk, account_id: str, key: str, today: date) -> None:
    lines = [
        Line(description="Team, 10 seats, March 2026", quantity=10, unit_amount_minor=4_900, amount_minor=49_000),
        Line(description="Storage, 200 GB", quantity=2, unit_amount_minor=1_000, amount_minor=2_000),
    ]
    issued_on = today - timedelta(days=14)
    desk.invoices.issue(IssueRequest(account_id, key, "bench", OPERATIONS, lines, today, issued_on))
