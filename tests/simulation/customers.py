"""What customers ask of Paydesk."""

from dataclasses import replace
from random import Random
from typing import Any

from chalicelib.accounts.models import Account
from chalicelib.accounts.rules import balance, today_of
from chalicelib.payment_methods.models import BillingDetails
from chalicelib.payment_methods.service import AddCard
from chalicelib.payments.service import PayRequest
from chalicelib.wiring import Desk
from tests.simulation.people import ANNA, Customer, Wish, answered


def pay(customer: Customer, account: Account, dice: Random, desk: Desk) -> Wish | None:
    owed = balance(account, today_of(account, desk.clock.now()))
    if not customer.cards or (owed.payable_minor == 0 and dice.random() < 0.9):
        return None
    wish: dict[str, Any] = {}
    if dice.random() < 0.7:
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
            told.paid(payment, request.request_fingerprint)
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
        good = dice.random() < (0.35 if customer.adding else 0.7)
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


_EXPIRES_IN_MONTHS = (-1, 0, 0, 1, 2, 24, 24, 60)


def change_expiry(customer: Customer, account: Account, dice: Random, desk: Desk) -> Wish | None:
    """A card came with another expiry date, mostly the default: it was renewed, or its date is soon or past."""
    if not customer.cards:
        return None
    default = account.default_method.payment_method_id if account.default_method else None
    method_id = default if default and dice.random() < 0.7 else dice.choice(customer.cards)
    today = today_of(account, desk.clock.now())
    year, month = divmod(today.year * 12 + today.month - 1 + dice.choice(_EXPIRES_IN_MONTHS), 12)
    expires = (year, month + 1)

    def do(desk: Desk) -> str:
        def updated() -> str:
            desk.payment_methods.update(customer.account_id, method_id, ANNA, billing_details={}, expires=expires)
            return "done"

        return answered(updated)

    return Wish(f"says that {method_id} expires {month + 1:02d}/{year}", do)


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
        return answered(lambda: desk.payments.cancel(customer.account_id, payment_id, ANNA).payment.status)

    return Wish(f"gives up {payment_id}", do)


def look(customer: Customer, _account: Account, _dice: Random, _desk: Desk) -> Wish:
    def do(desk: Desk) -> str:
        def seen() -> str:
            desk.autopay.forecast(desk.accounts.get(customer.account_id))
            return f"{len(desk.payments.list(customer.account_id, limit=10, cursor=None).items)} payments"

        return answered(seen)

    return Wish("looks at balance, forecast and payments", do)


def change_subscription(customer: Customer, _account: Account, dice: Random, _desk: Desk) -> Wish | None:
    if not customer.subscriptions:
        return None
    subscription_id = dice.choice(customer.subscriptions)
    cancels = dice.choice((True, True, False)) if dice.random() < 0.45 else None
    interval: Any = dice.choice(("monthly", "annual", "annual")) if cancels is None or dice.random() < 0.1 else None

    def do(desk: Desk) -> str:
        def changed() -> str:
            desk.subscriptions.change(customer.account_id, subscription_id, ANNA, interval=interval, cancel=cancels)
            return "done"

        return answered(changed)

    return Wish(f"changes {subscription_id}: interval {interval}, cancel {cancels}", do)
