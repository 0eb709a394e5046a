"""Stories of autopay: switched on, it charges what falls due, once, on its day."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from chalicelib.core.errors import Conflict, Invalid
from chalicelib.ledger.models import Change
from tests.support.builders import TODAY
from tests.support.memory_desk import MemoryDesk, a_desk
from tests.sweeps.stories import all_runs, automatic, autopay_with, day_of, diary, on_day, subscribe


@pytest.fixture
def desk() -> Iterator[MemoryDesk]:
    made = a_desk(PAYDESK_LIMIT_METHOD_ATTEMPTS_PER_DAY="100")
    yield made
    made.must_balance()


# P5: autopay on or off beside the choice of default, in one call.


def test_default_and_switch_are_set_in_one_commit(desk: MemoryDesk) -> None:
    desk.add_card()
    other = desk.add_card("tok_mastercard")
    before = desk.account()
    after = desk.choose(other, autopay=True)
    assert (desk.default_id(), after.autopay.enabled, after.version) == (other, True, before.version + 1)
    assert desk.choose(other, autopay=True).version == after.version
    off = desk.choose(other, autopay=False)
    assert (desk.default_id(), off.autopay.enabled) == (other, False)


@pytest.mark.parametrize(
    ("token", "code"), [(None, "no_payment_method"), ("tok_visa_past_expiry", "method_not_usable")]
)
def test_switching_on_without_a_usable_default_is_refused_and_says_why(
    desk: MemoryDesk, token: str | None, code: str
) -> None:
    card = desk.add_card(token) if token else None
    with pytest.raises(Invalid, match=code):
        desk.choose(card, autopay=True)
    assert not desk.account().autopay.enabled


def test_while_it_is_off_nothing_is_ever_charged_by_itself(desk: MemoryDesk) -> None:
    autopay_with(desk)
    desk.choose(desk.default_id(), autopay=False)
    desk.issue(100, due_in_days=-1)
    diary(desk, 40)
    assert automatic(desk) == []


# P6: charged automatically on the interval chosen at sign-up.


def test_a_monthly_subscription_is_charged_on_each_due_date(desk: MemoryDesk) -> None:
    autopay_with(desk)
    subscribe(desk, "monthly", date(2026, 3, 31), payment_terms_days=0)
    told = diary(desk, 100)
    paid_on = [payment.reserved_at.date().isoformat() for payment in automatic(desk)]
    assert paid_on == ["2026-03-31", "2026-04-30", "2026-05-31"]
    assert all(what == ["issued", "charged"] for what in told.values())
    assert all(invoice.status == "paid" for invoice in desk.invoices())


def test_an_annual_subscription_is_charged_once_a_year_when_its_terms_end(desk: MemoryDesk) -> None:
    autopay_with(desk)
    subscribe(desk, "annual")
    assert all_runs(desk) == ["issued"]
    happened = {day: on_day(desk, day) for day in (13, 14, 364, 365, 378, 379, 730, 731)}
    assert {day: what for day, what in happened.items() if what} == {
        14: ["charged"],
        365: ["issued"],
        379: ["charged"],
        731: ["issued"],  # 2028 has a 29 February
    }


def test_a_subscription_beside_an_invoice_is_charged_together_with_it(desk: MemoryDesk) -> None:
    autopay_with(desk)
    subscribe(desk, "monthly")
    desk.issue(100, due_in_days=14)
    all_runs(desk)
    diary(desk, 20)
    assert [payment.amount_minor for payment in automatic(desk)] == [5_000]


# What falls due is charged once, on its day.


def test_an_invoice_due_on_the_day_of_a_successful_attempt_is_charged_by_the_next_run(desk: MemoryDesk) -> None:
    autopay_with(desk)
    desk.issue(100, due_in_days=0)
    assert all_runs(desk) == ["charged"]
    desk.advance(minutes=15)
    desk.issue(30, due_in_days=0)
    assert all_runs(desk) == ["charged"]
    assert [payment.amount_minor for payment in automatic(desk)] == [100, 30]


def test_more_than_ninety_invoices_are_charged_ninety_at_a_time_and_the_first_payment_says_what_it_left(
    desk: MemoryDesk,
) -> None:
    autopay_with(desk)
    for _ in range(91):
        desk.issue(100, due_in_days=-1)
    assert desk.run("autopay") == {"handled": 1, "charged": 1}
    desk.advance(minutes=15)
    assert desk.run("autopay") == {"handled": 1, "charged": 1}
    told = [(len(payment.allocations), payment.left_out_invoices) for payment in automatic(desk)]
    assert told == [(90, 1), (1, 0)]


def test_schedules_missed_for_three_days_are_caught_up_once(desk: MemoryDesk) -> None:
    autopay_with(desk)
    for days in (1, 2, 3):
        desk.issue(10 * days, due_in_days=days)
    desk.advance(days=4)
    assert all_runs(desk) == ["charged"]
    assert [payment.amount_minor for payment in automatic(desk)] == [60]


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Pacific/Apia", "Asia/Kathmandu"])
@pytest.mark.parametrize("day", ["2026-03-08", "2026-03-29", "2026-10-25", "2026-11-01"])
def test_across_daylight_saving_each_due_date_is_charged_once_on_its_day(day: str, zone: str) -> None:
    desk = a_desk()
    account = desk.account()
    desk.ledger.commit(Change(account.model_copy(update={"time_zone": zone})))
    autopay_with(desk)
    first = date.fromisoformat(day)
    for offset in range(-1, 2):
        desk.issued(100, first + timedelta(days=offset), TODAY)
    desk.clock.advance(seconds=int((first - TODAY - timedelta(days=3)).total_seconds()))
    for _ in range(24 * 7):
        desk.advance(hours=1)
        desk.run("autopay")
    charged = [day_of(desk, payment) for payment in automatic(desk)]
    assert charged == [first + timedelta(days=offset) for offset in range(-1, 2)]
    desk.must_balance()


def test_what_a_manual_payment_covers_is_not_charged_again(desk: MemoryDesk) -> None:
    autopay_with(desk)
    desk.issue(100, due_in_days=1)
    manual = desk.pay_with("tok_timeout_then_approved")
    desk.advance(days=1)
    assert desk.run("autopay") == {}
    assert desk.run("reconcile") == {"handled": 1, "checked": 1, "ended": 1}
    assert (desk.payment(manual).status, automatic(desk)) == ("succeeded", [])
    assert diary(desk, 3) == {}


def test_a_manual_payment_that_comes_first_leaves_the_run_nothing(desk: MemoryDesk) -> None:
    autopay_with(desk)
    desk.issue(100, due_in_days=0)
    desk.ledger.before_commit.plan(desk.pay)
    assert desk.run("autopay") == {"handled": 1}
    assert [payment.trigger for payment in desk.payments()] == ["manual"]


def test_the_run_that_comes_first_leaves_a_manual_payment_nothing(desk: MemoryDesk) -> None:
    autopay_with(desk)
    desk.issue(100, due_in_days=0)
    desk.ledger.before_commit.plan(lambda: desk.run("autopay"))
    with pytest.raises(Conflict, match="nothing_to_pay"):
        desk.pay()
    assert [payment.trigger for payment in desk.payments()] == ["autopay"]


def test_messages_delivered_twice_late_and_out_of_order_charge_once(desk: MemoryDesk) -> None:
    autopay_with(desk)
    desk.issue(100, due_in_days=0)
    desk.desk.sweeps.start("autopay")
    desk.desk.sweeps.start("autopay")
    late = [*desk.queue.orders, *desk.queue.orders][::-1]
    desk.work()
    for order in late:
        desk.advance(hours=5)
        desk.queue.send(order)
        desk.work()
    assert len(automatic(desk)) == 1


def test_a_customers_key_that_looks_like_autopays_changes_nothing(desk: MemoryDesk) -> None:
    autopay_with(desk)
    for days in range(5):
        desk.issue(100, due_in_days=days)
    keys = ["0", "1", "2", "autopay:3", "autopay"]
    manual = [desk.pay(key, amount_minor=10, invoice_ids=None).payment.payment_id for key in keys]
    all_runs(desk)
    diary(desk, 5)
    assert [payment.amount_minor for payment in automatic(desk)] == [50, 100, 100, 100, 100]
    assert not {payment.payment_id for payment in automatic(desk)} & set(manual)


def test_an_automatic_decline_keeps_no_bookkeeper_from_paying(desk: MemoryDesk) -> None:
    autopay_with(desk, "tok_insufficient_funds")
    desk.issue(100, due_in_days=0)
    assert all_runs(desk) == ["declined"]
    assert desk.pay_with("tok_visa").status == "succeeded"
    assert diary(desk, 10) == {}


def test_a_manual_decline_holds_autopay_for_the_cooldown(desk: MemoryDesk) -> None:
    autopay_with(desk)
    desk.issue(100, due_in_days=0)
    assert desk.pay_with("tok_insufficient_funds").status == "declined"
    assert all_runs(desk) == []
    desk.advance(hours=1)
    assert all_runs(desk) == ["charged"]
