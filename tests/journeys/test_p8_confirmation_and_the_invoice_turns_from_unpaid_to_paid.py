"""P8: the payment is confirmed, and the invoice turns from unpaid to paid: the next read already shows it."""

from tests.journeys.customer import Customer


def test_the_answer_is_the_receipt(acme: Customer) -> None:
    invoice_id = acme.owes(12_345)
    number = acme.invoice(invoice_id)["number"]
    card = acme.has_card()

    answer = acme.pay()

    receipt = answer.body
    assert answer.status == 201
    assert receipt["status"] == "succeeded"
    assert receipt["message"] == "Thank you: 123.45 EUR was paid."
    assert (receipt["amount_minor"], receipt["currency"]) == (12_345, "EUR")
    assert receipt["payment_method"] == {"payment_method_id": card, "kind": "card", "label": "Visa •••• 4242"}
    assert receipt["allocations"] == [{"invoice_id": invoice_id, "number": number, "amount_minor": 12_345}]
    assert receipt["created_at"] == receipt["settled_at"] == "2026-03-02T09:00:00.000Z"
    assert receipt["gateway_reference"]
    assert answer.headers["location"] == acme.at(f"payments/{receipt['payment_id']}")
    assert acme.client.get(answer.headers["location"]).body == receipt


def test_the_next_read_shows_the_invoice_paid(acme: Customer) -> None:
    invoice_id = acme.owes(12_345)
    acme.has_card()
    before = acme.invoice(invoice_id)

    payment_id = acme.pay().body["payment_id"]

    after = acme.invoice(invoice_id)
    assert (before["status"], before["remaining_minor"]) == ("unpaid", 12_345)
    assert (after["status"], after["remaining_minor"]) == ("paid", 0)
    assert after["payments"] == [{"payment_id": payment_id, "amount_minor": 12_345}]
    assert [invoice["invoice_id"] for invoice in acme.see("invoices", status="paid")["items"]] == [invoice_id]
    assert acme.balance()["open_minor"] == 0


def test_paying_again_under_the_same_key_shows_the_same_receipt_and_charges_nothing(acme: Customer) -> None:
    acme.owes()
    acme.has_card()
    first = acme.pay("once")
    acme.owes(700)

    again = acme.pay("once")

    assert (again.status, again.body) == (201, first.body)
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["location"] == first.headers["location"]
    assert acme.balance()["open_minor"] == 700


def test_the_same_key_for_another_request_is_refused(acme: Customer) -> None:
    acme.owes()
    acme.has_card()
    acme.pay("once", amount_minor=100)

    answer = acme.pay("once", amount_minor=200)

    assert (answer.status, answer.code) == (422, "key_reused")
    assert acme.balance()["payable_minor"] == 11_900


def test_one_key_for_a_card_and_for_a_payment_names_two_requests(acme: Customer) -> None:
    acme.owes()

    card = acme.add_card(key="monday")
    payment = acme.pay("monday")

    assert (card.status, payment.status) == (201, 201)
    assert "idempotent-replayed" not in payment.headers


def test_a_partly_paid_invoice_stays_unpaid_and_says_what_remains(acme: Customer) -> None:
    invoice_id = acme.owes(10_000)
    acme.has_card()

    acme.pay(amount_minor=2_500)

    invoice = acme.invoice(invoice_id)
    assert (invoice["status"], invoice["remaining_minor"]) == ("unpaid", 7_500)


def test_payments_are_listed_newest_first_page_by_page(acme: Customer) -> None:
    acme.owes()
    acme.has_card()
    waiting = acme.has_card("tok_timeout_then_approved")
    made = []
    for number in range(3):
        made.append(acme.pay(f"key-{number}", amount_minor=100 + number).body["payment_id"])
        acme.stack.clock.advance(seconds=1)
    made.append(acme.pay("key-3", amount_minor=500, payment_method_id=waiting).body["payment_id"])

    first = acme.see("payments", limit=3)
    second = acme.see("payments", limit=3, cursor=first["next_cursor"])

    listed = [payment["payment_id"] for page in (first, second) for payment in page["items"]]
    assert listed == made[::-1]
    assert second["next_cursor"] is None
    assert first["items"][0]["status"] == "in_flight"
