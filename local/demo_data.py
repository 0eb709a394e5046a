"""Three customers with a past: one behind with its payments and suspended, one in another currency and in good order,
one who leaves paying to autopay.

Made through the services, with a clock that stands where the past was; only suspension is done by its rule: the sweep
that suspends would have to run on every day of the past.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from chalicelib.accounts.models import Account
from chalicelib.accounts.rules import suspended, today_of
from chalicelib.accounts.service import OpenRequest
from chalicelib.activity.models import PAYDESK, Actor
from chalicelib.activity.rules import logged
from chalicelib.core.ids import derived_id, fingerprint
from chalicelib.invoices.models import Line
from chalicelib.invoices.service import IssueRequest
from chalicelib.ledger.models import Change
from chalicelib.payment_methods.models import BillingDetails
from chalicelib.payment_methods.service import AddCard
from chalicelib.subscriptions.service import SubscribeRequest
from chalicelib.wiring import Desk
from local.progress import Progress

DeskAt = Callable[[datetime], Desk]
"""The same desk with a clock that stands at an instant."""

_OPERATOR = Actor(subject="demo-operator", name="operator@example.com")


@dataclass(frozen=True)
class _Invoice:
    issued_days_ago: int
    due_in_days: int
    lines: Sequence[tuple[str, int, int]]
    """Description, quantity, unit amount in minor units."""


@dataclass(frozen=True)
class _Subscription:
    """Monthly, agreed on some days ago; its next invoice is issued some days from now."""

    plan: str
    amount_minor: int
    renews_in_days: int


@dataclass(frozen=True)
class _Customer:
    key: str
    name: str
    currency: str
    locale: str
    time_zone: str
    opened_days_ago: int
    invoices: Sequence[_Invoice]
    suspended_days_ago: int | None = None
    subscription: "_Subscription | None" = None
    autopay_with: str | None = None
    """The gateway's token of a card, which autopay charges."""

    @property
    def account_id(self) -> str:
        return derived_id("acc", "accounts", "open", self.key)


LUMEN = _Customer(
    key="lumen-studio",
    name="Lumen Studio GmbH",
    currency="EUR",
    locale="de",
    time_zone="Europe/Berlin",
    opened_days_ago=90,
    invoices=(
        _Invoice(44, -30, [("Team plan, 12 seats", 12, 1_900), ("Storage, 500 GB", 1, 2_450)]),
        _Invoice(6, 8, [("Team plan, 12 seats", 12, 1_900)]),
    ),
    suspended_days_ago=2,
    subscription=_Subscription("Team plan, 12 seats", 22_800, 24),
)
"""Owes 480.50 EUR, 252.50 EUR of it overdue; its services are suspended."""

KIKU = _Customer(
    key="kiku-trading",
    name="Kiku Trading KK",
    currency="JPY",
    locale="en",
    time_zone="Asia/Tokyo",
    opened_days_ago=60,
    invoices=(_Invoice(4, 10, [("Business plan", 1, 24_800)]),),
)
"""Owes 24800 JPY, not due yet."""

FJORD = _Customer(
    key="fjord-analytics",
    name="Fjord Analytics AS",
    currency="NOK",
    locale="en",
    time_zone="Europe/Oslo",
    opened_days_ago=40,
    invoices=(_Invoice(11, 3, [("Scale plan", 1, 149_000)]),),
    subscription=_Subscription("Scale plan", 149_000, 19),
    autopay_with="tok_visa",
)
"""Owes 1490.00 NOK, due in three days, which autopay will charge."""

CUSTOMERS = (LUMEN, KIKU, FJORD)


def seed(desk_at: DeskAt, now: datetime, crowd: int, progress: Progress) -> None:
    """Makes all customers as of `now`, with everything that happened to them before; and `crowd` more, who left paying
    to autopay and owe something since yesterday.
    """
    with progress("customers made", len(CUSTOMERS) + crowd) as done:
        for number, customer in enumerate([*CUSTOMERS, *map(_one_of_a_crowd, range(1, crowd + 1))]):
            _make(desk_at, now, customer)
            done(number + 1)


