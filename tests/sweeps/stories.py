"""How stories of scheduled runs are told: days pass, and every schedule fires twice."""

from datetime import date
from typing import Any

from chalicelib.core.clock import local_date
from chalicelib.payments.models import Payment
from chalicelib.subscriptions.service import SubscribeRequest
from chalicelib.sweeps.models import SweepName
from tests.support.builders import NOW, OPERATIONS, TODAY
from tests.support.memory_desk import MemoryDesk

SWEEPS: tuple[SweepName, ...] = ("renewals", "autopay", "reconcile", "overdue")


def autopay_with(desk: MemoryDesk, token: str = "tok_visa") -> str:
    card = desk.add_card(token)
    desk.choose(card, autopay=True)
    return card


def a_day(desk: MemoryDesk) -> list[str]:
    """Tomorrow at the same hour all schedules fire: what happens."""
    desk.advance(days=1)
    return all_runs(desk)


def all_runs(desk: MemoryDesk) -> list[str]:
    """Every schedule fires, and once more, when nothing may happen any more. What happened the first time."""
    happened = [what for sweep in SWEEPS for what in desk.run(sweep) if what != "handled"]
    before = desk.account()
    assert not any(desk.run(sweep) for sweep in SWEEPS), "a run fired twice finds nothing to do"
    assert desk.account() == before
    return happened


def on_day(desk: MemoryDesk, day: int) -> list[str]:
    """So many days after the beginning of the story, nothing having run in between: what the runs then do."""
    desk.clock.advance(seconds=day * 86_400 - int((desk.clock.now() - NOW).total_seconds()))
    return all_runs(desk)


def diary(desk: MemoryDesk, days: int) -> dict[int, list[str]]:
    """What each of the next days brings, by days from the beginning of the story; quiet days are left out."""
    told = {}
    for _ in range(days):
        happened = a_day(desk)
        if happened:
            told[(desk.clock.now() - NOW).days] = happened
    return told


def automatic(desk: MemoryDesk) -> list[Payment]:
    """Automatic attempts, oldest first."""
    return [payment for payment in desk.payments()[::-1] if payment.trigger == "autopay"]


def subscribe(desk: MemoryDesk, interval: Any, starts_on: date = TODAY, **fields: Any) -> None:
    wanted: dict[str, Any] = {"plan": "Team", "amount_minor": 4_900, "payment_terms_days": 14}
    request = SubscribeRequest(
        desk.account_id, f"{interval}", "told", OPERATIONS, interval=interval, starts_on=starts_on, **wanted | fields
    )
    desk.desk.subscriptions.create(request)


def day_of(desk: MemoryDesk, payment: Payment) -> date:
    """The customer's day on which a payment was begun."""
    return local_date(payment.reserved_at, desk.account().time_zone)
