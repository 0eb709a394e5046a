"""3-D Secure: the bank wants its customer to confirm a payment. Until then it waits, and covers what it is for."""

import pytest

from chalicelib.gateways.sandbox import SandboxGateway
from tests.journeys.customer import Customer
from tests.support.client import ApiAnswer
from tests.support.contents import nothing_written
from tests.support.reconciling import reconcile

ACTION_EXPIRES_SECONDS = 3600


@pytest.fixture
def secured(acme: Customer) -> Customer:
    """Acme, who owes 120.00 EUR and whose default card wants 3-D Secure."""
    acme.owes(12_000)
    acme.has_card("tok_requires_action")
    return acme


def bank_says(customer: Customer, payment_id: str, *, approve: bool) -> None:
    """What the customer does on the bank's page."""
    gateway = customer.stack.desk.gateway
    assert isinstance(gateway, SandboxGateway)
    assert gateway.complete_action(payment_id, approve=approve)


def reconciled(customer: Customer) -> None:
    """An hour later, when Paydesk looks what became of payments that wait."""
    customer.stack.clock.advance(seconds=ACTION_EXPIRES_SECONDS)
    reconcile(customer.stack.desk)


def waiting(answer: ApiAnswer) -> str:
    """The id of a payment that waits for the customer."""
    assert (answer.status, answer.body["status"]) == (202, "requires_action")
    payment_id: str = answer.body["payment_id"]
    return payment_id


def test_the_answer_says_where_to_confirm_and_the_invoices_are_covered(secured: Customer) -> None:
    answer = secured.pay()

    payment_id = waiting(answer)
    assert answer.body["next_action"] == {"type": "redirect", "url": f"https://example.com/sandbox/{payment_id}"}
    assert answer.body["confirm_by"] == "2026-03-02T10:00:00.000Z"
    assert "by 2026-03-02 10:00:00 UTC" in answer.body["message"]
    assert answer.headers["location"] == secured.at(f"payments/{payment_id}")
    assert secured.see()["pending_payment_ids"] == [payment_id]
    assert secured.balance()["covered_minor"] == 12_000
    assert secured.balance()["payable_minor"] == 0


def test_confirmed_at_the_bank_it_is_settled_when_paydesk_looks(secured: Customer) -> None:
    payment_id = waiting(secured.pay())

    bank_says(secured, payment_id, approve=True)
    reconciled(secured)

    payment = secured.see(f"payments/{payment_id}")
    assert (payment["status"], payment["next_action"], payment["confirm_by"]) == ("succeeded", None, None)
    assert secured.balance()["open_minor"] == 0
    assert secured.pay().status == 201, "the same request now answers the receipt"


def test_refused_at_the_bank_it_is_declined(secured: Customer) -> None:
    payment_id = waiting(secured.pay())

    bank_says(secured, payment_id, approve=False)
    reconciled(secured)

    answer = secured.pay()
    assert (answer.status, answer.body["decline_code"]) == (402, "authentication_failed")
    assert answer.body["next_best_action"] == "authenticate"
    assert answer.body["payment_id"] == payment_id
    assert secured.balance()["payable_minor"] == 12_000


def test_never_confirmed_it_is_canceled_after_an_hour_and_nothing_cools_down(secured: Customer) -> None:
    payment_id = waiting(secured.pay())

    reconciled(secured)

    assert secured.see(f"payments/{payment_id}")["status"] == "canceled"
    assert secured.pay().code == "payment_canceled"
    assert waiting(secured.pay("another key")) != payment_id


def test_it_can_be_given_up(secured: Customer) -> None:
    payment_id = waiting(secured.pay())

    answer = secured.client.post(secured.at(f"payments/{payment_id}/cancel"), key="cancel-1")

    assert (answer.status, answer.body["status"]) == (200, "canceled")
    assert "no money was taken" in answer.body["message"]
    assert secured.balance()["payable_minor"] == 12_000
    again = secured.client.post(secured.at(f"payments/{payment_id}/cancel"), key="cancel-1")
    assert (again.status, again.body) == (200, answer.body)