def _one_of_a_crowd(number: int) -> _Customer:
    """Every tenth has a card without money behind it."""
    return _Customer(
        key=f"customer-{number:04d}",
        name=f"Customer {number:04d}",
        currency="EUR",
        locale="en",
        time_zone="Europe/Berlin",
        opened_days_ago=20,
        invoices=(_Invoice(14, -1, [("Team plan", 1, 1_000 + number)]),),
        autopay_with="tok_visa" if number % 10 else "tok_insufficient_funds",
    )


def _make(desk_at: DeskAt, now: datetime, customer: _Customer) -> None:
    desk = desk_at(now - timedelta(days=customer.opened_days_ago))
    request = OpenRequest(
        key=customer.key,
        request_fingerprint=fingerprint(customer.key),
        actor=_OPERATOR,
        name=customer.name,
        currency=customer.currency,
        locale=customer.locale,
        time_zone=customer.time_zone,
        invoice_recipients=(f"billing@{customer.key}.example",),
    )
    account, _ = desk.accounts.open(request)
    today = today_of(account, now)
    if customer.subscription is not None:
        _subscribe(desk, account, customer.subscription, today)
    for number, invoice in enumerate(customer.invoices):
        desk = desk_at(now - timedelta(days=invoice.issued_days_ago))
        desk.invoices.issue(_issue_request(account, number, invoice, today))
    if customer.autopay_with is not None:
        _switch_autopay_on(desk_at(now - timedelta(days=1)), account, customer.autopay_with)
    if customer.suspended_days_ago is not None:
        at = now - timedelta(days=customer.suspended_days_ago)
        suspend_services(desk_at(at), account.account_id)


def suspend_services(desk: Desk, account_id: str) -> None:
    """Suspends an account's services now, as happens when grace has run out."""
    now = desk.clock.now()
    account, entry = logged(suspended(desk.accounts.get(account_id), now), "services.suspended", PAYDESK, now)
    desk.ledger.commit(Change(account, puts=(entry,)))


def _subscribe(desk: Desk, account: Account, subscription: _Subscription, today: date) -> None:
    desk.subscriptions.create(
        SubscribeRequest(
            account_id=account.account_id,
            key="demo",
            request_fingerprint=fingerprint("demo"),
            actor=_OPERATOR,
            plan=subscription.plan,
            amount_minor=subscription.amount_minor,
            interval="monthly",
            payment_terms_days=14,
            starts_on=today + timedelta(days=subscription.renews_in_days),
        )
    )


def _switch_autopay_on(desk: Desk, account: Account, gateway_token: str) -> None:
    administrator = Actor(subject="demo-administrator", name="admin@example.com")
    request = AddCard(
        account_id=account.account_id,
        key="demo",
        request_fingerprint=fingerprint("demo"),
        actor=administrator,
        gateway_token=gateway_token,
        make_default=True,
        billing_details=BillingDetails(),
    )
    card = desk.payment_methods.add_card(request).method
    desk.payment_methods.put_settings(
        account.account_id, card.payment_method_id, autopay_enabled=True, actor=administrator
    )


def _issue_request(account: Account, number: int, invoice: _Invoice, today: date) -> IssueRequest:
    lines = [
        Line(description=text, quantity=quantity, unit_amount_minor=unit, amount_minor=quantity * unit)
        for text, quantity, unit in invoice.lines
    ]
    return IssueRequest(
        account_id=account.account_id,
        key=f"demo-{number}",
        request_fingerprint=fingerprint(number),
        actor=_OPERATOR,
        lines=lines,
        due_on=today + timedelta(days=invoice.due_in_days),
        issued_on=today - timedelta(days=invoice.issued_days_ago),
    )
