"""Subscriptions: created by an operator, changed and canceled by the customer, renewed by a sweep."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.core.errors import Invalid, NotFound
from chalicelib.core.money import MINOR_MAX
from chalicelib.setting_groups import Limits
from chalicelib.subscriptions.models import Subscription
from chalicelib.subscriptions.renewals import RENEWALS_PER_COMMIT, Renewals
from chalicelib.subscriptions.service import SubscribeRequest
from chalicelib.sweeps.models import Tally
from chalicelib.sweeps.stores import MemoryRuns
from tests.support.builders import ANNA, OPERATIONS, TODAY
from tests.support.memory_desk import MemoryDesk, a_desk

SUBSCRIPTIONS = Limits().subscriptions


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
    [
        ({"currency": "USD"}, "wrong_currency"),
        ({"starts_on": date(2026, 3, 1)}, "starts_in_the_past"),
        ({"amount_minor": MINOR_MAX}, "invoice_total"),  # of a year
    ],
)
def test_what_cannot_be_created_is_refused(desk: MemoryDesk, fields: dict[str, Any], code: str) -> None:
    with pytest.raises(Invalid, match=code):
        create(desk, **fields)
    assert (subscriptions(desk), desk.account().next_renewal_on) == ([], None)


def test_an_account_holds_so_many_and_not_one_more(desk: MemoryDesk) -> None:
    for number in range(SUBSCRIPTIONS):
        create(desk, f"team-{number}")
    with pytest.raises(Invalid, match="limit_reached"):
        create(desk, "one more")


def test_how_many_is_the_stages_to_say() -> None:
    desk = a_desk(PAYDESK_LIMIT_SUBSCRIPTIONS="1")
    create(desk)
    with pytest.raises(Invalid) as refused:
        create(desk, "one more")
    assert refused.value.facts == {"what": "subscriptions", "limit": 1}


def test_a_limit_that_was_lowered_keeps_no_subscription_from_being_billed(desk: MemoryDesk) -> None:
    for number in range(3):
        create(desk, f"team-{number}")
    lowered = desk.desk.settings.limits.model_copy(update={"subscriptions": 1})
    settings = desk.desk.settings.model_copy(update={"limits": lowered})
    narrow = wiring.build(
        settings, clock=desk.clock, ledger=desk.ledger, gateway=desk.gateway, queue=desk.queue, runs=MemoryRuns()
    )
    assert replace(desk, desk=narrow).run("renewals")["issued"] == 3
    with pytest.raises(Invalid, match="limit_reached"):
        create(replace(desk, desk=narrow), "one more")


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


def test_the_log_says_which_prices_were_agreed(desk: MemoryDesk) -> None:
    subscription, _ = create(desk, other_amount_minor=49_000)
    created = desk.log()[-1]
    assert created.action == "subscription.created"
    prices = {name: created.facts[name] for name in ("amount_minor", "interval", "other_amount_minor", "currency")}
    assert prices == {"amount_minor": 4_900, "interval": "monthly", "other_amount_minor": 49_000, "currency": "EUR"}
    desk.run("renewals")
    told = {"subscription_id": subscription.subscription_id}
    for what, facts in (
        ({"interval": "annual"}, {"next_interval": "annual", "next_amount_minor": 49_000, "currency": "EUR"}),
        ({"cancel": True}, {"cancel_at_period_end": True}),
        ({"cancel": False}, {"cancel_at_period_end": False, "next_amount_minor": 49_000, "currency": "EUR"}),
        ({"interval": "monthly"}, {"next_interval": "monthly", "next_amount_minor": 4_900, "currency": "EUR"}),
    ):
        change(desk, subscription, **what)
        assert (desk.log()[-1].action, desk.log()[-1].facts) == ("subscription.changed", told | facts)


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


def test_what_has_ended_makes_room_for_another_and_hides_none_that_runs(desk: MemoryDesk) -> None:
    starts_on = date(2026, 3, 5)
    standing = [create(desk, f"team-{number}", starts_on=starts_on)[0] for number in range(SUBSCRIPTIONS)]
    with pytest.raises(Invalid, match="limit_reached"):
        create(desk, "one-more")
    for subscription in standing[:20]:
        change(desk, subscription, cancel=True)
    desk.advance(days=3)
    for _ in range(2):
        desk.run("renewals")
    assert desk.account().subscription_count == SUBSCRIPTIONS - 20
    for number in range(20):
        create(desk, f"new-{number}")
    with pytest.raises(Invalid, match="limit_reached"):
        create(desk, "one-more")
    desk.run("renewals")
    assert len(desk.invoices()) == SUBSCRIPTIONS


def test_a_message_that_comes_again_writes_nothing(desk: MemoryDesk) -> None:
    create(desk)
    desk.run("renewals")
    before = desk.account()
    renewals = Renewals(desk.ledger, desk.clock, desk.desk.settings.limits.open_invoices)
    assert (renewals.renew(desk.account_id), desk.account()) == (Tally(), before)


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


def test_subscriptions_are_read_after_their_account(desk: MemoryDesk) -> None:
    """Read before it, they could be older than the account whose version guards the bill."""
    create(desk)
    read: list[str] = []
    desk.ledger.before_get.plan(lambda: read.append("account"))
    desk.ledger.before_records.plan(lambda: read.append("subscriptions"))
    desk.run("renewals")
    assert read == ["account", "subscriptions"]


def test_a_cancellation_before_the_first_period_ends_it_unbilled(desk: MemoryDesk) -> None:
    subscription, _ = create(desk, starts_on=date(2026, 3, 5))
    change(desk, subscription, cancel=True)
    desk.advance(days=3)
    assert desk.run("renewals") == {"handled": 1, "ended": 1}
    assert desk.invoices() == []


def test_a_cancellation_in_the_middle_of_a_renewal_bills_the_period_that_has_begun(desk: MemoryDesk) -> None:
    subscription, _ = create(desk)
    desk.ledger.before_commit.plan(lambda: change(desk, subscription, cancel=True))
    assert desk.run("renewals") == {"handled": 1}
    assert (issued_on(desk), subscriptions(desk)[0].cancel_at_period_end) == (["2026-03-02"], True)


def test_a_change_that_comes_late_leaves_the_periods_that_have_begun_as_they_were_agreed(desk: MemoryDesk) -> None:
    """Runs were missed for 95 days: three more months have begun."""
    yearly, _ = create(desk, "to-yearly")
    ending, _ = create(desk, "ending")
    desk.run("renewals")
    desk.advance(days=95)
    change(desk, yearly, interval="annual")
    change(desk, ending, cancel=True)
    assert issued_on(desk) == [
        day for day in ("2026-03-02", "2026-04-02", "2026-05-02", "2026-06-02") for _ in range(2)
    ]
    assert {invoice.total_minor for invoice in desk.invoices()} == {4_900}
    assert desk.run("renewals") == {}


def test_a_change_that_comes_very_late_bills_all_that_has_begun_first(desk: MemoryDesk) -> None:
    """Many more periods than one commit holds."""
    subscription, _ = create(desk)
    desk.advance(days=31 * 7 * RENEWALS_PER_COMMIT)
    change(desk, subscription, cancel=True)
    assert len(desk.invoices()) > 6 * RENEWALS_PER_COMMIT
    assert desk.run("renewals") == {}


def test_as_many_subscriptions_as_there_may_be_are_billed(desk: MemoryDesk) -> None:
    """A run writes what it renews of them, and nothing of the others: a transaction holds no more."""
    for number in range(SUBSCRIPTIONS):
        create(desk, f"team {number}")
    assert desk.run("renewals")["issued"] == RENEWALS_PER_COMMIT
    assert desk.run("renewals")["issued"] == SUBSCRIPTIONS - RENEWALS_PER_COMMIT


def test_a_subscription_is_read_with_its_account(desk: MemoryDesk) -> None:
    subscription, _ = create(desk, starts_on=date(2026, 3, 5))
    desk.ledger.before_read.plan(lambda: change(desk, subscription, cancel=True))
    changed = change(desk, subscription, interval="annual")
    assert (changed.next_interval, changed.cancel_at_period_end) == ("annual", True)


def test_another_interval_has_its_own_price(desk: MemoryDesk) -> None:
    stated, _ = create(desk, "stated", other_amount_minor=49_000)
    plain, _ = create(desk, "plain")
    yearly, _ = create(desk, "yearly", interval="annual", amount_minor=50_000)
    desk.run("renewals")
    changed = [change(desk, one, interval="annual") for one in (stated, plain)]
    assert [(one.amount_minor, one.next_amount_minor) for one in changed] == [(4_900, 49_000), (4_900, 58_800)]
    assert change(desk, yearly, interval="monthly").next_amount_minor == 4_167, "a twelfth, rounded up"
    desk.advance(days=31)
    desk.run("renewals")
    assert sorted(invoice.total_minor for invoice in desk.invoices()) == [4_900, 4_900, 49_000, 50_000, 58_800]
    standing = {one.subscription_id: one for one in subscriptions(desk)}[stated.subscription_id]
    assert (standing.amount_minor, standing.other_amount_minor) == (49_000, 4_900)
    assert change(desk, standing, interval="monthly").next_amount_minor == 4_900


def test_a_second_subscription_that_begins_later_makes_the_first_no_later(desk: MemoryDesk) -> None:
    create(desk, "first")
    create(desk, "second", starts_on=date(2026, 3, 20))
    assert desk.account().next_renewal_on == TODAY
    assert desk.run("renewals") == {"handled": 1, "issued": 1}
    assert desk.account().next_renewal_on == date(2026, 3, 20)


def test_what_our_own_runs_issued_late_is_not_chased_for_the_days_before(desk: MemoryDesk) -> None:
    create(desk, payment_terms_days=7)
    desk.advance(days=23)
    desk.run("renewals")
    told = {}
    for day in range(24, 40):
        desk.advance(days=1)
        if happened := [what for what in desk.run("overdue") if what != "handled"]:
            told[day] = happened
    assert told == {24: ["noticed"], 30: ["noticed"], 38: ["suspended"]}


def test_too_many_open_invoices_keep_no_period_from_being_billed_and_tell_somebody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    desk = a_desk(PAYDESK_LIMIT_OPEN_INVOICES="2")
    create(desk)
    desk.advance(days=62)
    assert desk.run("renewals") == {"handled": 1, "issued": 3, "too_many_open_invoices": 1}
    assert [(record.message, record.levelname) for record in caplog.records] == [("too_many_open_invoices", "ERROR")]


def test_credit_pays_the_invoice_of_a_period_first(desk: MemoryDesk) -> None:
    invoice_id = desk.issue(6_000)
    payment = desk.pay_with("tok_timeout_then_approved")
    desk.desk.invoices.void(desk.account_id, invoice_id, OPERATIONS)
    desk.desk.payments.check(desk.account_id, payment.payment_id)
    create(desk)
    desk.run("renewals")
    renewed = next(invoice for invoice in desk.invoices() if invoice.total_minor == 4_900)
    assert (renewed.status, desk.account().credit_minor) == ("paid", 1_100)
