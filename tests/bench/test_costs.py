"""What operations cost is counted, index writes included, from what they really write."""

from collections.abc import Iterator

import pytest

from bench.costs import AUTOPAY, PAYMENTS, US_EAST_1, Costs
from tests.support.engines import Engine


@pytest.fixture
def costs(ministack: Engine) -> Iterator[Costs]:
    with ministack.tables() as prefix, ministack.environment():
        yield Costs(ministack, prefix)


@pytest.mark.parametrize(("autopay", "units"), [(False, 19), (True, 20)])
def test_paying_one_invoice_costs_at_most_20_write_units(costs: Costs, units: int, *, autopay: bool) -> None:
    account_id = costs.customer("acme", autopay=autopay)
    paid = costs.of_a_request("pay", "POST", PAYMENTS, account_id, body={}, key="key")
    assert paid.write_units == units
    assert paid.writes == {
        "accounts": 2 + 2 * 2,  # reserved, settled
        "accounts/by-reconcile": 2,  # in and out again
        "accounts/by-overdue": 1,  # out: what is covered is not chased
        **({"accounts/by-autopay": 1} if autopay else {}),
        "payments": 2,
        "payments/by-time": 2,
        "payments/by-payment": 1,
        "payments/by-gateway-reference": 1,
        "invoices": 2,
        "activity": 2,
    }


def test_ministack_counts_the_same_writes_but_for_the_local_index(costs: Costs) -> None:
    paid = costs.of_a_request("pay", "POST", PAYMENTS, costs.customer("acme"), body={}, key="key")
    assert paid.engine_writes == paid.write_units - paid.writes["payments/by-time"] / 2


def test_a_million_autopay_payments_cost_at_most_14_dollars(costs: Costs) -> None:
    """Index query, statistics and messages included, in a run that finds only ten customers a message."""
    cost = costs.of_autopay(AUTOPAY, 10)
    assert cost.write_units == 20 + 2 / 10, "the shard's run: begun, finished"
    assert cost.reads == {"accounts": 1, "accounts/by-autopay": 0.5 / 10}, "a page that is not full is the last"
    assert cost.dollars_for_a_million(US_EAST_1, queue_requests=3 / 10) <= 14


@pytest.mark.parametrize(
    ("method", "path", "body", "key"),
    [
        ("PUT", "/v1/accounts/{account_id}/invoice-recipients", {"invoice_recipients": ["ap@example.com"]}, None),
        ("POST", "/v1/accounts/{account_id}/payment-methods", {"kind": "card", "gateway_token": "tok_discover"}, "c2"),
    ],
)
def test_an_account_that_changes_without_its_due_dates_writes_no_index(
    costs: Costs, method: str, path: str, body: object, key: str | None
) -> None:
    account_id = costs.customer("acme", autopay=True)
    changed = costs.of_a_request("change", method, path, account_id, body=body, key=key)
    assert changed.writes["accounts"] > 0
    assert not any("/" in place for place in changed.writes), changed.writes


def test_what_only_reads_writes_nothing(costs: Costs) -> None:
    account_id = costs.customer("acme")
    costs.of_a_request("pay", "POST", PAYMENTS, account_id, body={}, key="key")
    for method, body, key in (("GET", None, None), ("POST", {}, "key")):
        assert costs.of_a_request("read", method, PAYMENTS, account_id, body=body, key=key).writes == {}