def test_giving_up_what_the_bank_just_confirmed_answers_that_it_was_paid(secured: Customer) -> None:
    payment_id = waiting(secured.pay())
    bank_says(secured, payment_id, approve=True)

    answer = secured.client.post(secured.at(f"payments/{payment_id}/cancel"), key="cancel-1")

    assert (answer.status, answer.body["status"]) == (200, "succeeded")
    assert secured.balance()["open_minor"] == 0


def test_only_a_payment_that_waits_for_the_customer_can_be_given_up(secured: Customer) -> None:
    paid = secured.pay(payment_method_id=secured.has_card("tok_visa")).body["payment_id"]

    answer = secured.client.post(secured.at(f"payments/{paid}/cancel"), key="cancel-1")

    assert (answer.status, answer.code) == (409, "payment_not_cancelable")
    assert "succeeded" in answer.body["detail"]


def test_a_new_payment_takes_the_place_of_one_that_waits(secured: Customer) -> None:
    visa = secured.has_card("tok_visa")
    given_up = waiting(secured.pay("first"))

    answer = secured.pay("second", payment_method_id=visa)

    assert answer.status == 201
    assert answer.body["amount_minor"] == 12_000
    replaced = secured.see(f"payments/{given_up}")
    assert (replaced["status"], replaced["replaced_by_payment_id"]) == ("canceled", answer.body["payment_id"])
    assert f"See payment {answer.body['payment_id']}." in replaced["message"]
    assert secured.balance()["open_minor"] == 0


def test_a_payment_the_bank_confirmed_meanwhile_is_not_taken_the_place_of(secured: Customer) -> None:
    visa = secured.has_card("tok_visa")
    confirmed = waiting(secured.pay("first"))
    bank_says(secured, confirmed, approve=True)

    answer = secured.pay("second", payment_method_id=visa)

    assert (answer.status, answer.code) == (409, "nothing_to_pay")
    assert secured.see(f"payments/{confirmed}")["status"] == "succeeded"


def test_a_payment_that_needs_nothing_of_what_waits_leaves_it_waiting(secured: Customer) -> None:
    visa = secured.has_card("tok_visa")
    first = waiting(secured.pay("first", amount_minor=5_000))

    other = secured.pay("second", amount_minor=7_000, payment_method_id=visa)

    assert other.status == 201
    assert secured.see(f"payments/{first}")["status"] == "requires_action"
    bank_says(secured, first, approve=True)
    reconciled(secured)
    assert secured.balance()["open_minor"] == 0


@pytest.mark.parametrize(
    ("wishes", "code"),
    [
        ({"amount_minor": 12_001}, "amount_too_high"),
        ({"currency": "USD"}, "wrong_currency"),
        ({"expected_payable_minor": 11_999}, "balance_changed"),
        ({"invoice_ids": ["inv_20260101_AAAAAAAAAAAAAAAAAAAAAAAAAA"]}, "invoice_not_payable"),
        ({"payment_method_id": "pm_AAAAAAAAAAAAAAAAAAAAAAAAAA"}, "method_not_usable"),
        ({"payment_method_id": "expired"}, "method_not_usable"),
    ],
    ids=lambda value: value if isinstance(value, str) else next(iter(value)),
)
def test_a_payment_that_is_refused_leaves_the_one_that_waits_alone(
    secured: Customer, wishes: dict[str, object], code: str
) -> None:
    expired = secured.has_card("tok_visa_past_expiry")
    first = waiting(secured.pay("first"))
    wishes = {name: expired if value == "expired" else value for name, value in wishes.items()}

    with nothing_written(secured.stack):
        answer = secured.pay("second", **wishes)

    assert answer.code == code
    assert secured.see(f"payments/{first}")["status"] == "requires_action"


def test_a_payment_refused_while_cooling_down_leaves_the_one_that_waits_alone(secured: Customer) -> None:
    empty = secured.has_card("tok_insufficient_funds")
    first = waiting(secured.pay("first", amount_minor=5_000))
    assert secured.pay("second", amount_minor=7_000, payment_method_id=empty).status == 402

    with nothing_written(secured.stack):
        answer = secured.pay("third")

    assert (answer.status, answer.code) == (429, "cooling_down")
    assert secured.see(f"payments/{first}")["status"] == "requires_action"
