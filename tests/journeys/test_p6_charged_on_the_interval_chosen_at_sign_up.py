"""P6: charged automatically on the interval chosen at sign-up: subscriptions issue invoices, autopay charges them when
they fall due.
"""

import pytest

from tests.journeys.autopay import PayingByItself
from tests.journeys.customer import Customer


@pytest.fixture
def desk(acme: Customer) -> PayingByItself:
    desk = PayingByItself(acme)
    desk.choose(acme.has_card(), autopay=True)
    return desk


def issued_on(desk: PayingByItself) -> list[str]:
    return sorted(invoice["issued_on"] for invoice in desk.customer.see("invoices", limit=100)["items"])


def test_monthly_from_the_last_of_a_month_is_charged_on_the_last_of_each(desk: PayingByItself) -> None:
    desk.customer.subscribes(starts_in_days=29, payment_terms_days=0)  # 31 March

    told = desk.after(28, 29, 58, 59, 89, 90)

    assert issued_on(desk) == ["2026-03-31", "2026-04-30", "2026-05-31"]
    assert told == {29: ["charged", "issued"], 59: ["charged", "issued"], 90: ["charged", "issued"]}
    assert desk.charges() == [("succeeded", 4_900)] * 3
    assert {invoice["status"] for invoice in desk.customer.see("invoices")["items"]} == {"paid"}


def test_annual_is_charged_once_a_year_when_its_terms_end(desk: PayingByItself) -> None:
    desk.customer.subscribes(interval="annual", payment_terms_days=14)

    assert desk.fire() == ["issued"]
    assert desk.after(13, 14) == {14: ["charged"]}
    assert desk.after(350, 351, 364, 365) == {351: ["issued"], 365: ["charged"]}

    assert issued_on(desk) == ["2026-03-02", "2027-03-02"]
    assert desk.charges() == [("succeeded", 4_900)] * 2


def test_another_interval_counts_from_the_next_renewal_on(desk: PayingByItself) -> None:
    acme = desk.customer
    subscription_id = acme.subscribes(payment_terms_days=0)
    assert desk.fire() == ["charged", "issued"]

    changed = acme.client.patch(acme.at(f"subscriptions/{subscription_id}"), {"interval": "annual"})

    assert changed.status == 200
    assert (changed.body["interval"], changed.body["next_interval"]) == ("monthly", "annual")
    assert list(desk.after(30, 31, 61)) == [31]
    (subscription,) = acme.see("subscriptions")["items"]
    assert (subscription["interval"], subscription["next_renewal_on"]) == ("annual", "2027-04-02")


def test_canceled_it_ends_with_its_period_unless_that_is_undone(desk: PayingByItself) -> None:
    acme = desk.customer
    address = acme.at(f"subscriptions/{acme.subscribes(payment_terms_days=0)}")
    desk.fire()
    assert acme.client.delete(address).body["cancel_at_period_end"] is True
    assert acme.client.patch(address, {"cancel_at_period_end": False}).body["cancel_at_period_end"] is False
    assert desk.after(30, 31) == {31: ["charged", "issued"]}

    acme.client.delete(address)

    assert desk.after(29, 30, 60) == {30: ["ended"]}
    assert acme.see("subscriptions")["items"][0]["status"] == "canceled"
    assert desk.charges() == [("succeeded", 4_900)] * 2


def test_runs_that_were_missed_are_caught_up_and_what_a_run_did_is_seen_by_the_operator(desk: PayingByItself) -> None:
    acme = desk.customer
    acme.subscribes(payment_terms_days=0)
    acme.stack.clock.advance(seconds=3 * 86_400)

    assert acme.stack.run("renewals").counts == {"handled": 1, "issued": 1}
    assert acme.stack.run("autopay").counts == {"handled": 1, "charged": 1}

    operator = acme.stack.operator()
    day = acme.stack.clock.now().date().isoformat()
    run = operator.get(f"/v1/runs/autopay/{day}").body
    assert (run["counts"]["charged"], run["amounts_minor"]) == (1, {"charged:EUR": 4_900})
    assert run["shards_finished"] == run["shards_started"] == run["shards_total"] == 32
    assert desk.fire() == []


def test_what_ends_has_no_next_renewal(desk: PayingByItself) -> None:
    acme = desk.customer
    address = acme.at(f"subscriptions/{acme.subscribes(payment_terms_days=0)}")
    desk.fire()
    goes_on = acme.client.get(address).body
    what = ("next_renewal_on", "next_amount_minor", "ends_on")

    ends = acme.client.delete(address).body
    said_otherwise = acme.client.patch(address, {"cancel_at_period_end": True}).body
    undone = acme.client.patch(address, {"cancel_at_period_end": False}).body
    acme.client.delete(address)
    assert desk.after(30, 31) == {31: ["ended"]}
    ended = acme.client.get(address).body

    assert [goes_on[name] for name in what] == [goes_on["next_renewal_on"], 4_900, None]
    assert [ends[name] for name in what] == [None, None, goes_on["next_renewal_on"]]
    assert (said_otherwise, undone) == (ends, goes_on)
    assert ended == ends | {"status": "canceled"}
