"""What operators ask of Paydesk."""

from datetime import timedelta
from random import Random

from chalicelib.accounts.models import Account
from chalicelib.accounts.rules import covered_by_invoice, today_of
from chalicelib.core.ids import derived_id
from chalicelib.invoices.models import Line
from chalicelib.invoices.service import IssueRequest
from chalicelib.payments.models import Resolution
from chalicelib.subscriptions.service import SubscribeRequest
from chalicelib.wiring import Desk
from tests.simulation.people import OPERATOR, Customer, Wish, answered


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
    covered = sorted(covered_by_invoice(account)) if dice.random() < 0.6 else []
    invoice_id = dice.choice(covered or sorted(account.open_invoices))

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
    key, interval = customer.key("subscription"), dice.choice((*("monthly",) * 5, "annual"))
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


def exempt(customer: Customer, _account: Account, dice: Random, _desk: Desk) -> Wish:
    exempted = dice.random() < 0.5

    def do(desk: Desk) -> str:
        def put() -> str:
            desk.exemptions.put(customer.account_id, exempt=exempted, actor=OPERATOR)
            return "done"

        return answered(put)

    return Wish("is exempted from suspension" if exempted else "is no longer exempt from suspension", do)


_SAYS: dict[str, Resolution] = {"approved": "succeeded", "void": "canceled", "requires_action": "canceled"}
"""What an operator says of a charge in this state; in any other it was declined."""

_BOOKS_LAG = 0.25


def resolve(customer: Customer, account: Account, dice: Random, _desk: Desk) -> Wish | None:
    """An operator looks a parked payment up in the gateway's books and says what stands there: of a charge that was
    approved or declined, under which reference. The books may lag: then they show nothing, whatever was charged."""
    parked = [p.payment_id for p in account.pending.values() if p.status == "parked"]
    if not parked:
        return None
    payment_id = dice.choice(parked)
    lags = dice.random() < _BOOKS_LAG
    row = None if lags else customer.provider.charges().get(payment_id)
    if row and row["state"] == "processing":
        return None  # the bank works on it: there is nothing to say yet
    resolution = _SAYS.get(row["state"] if row else "void", "declined")
    reference = None if resolution == "canceled" else f"ch_{payment_id}"

    def do(desk: Desk) -> str:
        def resolved() -> str:
            return desk.payments.resolve(
                customer.account_id, payment_id, resolution, reference, OPERATOR
            ).payment.status

        return answered(resolved)

    return Wish(f"has {payment_id} resolved as {resolution}{', by books that lag' if lags else ''}", do)
