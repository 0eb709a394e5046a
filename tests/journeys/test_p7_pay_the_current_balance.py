"""P7: Invoices > Current balance > Pay balance > choose a method > Submit. One payment settles many invoices."""

from tests.journeys.customer import Customer


def test_invoices_then_current_balance_then_pay_balance_then_choose_a_method_then_submit(acme: Customer) -> None:
    invoices = {acme.owes(9_900, due_in_days=-3), acme.owes(4_050, due_in_days=10), acme.owes(50, due_in_days=20)}
    acme.has_card("tok_visa")
    mastercard = acme.has_card("tok_mastercard")

    unpaid = acme.see("invoices", status="unpaid")["items"]
    balance = acme.balance()
    methods = {method["label"]: method["payment_method_id"] for method in acme.see("payment-methods")["items"]}
    answer = acme.pay(
        payment_method_id=methods["Mastercard •••• 4444"],
        amount_minor=balance["payable_minor"],
        currency=balance["currency"],
        expected_payable_minor=balance["payable_minor"],
    )

    assert {invoice["invoice_id"] for invoice in unpaid} == invoices
    assert balance == {
        "open_minor": 14_000,
        "covered_minor": 0,
        "payable_minor": 14_000,
        "overdue_minor": 9_900,
        "currency": "EUR",
    }
    assert answer.status == 201
    assert answer.body["amount_minor"] == 14_000
    assert answer.body["payment_method"]["payment_method_id"] == mastercard
    assert {part["invoice_id"]: part["amount_minor"] for part in answer.body["allocations"]} == {
        invoice["invoice_id"]: invoice["total_minor"] for invoice in unpaid
    }
    assert acme.balance() == balance | {"open_minor": 0, "payable_minor": 0, "overdue_minor": 0}
    assert acme.see("invoices", status="unpaid")["items"] == []


def test_naming_no_method_charges_the_default(acme: Customer) -> None:
    acme.owes()
    acme.has_card("tok_visa")
    default = acme.has_card("tok_amex", make_default=True)

    assert acme.pay().body["payment_method"]["payment_method_id"] == default


def test_without_any_card_the_answer_says_to_add_one(acme: Customer) -> None:
    acme.owes()

    answer = acme.pay()

    assert (answer.status, answer.code) == (422, "no_payment_method")
    assert "add one" in answer.body["detail"]


def test_a_balance_that_changed_since_it_was_looked_at_is_not_paid(acme: Customer) -> None:
    acme.owes(5_000)
    acme.has_card()
    seen = acme.balance()["payable_minor"]
    acme.owes(700)

    answer = acme.pay(expected_payable_minor=seen)

    assert (answer.status, answer.code) == (409, "balance_changed")
    assert answer.body["payable_minor"] == 5_700
    assert acme.balance()["payable_minor"] == 5_700


def test_a_second_click_with_another_key_finds_nothing_to_pay(acme: Customer) -> None:
    acme.owes()
    acme.has_card("tok_timeout_then_approved")

    first = acme.pay("click-1")
    second = acme.pay("click-2")

    assert first.status == 202
    assert (second.status, second.code) == (409, "nothing_to_pay")
    assert (second.body["open_minor"], second.body["covered_minor"]) == (12_000, 12_000)
    assert second.body["pending"] == [
        {"payment_id": first.body["payment_id"], "status": "in_flight", "covers_minor": 12_000}
    ]


def test_an_expired_card_is_not_charged(acme: Customer) -> None:
    acme.owes()
    card = acme.has_card("tok_visa_past_expiry")

    answer = acme.pay(payment_method_id=card)

    assert (answer.status, answer.code) == (422, "method_not_usable")
    assert answer.body["reason"] == "expired"
    assert answer.body["payment_method_id"] == card


def test_a_removed_card_is_not_charged(acme: Customer) -> None:
    acme.owes()
    acme.has_card("tok_visa")
    removed = acme.has_card("tok_mastercard")
    acme.client.delete(acme.at(f"payment-methods/{removed}"))

    answer = acme.pay(payment_method_id=removed)

    assert (answer.status, answer.code, answer.body["reason"]) == (422, "method_not_usable", "not_found")


def test_a_payment_that_provably_was_not_sent_is_final_for_its_key_and_may_be_tried_under_another(
    acme: Customer,
) -> None:
    acme.owes()
    acme.has_card("tok_visa")
    unreachable = acme.has_card("tok_not_sent")

    failed = acme.pay("first", payment_method_id=unreachable)
    again = acme.pay("first", payment_method_id=unreachable)
    other = acme.pay("second")

    assert (failed.status, failed.code) == (502, "payment_canceled")
    assert (again.status, again.headers["idempotent-replayed"]) == (502, "true")
    assert again.body["payment_id"] == failed.body["payment_id"]
    assert other.status == 201
    assert acme.see(f"payments/{failed.body['payment_id']}")["status"] == "canceled"
