"""Many at once, over real HTTP, on a DynamoDB that isolates transactions: exactly one charge, and books that agree.

Every answer is one that the contract knows, and none is an error of ours.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from chalicelib.gateways.sandbox import SandboxGateway
from tests.journeys.customer import Customer
from tests.proof.books import Books, flaws, read_books
from tests.proof.world import charges_on
from tests.support.client import ApiAnswer, ApiClient
from tests.support.reconciling import reconcile
from tests.support.stack import Stack

OWED_MINOR = 60_000
CROWD = 50
ROUNDS = 8
PAST_EVERY_CHECK = 3_601
START_SECONDS_MAX = 30

Ask = Callable[[], ApiAnswer]


@dataclass(frozen=True)
class Crowd:
    """Any number of people who work on one customer's account at the same moment."""

    customer: Customer
    threads: ThreadPoolExecutor
    tally: Counter[str]

    def at_once(self, asks: Sequence[Ask]) -> list[ApiAnswer]:
        """All answers, in the order of the requests, which set out together."""
        start = threading.Barrier(len(asks))

        def ask(request: Ask) -> ApiAnswer:
            start.wait(START_SECONDS_MAX)
            return request()

        self.tally["requests racing over HTTP (MiniStack)"] += len(asks)
        return list(self.threads.map(ask, asks))

    def another(self, number: int) -> "Crowd":
        """The same people at the account of another customer, who owes the same and has the same card."""
        stack = self.customer.stack
        next_one = Customer.of(stack, f"customer-{number}")
        next_one = next_one.as_seen_by(next_one.client.over(self.customer.client.transport))
        for total_minor in (10_000, 20_000, 30_000):
            next_one.owes(total_minor)
        next_one.has_card()
        return Crowd(next_one, self.threads, self.tally)

    def books(self, *, calm: bool = True) -> Books:
        """What stands in the books, without a flaw; when `calm`, after everything that was on its way has ended."""
        stack, account_id = self.customer.stack, self.customer.account_id
        if calm:
            stack.clock.advance(seconds=PAST_EVERY_CHECK)
            reconcile(stack.desk)
        charges = charges_on(stack.engine, stack.prefix)
        books = read_books(stack.desk.ledger, charges, account_id, stack.clock.now())
        assert flaws(books, calm=calm) == []
        return books


@pytest.fixture
def crowd(ministack_stack: Stack, tally: Counter[str]) -> Iterator[Crowd]:
    customer = Customer.of(ministack_stack)
    with ministack_stack.served() as http, ThreadPoolExecutor(CROWD) as threads:
        first = Crowd(customer.as_seen_by(customer.client.over(http)), threads, tally)
        yield first.another(0)


def paying(customer: Customer, key: str, **wishes: object) -> Ask:
    return lambda: customer.pay(key, **wishes)


def adding(customer: Customer, token: str) -> Ask:
    return lambda: customer.add_card(token)


def posting(client: ApiClient, path: str) -> Ask:
    return lambda: client.post(path, key="once")


def deleting(client: ApiClient, path: str) -> Ask:
    return lambda: client.delete(path)


def statuses(answers: Sequence[ApiAnswer]) -> Counter[int]:
    return Counter(answer.status for answer in answers)


def taken(answers: Sequence[ApiAnswer]) -> list[str]:
    return [answer.body["payment_id"] for answer in answers if answer.status in (201, 202)]


def test_fifty_payments_with_one_key_charge_once_and_all_are_told_of_the_same_payment(crowd: Crowd) -> None:
    answers = crowd.at_once([paying(crowd.customer, "one key")] * CROWD)
    assert set(statuses(answers)) <= {201, 202}
    assert len(taken(answers)) == CROWD
    assert len([answer for answer in answers if "idempotent-replayed" not in answer.headers]) == 1
    books = crowd.books()
    assert books.approved == dict.fromkeys(taken(answers), OWED_MINOR)


def test_of_fifty_payments_with_fifty_keys_one_charges_and_the_others_find_nothing_to_pay(crowd: Crowd) -> None:
    answers = crowd.at_once([paying(crowd.customer, f"key {number}") for number in range(CROWD)])
    assert statuses(answers) == {201: 1, 409: CROWD - 1}
    assert {answer.code for answer in answers if answer.status == 409} == {"nothing_to_pay"}
    books = crowd.books()
    assert books.approved == dict.fromkeys(taken(answers), OWED_MINOR)


def test_fifty_declined_payments_with_one_key_are_one_decline(crowd: Crowd) -> None:
    card = crowd.customer.has_card("tok_insufficient_funds")
    answers = crowd.at_once([paying(crowd.customer, "one key", payment_method_id=card)] * CROWD)
    assert set(statuses(answers)) <= {202, 402}
    assert statuses(answers)[402] >= 1
    assert len(crowd.books().charges) == 1


def test_one_key_for_two_different_payments_at_once_is_one_payment_and_the_other_is_refused(crowd: Crowd) -> None:
    amounts = [5_000, 7_000] * 10
    answers = crowd.at_once([paying(crowd.customer, "one key", amount_minor=amount) for amount in amounts])
    assert set(statuses(answers)) <= {201, 202, 422}
    assert len(taken(answers)) == statuses(answers)[422] == 10
    assert {answer.code for answer in answers if answer.status == 422} == {"key_reused"}
    assert len(crowd.books().approved) == 1


