"""The stages histories are played in, the accounts they are about, and the days they begin on."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from chalicelib import settings as static
from chalicelib.core.ids import derived_id
from chalicelib.ledger.due import shard_of
from chalicelib.settings import Settings
from chalicelib.sweeps.models import SweepName
from tests.support.memory_desk import ENVIRON

SWEEPS: tuple[SweepName, ...] = ("reconcile", "renewals", "autopay", "overdue")

_SWEEP = {"PAYDESK_SWEEP_THREADS": "1", "PAYDESK_SWEEP_PAGE": "2", "PAYDESK_LIMIT_METHOD_ATTEMPTS_PER_DAY": "100"}
"""One thread: whose turn it is is thrown, not raced for. Small pages: a few accounts need several."""

_NARROW = {
    "PAYDESK_CHECK_SCHEDULE_SECONDS": "300",
    "PAYDESK_COOLDOWN_SCOPE": "payment_method",
    "PAYDESK_COLLECTION_TECHNICAL_RETRIES": "1",
    "PAYDESK_LIMIT_COMMIT_RETRIES": "2",
    "PAYDESK_LIMIT_INVOICES_PER_PAYMENT": "2",
    "PAYDESK_LIMIT_METHODS": "3",
    "PAYDESK_LIMIT_OPEN_INVOICES": "6",
    "PAYDESK_LIMIT_PENDING": "2",
}


def stage(**variables: str) -> Settings:
    """A stage as histories need it, with these variables."""
    return static.load(ENVIRON | _SWEEP | variables)


STAGES: tuple[Settings, ...] = (
    stage(),
    stage(PAYDESK_CHECK_SCHEDULE_SECONDS="300,3600"),
    stage(**_NARROW),
)
"""They differ in how soon a payment is left to a person, and in how much of anything is allowed."""


def account_id_of(key: str) -> str:
    """The id of the account that is opened under this key."""
    return derived_id("acc", "accounts", "open", key)


def _two_in_one_shard(first: str) -> tuple[str, ...]:
    """Keys of three accounts: two that share a shard, and one elsewhere."""
    here = shard_of(account_id_of(first))
    others = [f"{first}-{number}" for number in range(500)]
    neighbour = next(key for key in others if shard_of(account_id_of(key)) == here)
    stranger = next(key for key in others if shard_of(account_id_of(key)) != here)
    return first, neighbour, stranger


ACCOUNTS = tuple(
    zip(
        _two_in_one_shard("acme"),
        ("Acme", "Brick", "Cobalt"),
        ("Europe/Berlin", "America/New_York", "Pacific/Apia"),
        strict=True,
    )
)
"""Key, name and time zone."""


_DAYS = [date(2026, 1, 1) + timedelta(days=after) for after in range(3 * 365 + 1)]
"""Any day of 2026 to 2028."""


def _before_clocks_change(most: int = 3) -> Iterator[date]:
    """So many days before daylight saving begins or ends for somebody."""
    for day in _DAYS:
        for zone in {zone for _, _, zone in ACCOUNTS}:
            here, there = (datetime(d.year, d.month, d.day, tzinfo=ZoneInfo(zone)) for d in (day, day + most * _DAY))
            if here.utcoffset() != there.utcoffset():
                yield day


_DAY = timedelta(days=1)
_FIRST_DAYS = (
    _DAYS,
    _DAYS,
    [day for day in _DAYS if day.day >= 29 or (day + _DAY).day == 1],
    [*_before_clocks_change()],
    [day for day in _DAYS if day.month == 2 and day.day >= 26],
)
"""Where calendars go wrong is where more histories begin: at the ends of months, before clocks change, in February."""


def begins(dice: Random) -> datetime:
    """When a history begins: in the morning of a day in 2026 to 2028."""
    day = dice.choice(dice.choice(_FIRST_DAYS))
    return datetime(day.year, day.month, day.day, 5, 0, tzinfo=UTC)
