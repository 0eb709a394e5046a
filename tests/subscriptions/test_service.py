"""Subscriptions: created by an operator, changed and canceled by the customer, renewed by a sweep."""

from datetime import date
from typing import Any

import pytest

from chalicelib.core.errors import Invalid, NotFound
from chalicelib.subscriptions.models import Subscription
from chalicelib.subscriptions.service import RENEWALS_PER_COMMIT, SUBSCRIPTIONS_MAX, RenewalsSweep, SubscribeRequest
from chalicelib.sweeps.models import Tally
from tests.support.builders import ANNA, OPERATIONS, TODAY
from tests.support.memory_desk import MemoryDesk, a_desk


def create(desk: MemoryDesk, key: str = "team", **fields: Any) -> tuple[Subscription, bool]:
    wanted: dict[str, Any] = {"plan": "Team", "amount_minor": 4_900, "interval": "monthly", "payment_terms_days": 14}
    told = repr(sorted(fields.items()))
    return desk.desk.subscriptions.create(SubscribeRequest(desk.account_id, key, told, OPERATIONS, **wanted | fields))


def change(desk: MemoryDesk, subscription: Subscription, **what: Any) -> Subscription:
    wanted: dict[str, Any] = {"interval": None, "cancel": None}
    changed = desk.desk.subscriptions.change(desk.account_id, subscription.subscription_id, ANNA, **wanted | what)
    assert changed in subscriptions(desk)
    return changed


def subscriptions(desk: MemoryDesk) -> list[Subscription]:
    return list(desk.desk.subscriptions.list(desk.account_id, limit=100, cursor=None).items)


def issued_on(desk: MemoryDesk) -> list[str]:
    return [invoice.issued_on.isoformat() for invoice in desk.invoices()]


def test_the_first_invoice_is_issued_on_the_day_it_begins(desk: MemoryDesk) -> None:
    subscription, _ = create(desk)
    assert (subscription.next_renewal_on, desk.invoices()) == (TODAY, [])
    assert desk.run("renewals") == {"handled": 1, "issued": 1}
    (invoice,) = desk.invoices()
    assert (invoice.issued_on, invoice.due_on, invoice.total_minor) == (TODAY, date(2026, 3, 16), 4_900)
    assert desk.account().next_renewal_on == date(2026, 4, 2)


def test_the_same_request_again_creates_nothing_and_another_body_is_refused(desk: MemoryDesk) -> None:
    first, replayed = create(desk)
    assert not replayed
    assert create(desk) == (first, True)
    assert desk.account().subscription_count == 1
    with pytest.raises(Invalid, match="key_reused"):
        create(desk, amount_minor=1)


@pytest.mark.parametrize(
    ("fields", "code"),
    [({"currency": "USD"}, "wrong_currency"), ({"starts_on": date(2026, 3, 1)}, "starts_in_the_past")],
)
def test_what_cannot_be_created_is_refused(desk: MemoryDesk, fields: dict[str, Any], code: str) -> None:
    with pytest.raises(Invalid, match=code):
        create(desk, **fields)
    assert (subscriptions(desk), desk.account().next_renewal_on) == ([], None)


def test_an_account_holds_so_many_and_not_one_more(desk: MemoryDesk) -> None:
    for number in range(SUBSCRIPTIONS_MAX):
        create(desk, f"team-{number}")
    with pytest.raises(Invalid, match="limit_reached"):
        create(desk, "one more")


def test_an_operators_unknown_account_or_subscription_is_not_found(desk: MemoryDesk) -> None:
    with pytest.raises(NotFound):
        desk.desk.subscriptions.change(desk.account_id, "sub_NONE", ANNA, interval="annual", cancel=None)
    with pytest.raises(NotFound):
        desk.desk.subscriptions.list("acc_NONE", limit=10, cursor=None)


def test_the_interval_changes_from_the_next_renewal_on(desk: MemoryDesk) -> None:
    subscription, _ = create(desk)
    desk.run("renewals")
    changed = change(desk, subscription, interval="annual")
    assert (changed.interval, changed.next_interval, changed.next_renewal_on) == ("monthly", "annual", date(2026, 4, 2))
    desk.advance(days=31)
    desk.run("renewals")
    (renewed,) = subscriptions(desk)
    assert (renewed.interval, renewed.next_renewal_on) == ("annual", date(2027, 4, 2))
    assert issued_on(desk) == ["2026-03-02", "2026-04-02"]