def test_two_partial_payments_at_once_both_succeed(crowd: Crowd) -> None:
    for number in range(1, ROUNDS + 1):
        pair = crowd.another(number)
        answers = pair.at_once(
            [
                paying(pair.customer, "first", amount_minor=25_000),
                paying(pair.customer, "second", amount_minor=30_000),
            ]
        )
        assert statuses(answers) == {201: 2}
        books = pair.books()
        assert sorted(books.approved[payment_id] for payment_id in taken(answers)) == [25_000, 30_000]
        assert pair.customer.balance()["open_minor"] == 5_000


def test_of_two_partial_payments_that_are_together_too_much_one_is_refused(crowd: Crowd) -> None:
    for number in range(1, ROUNDS + 1):
        pair = crowd.another(number)
        answers = pair.at_once([paying(pair.customer, key, amount_minor=40_000) for key in ("first", "second")])
        assert statuses(answers) == {201: 1, 422: 1}
        assert {answer.code for answer in answers if answer.status == 422} == {"amount_too_high"}
        assert list(pair.books().approved.values()) == [40_000]


def test_six_partial_payments_racing_all_succeed(crowd: Crowd) -> None:
    keys = [f"key {number}" for number in range(6)]
    answers = crowd.at_once([paying(crowd.customer, key, amount_minor=5_000) for key in keys])
    assert set(statuses(answers)) <= {201, 202}
    books = crowd.books()
    assert books.approved == dict.fromkeys(taken(answers), 5_000)
    assert len(taken(answers)) == 6


def test_fifty_partial_payments_racing_never_take_more_than_the_balance(crowd: Crowd) -> None:
    """Together they want four times what is owed. Some are told to try again (503): nothing was charged for those."""
    keys = [f"key {number}" for number in range(CROWD)]
    answers = crowd.at_once([paying(crowd.customer, key, amount_minor=5_000) for key in keys])
    assert {answer.code for answer in answers if answer.status not in (201, 202)} <= {
        "nothing_to_pay",
        "amount_too_high",
        "limit_reached",
        "unavailable",
    }
    books = crowd.books()
    assert books.approved == dict.fromkeys(taken(answers), 5_000)
    assert 5_000 <= sum(books.approved.values()) <= OWED_MINOR
    again = [crowd.customer.pay(key, amount_minor=5_000) for key in keys]
    assert {answer.status for answer in again} <= {201, 409, 422}, "whoever was told to try again can"
    books = crowd.books()
    assert sum(books.approved.values()) == OWED_MINOR


def test_one_card_added_by_many_at_once_is_one_card(crowd: Crowd) -> None:
    answers = crowd.at_once([adding(crowd.customer, "tok_mastercard")] * 20)
    assert statuses(answers) == {201: 20}
    assert len({answer.body["payment_method_id"] for answer in answers}) == 1
    books = crowd.books()
    assert books.account.method_count == 2


def test_a_first_card_added_twice_at_once_leaves_one_default(crowd: Crowd) -> None:
    for number in range(1, ROUNDS + 1):
        newcomer = Customer.of(crowd.customer.stack, f"newcomer-{number}")
        newcomer = newcomer.as_seen_by(newcomer.client.over(crowd.customer.client.transport))
        pair = Crowd(newcomer, crowd.threads, crowd.tally)
        tokens = ("tok_visa", "tok_mastercard")
        answers = pair.at_once([adding(pair.customer, token) for token in tokens])
        assert statuses(answers) == {201: 2}
        assert sorted(answer.body["is_default"] for answer in answers) == [False, True]
        pair.books()


def test_a_payment_against_the_voiding_of_its_invoice_books_or_credits_what_was_taken(crowd: Crowd) -> None:
    operator = crowd.customer.stack.operator().over(crowd.customer.client.transport)
    for number in range(1, ROUNDS + 1):
        pair = crowd.another(number)
        invoice_id = pair.customer.see("invoices", limit=100)["items"][0]["invoice_id"]
        void = pair.customer.at(f"invoices/{invoice_id}/void")
        paid, voided = pair.at_once([paying(pair.customer, "first"), posting(operator, void)])
        assert paid.status in (201, 202)
        assert voided.status in (200, 409)
        books = pair.books()
        invoice = books.invoice(invoice_id)
        assert invoice is not None
        assert invoice.status == ("void" if voided.status == 200 else "paid")


def test_a_payment_against_the_removal_of_its_method_is_refused_or_keeps_it(crowd: Crowd) -> None:
    for number in range(1, ROUNDS + 1):
        pair = crowd.another(number)
        card = pair.customer.has_card("tok_mastercard")
        address = pair.customer.at(f"payment-methods/{card}")
        paid, removed = pair.at_once(
            [paying(pair.customer, "first", payment_method_id=card), deleting(pair.customer.client, address)]
        )
        assert (paid.status, removed.status) in ((201, 204), (201, 409), (422, 204))
        pair.books()


def test_a_new_payment_against_the_approval_of_the_one_it_replaces_charges_one_of_them(crowd: Crowd) -> None:
    gateway = crowd.customer.stack.desk.gateway
    assert isinstance(gateway, SandboxGateway)
    for number in range(1, ROUNDS + 1):
        pair = crowd.another(number)
        card = pair.customer.has_card("tok_requires_action")
        waiting = pair.customer.pay("waiting", payment_method_id=card)
        assert waiting.status == 202
        waiting_id: str = waiting.body["payment_id"]

        def approve(waiting_id: str = waiting_id, pair: Crowd = pair) -> ApiAnswer:
            gateway.complete_action(waiting_id, approve=True)
            return pair.customer.client.get(pair.customer.at(f"payments/{waiting_id}"))

        answers = pair.at_once([paying(pair.customer, "first"), approve])
        assert answers[0].status in (201, 409)
        assert sum(pair.books().approved.values()) == OWED_MINOR
