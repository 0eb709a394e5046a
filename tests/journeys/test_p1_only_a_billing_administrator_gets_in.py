"""P1: only a billing administrator gets in. Every route is tried in test_who_may_do_what.py; this is the story."""

from tests.journeys.customer import Customer
from tests.support.stack import Stack


def test_a_billing_administrator_adds_a_card_and_pays(acme: Customer) -> None:
    invoice_id = acme.owes()

    assert acme.add_card().status == 201
    assert acme.pay().status == 201
    assert acme.invoice(invoice_id)["status"] == "paid"


def test_somebody_who_did_not_sign_in_is_asked_to(stack: Stack, acme: Customer) -> None:
    nobody = acme.as_seen_by(stack.client())

    answer = nobody.pay()

    assert (answer.status, answer.code) == (401, "unauthorized")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "Sign in" in answer.body["detail"]


def test_a_viewer_reads_but_is_told_which_role_paying_takes_and_where_to_get_it(stack: Stack, acme: Customer) -> None:
    acme.owes()
    acme.has_card()
    viewer = acme.as_seen_by(stack.viewer(acme.account_id))

    assert viewer.balance() == acme.balance()
    answer = viewer.pay()

    assert (answer.status, answer.code) == (403, "missing_role")
    assert answer.body["missing_role"] == "billing_admin"
    assert "billing_admin" in answer.body["detail"]
    assert "Ask whoever manages the users of your company" in answer.body["detail"]
    assert acme.balance()["payable_minor"] == 12_000


def test_somebody_without_any_role_reads_nothing(stack: Stack, acme: Customer) -> None:
    newcomer = stack.client().with_token(stack.tokens.token((), (acme.account_id,)))

    answer = newcomer.get(acme.at())

    assert (answer.status, answer.code) == (403, "missing_role")
    assert answer.body["missing_role"] == "billing_viewer"


def test_an_administrator_of_another_customer_learns_nothing_about_this_one(stack: Stack, acme: Customer) -> None:
    stranger = Customer.of(stack, "globex")

    foreign = stranger.client.get(acme.at())
    unknown = stranger.client.get("/v1/accounts/acc_AAAAAAAAAAAAAAAAAAAAAAAAAA")

    assert (foreign.status, foreign.code) == (404, "not_found")
    assert foreign.body == unknown.body


def test_an_administrator_of_two_customers_works_for_both_and_sees_both_in_the_list(stack: Stack) -> None:
    acme, globex = Customer.of(stack), Customer.of(stack, "globex")
    both = stack.admin(acme.account_id, globex.account_id)
    Customer.of(stack, "initech")

    for customer in (acme, globex):
        assert customer.as_seen_by(both).add_card().status == 201
    listed = both.get("/v1/accounts").body["items"]

    assert {account["account_id"] for account in listed} == {acme.account_id, globex.account_id}


def test_an_operator_looks_into_every_account_but_pays_for_none(stack: Stack, acme: Customer) -> None:
    acme.owes()
    acme.has_card()
    operator = acme.as_seen_by(stack.operator())

    assert operator.balance()["payable_minor"] == 12_000
    answer = operator.pay()

    assert (answer.status, answer.body["missing_role"]) == (403, "billing_admin")


def test_an_operator_who_also_administers_one_customer_pays_for_that_one_only(stack: Stack, acme: Customer) -> None:
    globex = Customer.of(stack, "globex")
    for customer in (acme, globex):
        customer.owes()
        customer.has_card()
    both_roles = stack.client("operator", "billing_admin", accounts=(acme.account_id,))

    assert acme.as_seen_by(both_roles).pay().status == 201
    refused = globex.as_seen_by(both_roles).pay()

    assert (refused.status, refused.body["missing_role"]) == (403, "billing_admin")