def test_a_cancellation_ends_with_the_period_and_can_be_undone_until_then(desk: MemoryDesk) -> None:
    subscription, _ = create(desk)
    desk.run("renewals")
    assert change(desk, subscription, cancel=True).cancel_at_period_end
    assert not change(desk, subscription, cancel=False).cancel_at_period_end
    desk.advance(days=31)
    assert desk.run("renewals") == {"handled": 1, "issued": 1}
    change(desk, subscription, cancel=True)
    desk.advance(days=31)
    assert desk.run("renewals") == {"handled": 1, "ended": 1}
    assert desk.actions()[-1] == "subscription.ended"
    assert (subscriptions(desk)[0].status, desk.account().next_renewal_on) == ("canceled", None)
    for what in ({"cancel": False}, {"interval": "annual"}):
        with pytest.raises(Invalid, match="subscription_canceled"):
            change(desk, subscription, **what)
    desk.advance(days=400)
    assert desk.run("renewals") == {}
    assert len(desk.invoices()) == 2


def test_doing_a_change_again_changes_nothing(desk: MemoryDesk) -> None:
    subscription, _ = create(desk)
    change(desk, subscription, interval="annual", cancel=True)
    before = desk.account()
    change(desk, subscription, interval="annual", cancel=True)
    assert desk.account() == before


def test_all_missed_periods_are_issued_once_when_runs_come_back(desk: MemoryDesk) -> None:
    create(desk)
    create(desk, "yearly", interval="annual")
    desk.advance(days=31 + 30 + 31)
    assert desk.run("renewals") == {"handled": 1, "issued": 5}
    assert issued_on(desk) == ["2026-03-02", "2026-03-02", "2026-04-02", "2026-05-02", "2026-06-02"]
    assert desk.run("renewals") == {}


def test_more_than_one_commit_holds_are_issued_by_the_next_runs(desk: MemoryDesk) -> None:
    for number in range(RENEWALS_PER_COMMIT + 5):
        create(desk, f"team-{number}")
    assert desk.run("renewals")["issued"] == RENEWALS_PER_COMMIT
    assert desk.run("renewals")["issued"] == 5
    assert desk.run("renewals") == {}
    assert len({invoice.number for invoice in desk.invoices()}) == RENEWALS_PER_COMMIT + 5


def test_what_was_sold_is_billed_over_the_limit_of_open_invoices_and_raises_an_alarm() -> None:
    desk = a_desk(PAYDESK_LIMIT_OPEN_INVOICES="1")
    desk.issue(100)
    create(desk)
    assert desk.run("renewals") == {"handled": 1, "issued": 1, "too_many_open_invoices": 1}
    assert len(desk.account().open_invoices) == 2


def test_a_message_that_comes_again_writes_nothing(desk: MemoryDesk) -> None:
    create(desk)
    desk.run("renewals")
    before = desk.account()
    stage = desk.desk.settings
    again = RenewalsSweep(desk.ledger, desk.clock, stage.limits.commit_retries, stage.limits.open_invoices)
    assert (again.handle(desk.account_id), desk.account()) == (Tally(), before)


def test_two_messages_at_once_issue_a_period_once(desk: MemoryDesk) -> None:
    create(desk)
    desk.ledger.before_commit.plan(lambda: desk.run("renewals"))
    desk.run("renewals")
    assert len(desk.invoices()) == 1


def test_a_renewal_between_reading_account_and_subscriptions_bills_no_period_twice(desk: MemoryDesk) -> None:
    create(desk)
    desk.ledger.before_records.plan(lambda: desk.run("renewals"))
    desk.run("renewals")
    assert len(desk.invoices()) == 1


def test_a_cancellation_between_reading_account_and_subscriptions_is_heeded(desk: MemoryDesk) -> None:
    subscription, _ = create(desk)
    desk.ledger.before_get.plan(lambda: change(desk, subscription, cancel=True))
    assert desk.run("renewals") == {"handled": 1, "ended": 1}
    assert desk.invoices() == []


def test_a_cancellation_that_comes_first_is_heeded(desk: MemoryDesk) -> None:
    subscription, _ = create(desk)
    desk.ledger.before_commit.plan(lambda: change(desk, subscription, cancel=True))
    assert desk.run("renewals") == {"handled": 1, "ended": 1}
    assert desk.invoices() == []


def test_credit_pays_the_invoice_of_a_period_first(desk: MemoryDesk) -> None:
    invoice_id = desk.issue(6_000)
    payment = desk.pay_with("tok_timeout_then_approved")
    desk.desk.invoices.void(desk.account_id, invoice_id, OPERATIONS)
    desk.desk.payments.check(desk.account_id, payment.payment_id)
    create(desk)
    desk.run("renewals")
    renewed = next(invoice for invoice in desk.invoices() if invoice.total_minor == 4_900)
    assert (renewed.status, desk.account().credit_minor) == ("paid", 1_100)
