"""After the calm, everybody pays what they owe: nothing may stand in the way of that, and nothing may be left over."""

from chalicelib.accounts.models import Account
from chalicelib.core.errors import Conflict, Invalid, Refused
from chalicelib.payment_methods.models import BillingDetails
from chalicelib.payment_methods.service import AddCard
from chalicelib.payments.service import PayRequest
from chalicelib.wiring import Desk
from tests.simulation.people import ANNA, Customer


def pay_all_that_is_left(desk: Desk, customer: Customer) -> str | None:
    """Adds a card that is sound and pays with it, as often as one payment does not take all. What is wrong, if anything
    is. A customer who may keep no more cards, and one whose payments wait for a person or a bank, cannot be asked
    to."""
    token = customer.provider.good_cards[0]
    wish = AddCard(customer.account_id, "last card", token, ANNA, token, True, BillingDetails())  # noqa: FBT003
    try:
        card = desk.payment_methods.add_card(wish).method.payment_method_id
    except Refused as refused:
        return None if refused.code == "limit_reached" else f"a sound card is refused: {refused.code}"
    account = desk.accounts.get(customer.account_id)
    for number in range(1 + len(account.open_invoices)):
        request = PayRequest(customer.account_id, f"last-{number}", "last", ANNA, payment_method_id=card)
        try:
            status = desk.payments.pay(request).payment.status
        except Conflict:
            break
        except Invalid as refused:
            if refused.facts.get("what") != "pending_payments":
                raise
            break  # its bank still works on as many as it may have
        if status != "succeeded":
            return f"a payment with a sound card is {status}"
    return _left_over(desk.accounts.get(customer.account_id))


def _left_over(account: Account) -> str | None:
    if account.pending:
        return None
    if account.open_invoices:
        return f"these cannot be paid any more: {sorted(account.open_invoices)}"
    if account.services.status == "suspended":
        return "all is paid and services are suspended"
    return None
