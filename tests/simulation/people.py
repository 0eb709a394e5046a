"""What customers and operators ask of Paydesk, and what they remember of it."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random
from typing import Any

from chalicelib.accounts.models import Account
from chalicelib.accounts.rules import balance, today_of
from chalicelib.activity.models import Actor
from chalicelib.core.errors import Broken, Refused, Unavailable
from chalicelib.core.ids import derived_id
from chalicelib.invoices.models import Line
from chalicelib.invoices.service import IssueRequest
from chalicelib.payment_methods.models import BillingDetails
from chalicelib.payment_methods.service import AddCard
from chalicelib.payments.service import PayRequest
from chalicelib.subscriptions.service import SubscribeRequest
from chalicelib.wiring import Desk
from tests.simulation.promises import Told
from tests.simulation.providers import Provider

ANNA = Actor(subject="anna", name="anna@example.com")
OPERATOR = Actor(subject="operator", name="operator@example.com")

Doing = Callable[[Desk], str]
"""Asks Paydesk for something, and says in a few words what it answered."""


@dataclass(frozen=True)
class Wish:
    """Something somebody wants done. `payment_id`: of the payment asked for, if one is."""

    says: str
    do: Doing
    payment_id: str | None = None


@dataclass
class Customer:
    """One account, what its people have done so far, and what they were told."""

    name: str
    account_id: str
    provider: Provider
    told: Told
    cards: list[str] = field(default_factory=list)
    payments: list[PayRequest] = field(default_factory=list)
    invoices: list[IssueRequest] = field(default_factory=list)
    adding: list[AddCard] = field(default_factory=list)
    subscriptions: list[str] = field(default_factory=list)
    numbers: int = 0

    def key(self, what: str) -> str:
        self.numbers += 1
        return f"{what}-{self.numbers}"


Ask = Callable[[Customer, Account, Random, Desk], "Wish | None"]
"""Something a customer or operator may want, seeing the account as it stands; None: nothing to want."""


def answered(act: Callable[[], str], told_no: Callable[[], None] = lambda: None) -> str:
    """What a caller learns. Any other error than these is no answer but a defect, and ends the history."""
    try:
        return act()
    except Refused as refused:
        told_no()
        return f"no: {refused.code}"
    except Unavailable:
        told_no()
        return "no: unavailable, nothing was charged"
    except Broken as broken:
        if broken.code != "unreadable_record":
            raise
        return "an error: the record is unreadable"


def pay(customer: Customer, account: Account, dice: Random, desk: Desk) -> Wish | None:
    owed = balance(account, today_of(account, desk.clock.now()))
    if not customer.cards or (owed.payable_minor == 0 and dice.random() < 0.9):
        return None
    wish: dict[str, Any] = {}
    if dice.random() < 0.6:
        wish["payment_method_id"] = dice.choice(customer.cards)
    how = dice.random()
    if how < 0.2:
        wish["expected_payable_minor"] = owed.payable_minor
    elif how < 0.36:
        wish["amount_minor"] = dice.randint(1, max(1, owed.payable_minor))
    elif how < 0.52 and account.open_invoices:
        names = sorted(account.open_invoices)
        wish["invoice_ids"] = tuple(dice.sample(names, dice.randint(1, min(2, len(names)))))
    elif how < 0.56:
        wish["expected_payable_minor"] = owed.payable_minor + 1
    elif how < 0.58:
        wish["amount_minor"] = owed.open_minor + 1
    elif how < 0.6:
        wish["currency"] = "JPY"
    request = PayRequest(customer.account_id, customer.key("pay"), repr(sorted(wish.items())), ANNA, **wish)
    customer.payments.append(request)
    return paying(customer, request, f"pays {_in_words(wish)}")


def pay_again(customer: Customer, _account: Account, dice: Random, _desk: Desk) -> Wish | None:
    """The same request under the same key, however long ago the first was."""
    if not customer.payments:
        return None
    recent = customer.payments[-3:] if dice.random() < 0.7 else customer.payments
    request = dice.choice(recent)
    if dice.random() < 0.05:
        other = replace(request, request_fingerprint="another body", amount_minor=1)
        return paying(customer, other, "sends another body under the same key")
    return paying(customer, request, "sends once more")


def paying(customer: Customer, request: PayRequest, says: str) -> Wish:
    payment_id, told = request.payment_id, customer.told

    def do(desk: Desk) -> str:
        def paid() -> str:
            payment = desk.payments.pay(request).payment
            assert payment.payment_id == payment_id
            told.paid(payment_id, payment.status)
            return payment.status

        told.asked[payment_id] += 1
        return answered(paid, told_no=lambda: told.no(payment_id))

    return Wish(f"{says} ({request.key}, {payment_id})", do, payment_id)


def _in_words(wish: dict[str, Any]) -> str:
    if not wish:
        return "everything"
    return ", ".join(f"{name.removesuffix('_minor')} {value}" for name, value in wish.items())


def add_card(customer: Customer, _account: Account, dice: Random, _desk: Desk) -> Wish:
    if customer.adding and dice.random() < 0.1:
        request = dice.choice(customer.adding)
    else:
        good = not customer.adding or dice.random() < 0.4
        token = dice.choice(customer.provider.good_cards if good else customer.provider.difficult_cards)
        make_default = dice.random() < 0.4
        fingerprint = f"{token} {make_default}"
        key = customer.key("card")
        request = AddCard(customer.account_id, key, fingerprint, ANNA, token, make_default, BillingDetails())
        customer.adding.append(request)
    method_id = request.payment_method_id

    def do(desk: Desk) -> str:
        def added() -> str:
            method = desk.payment_methods.add_card(request).method
            if method_id not in customer.cards:
                customer.cards.append(method_id)
            if customer.told.records.get(method_id) != "removed":
                customer.told.records[method_id] = "added"
            return f"{method.status}: {method_id}"

        return answered(added)

    return Wish(f"adds {request.gateway_token} ({request.key})", do)


def remove_card(customer: Customer, _account: Account, dice: Random, _desk: Desk) -> Wish | None:
    if not customer.cards:
        return None
    method_id = dice.choice(customer.cards)
    on_default: Any = dice.choice(("refuse", "disable_autopay", "promote", "promote"))
    successor = dice.choice(customer.cards) if on_default == "promote" else None

    def do(desk: Desk) -> str:
        def removed() -> str:
            desk.payment_methods.remove(customer.account_id, method_id, ANNA, on_default=on_default, promote=successor)
            customer.told.records[method_id] = "removed"
            return "removed"

        return answered(removed)

    return Wish(f"removes {method_id} (default: {on_default})", do)


def choose(customer: Customer, account: Account, dice: Random, _desk: Desk) -> Wish | None:
    """The default and the autopay switch, in one call."""
    if not customer.cards:
        return None
    default = account.default_method.payment_method_id if account.default_method else None
    method_id = dice.choice(customer.cards) if dice.random() < 0.6 else default
    autopay = dice.random() < 0.75

    def do(desk: Desk) -> str:
        def chosen() -> str:
            desk.payment_methods.put_settings(customer.account_id, method_id, autopay, ANNA)
            return "done"

        return answered(chosen)

    return Wish(f"chooses {method_id}, autopay {'on' if autopay else 'off'}", do)


def cancel(customer: Customer, account: Account, dice: Random, _desk: Desk) -> Wish | None:
    waiting = [p.payment_id for p in account.pending.values() if p.status == "requires_action"]
    waiting = waiting or sorted(account.pending)
    if not waiting:
        return None
    payment_id = dice.choice(waiting)

    def do(desk: Desk) -> str:
        return answered(lambda: desk.payments.cancel(customer.account_id, payment_id, ANNA).status)

    return Wish(f"gives up {payment_id}", do)


def look(customer: Customer, _account: Account, _dice: Random, _desk: Desk) -> Wish:
    def do(desk: Desk) -> str:
        def seen() -> str:
            desk.autopay.forecast(desk.accounts.get(customer.account_id))
            return f"{len(desk.payments.list(customer.account_id, limit=10, cursor=None).items)} payments"

        return answered(seen)

    return Wish("looks at balance, forecast and payments", do)


def issue(customer: Customer, account: Account, dice: Random, desk: Desk) -> Wish:
    """An invoice arrives."""
    if customer.invoices and dice.random() < 0.08:
        request = dice.choice(customer.invoices)
    else:
        today = today_of(account, desk.clock.now())
        amount = dice.randint(1, 40) * 250
        due_on = today + timedelta(days=dice.choice((-20, -10, -1, 0, 0, 1, 3, 14)))
        line = Line(description="Plan", quantity=1, unit_amount_minor=amount, amount_minor=amount)
        key = customer.key("invoice")
        fingerprint = f"{amount} {due_on}"
        request = IssueRequest(customer.account_id, key, fingerprint, OPERATOR, [line], due_on, min(today, due_on))
        customer.invoices.append(request)
    total = sum(line.amount_minor for line in request.lines)

    def do(desk: Desk) -> str:
        def issued() -> str:
            invoice = desk.invoices.issue(request).invoice
            customer.told.records.setdefault(invoice.invoice_id, "issued")
            return f"{invoice.status}: {invoice.invoice_id}"

        return answered(issued)

    return Wish(f"is invoiced {total}, due {request.due_on} ({request.key})", do)


def void(customer: Customer, account: Account, dice: Random, _desk: Desk) -> Wish | None:
    if not account.open_invoices:
        return None
    invoice_id = dice.choice(sorted(account.open_invoices))

    def do(desk: Desk) -> str:
        def voided() -> str:
            status = desk.invoices.void(customer.account_id, invoice_id, OPERATOR).invoice.status
            customer.told.records[invoice_id] = status
            return status

        return answered(voided)

    return Wish(f"has {invoice_id} voided", do)


def subscribe(customer: Customer, account: Account, dice: Random, desk: Desk) -> Wish | None:
    if len(customer.subscriptions) >= 2:
        return None
    key, interval = customer.key("subscription"), dice.choice(("monthly", "monthly", "annual"))
    starts_on = today_of(account, desk.clock.now()) + timedelta(days=dice.choice((0, 0, 1, 4)))
    request = SubscribeRequest(
        customer.account_id,
        key,
        "subscribed",
        OPERATOR,
        plan="Team",
        amount_minor=4_900,
        interval=interval,  # type: ignore[arg-type]  # a choice of literals is a str to random
        payment_terms_days=dice.choice((0, 0, 7, 14)),
        starts_on=starts_on,
    )
    customer.subscriptions.append(derived_id("sub", customer.account_id, "subscription", key))

    def do(desk: Desk) -> str:
        return answered(lambda: desk.subscriptions.create(request)[0].subscription_id)

    return Wish(f"is subscribed, {interval} from {starts_on} ({key})", do)


def change_subscription(customer: Customer, _account: Account, dice: Random, _desk: Desk) -> Wish | None:
    if not customer.subscriptions:
        return None
    subscription_id = dice.choice(customer.subscriptions)
    interval: Any = dice.choice((None, "monthly", "annual"))
    cancels = dice.choice((None, True, False)) if interval is None else None

    def do(desk: Desk) -> str:
        def changed() -> str:
            desk.subscriptions.change(customer.account_id, subscription_id, ANNA, interval=interval, cancel=cancels)
            return "done"

        return answered(changed)

    return Wish(f"changes {subscription_id}: interval {interval}, cancel {cancels}", do)


def exempt(customer: Customer, _account: Account, dice: Random, _desk: Desk) -> Wish:
    exempted = dice.random() < 0.5

    def do(desk: Desk) -> str:
        def put() -> str:
            desk.exemptions.put(customer.account_id, exempt=exempted, actor=OPERATOR)
            return "done"

        return answered(put)

    return Wish("is exempted from suspension" if exempted else "is no longer exempt from suspension", do)


def resolve(customer: Customer, account: Account, dice: Random, _desk: Desk) -> Wish | None:
    """An operator looks a parked payment up at the gateway, and says what it says."""
    parked = [p.payment_id for p in account.pending.values() if p.status == "parked"]
    if not parked:
        return None
    payment_id = dice.choice(parked)
    row = customer.provider.charges().get(payment_id)
    state = row["state"] if row else "void"
    resolution: Any = {"approved": "succeeded", "void": "canceled", "requires_action": "canceled"}.get(state, "declined")

    def do(desk: Desk) -> str:
        return answered(
            lambda: desk.payments.resolve(customer.account_id, payment_id, resolution, None, OPERATOR).status
        )

    return Wish(f"has {payment_id} resolved as {resolution}", do)


WISHES: dict[str, tuple[Ask, int]] = {
    "pay": (pay, 30),
    "pay again under the same key": (pay_again, 8),
    "add a card": (add_card, 8),
    "remove a card": (remove_card, 4),
    "choose default and autopay": (choose, 8),
    "give a payment up": (cancel, 3),
    "look": (look, 3),
    "issue an invoice": (issue, 18),
    "void an invoice": (void, 3),
    "subscribe": (subscribe, 3),
    "change a subscription": (change_subscription, 2),
    "exempt from suspension": (exempt, 1),
    "resolve a parked payment": (resolve, 2),
}
"""Everything people ask, and how often out of all of it."""
