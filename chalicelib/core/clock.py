"""Time: an instant (`_at`) is aware UTC in millisecond steps, a date (`_on`) is a day in an account's time zone."""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Protocol
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, PlainSerializer, WithJsonSchema


def instant(moment: datetime) -> datetime:
    """The same moment in UTC, cut to milliseconds. Raises ValueError when naive, or beyond the years 1 to 9999."""
    if moment.utcoffset() is None:
        raise ValueError("an instant needs a time zone")
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("an instant lies in the years 1 to 9999") from None
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def format_instant(moment: datetime) -> str:
    """Fixed width, so that text order is time order: 2026-11-23T15:36:15.123Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Instant = Annotated[
    datetime,
    AfterValidator(instant),
    PlainSerializer(format_instant, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""A field that holds an instant and is written in the fixed-width form, in the store and on the wire alike."""


class Clock(Protocol):
    """Where time comes from. Services ask it; rules are handed the answer."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return instant(datetime.now(UTC))


def local_date(moment: datetime, time_zone: str) -> date:
    """The calendar day it is in `time_zone` at `moment`."""
    return moment.astimezone(ZoneInfo(time_zone)).date()


def local_midnight(day: date, time_zone: str) -> datetime:
    """The instant `day` begins in `time_zone`. Where daylight saving skips midnight, the first instant after the gap;
    where it brings midnight twice, the first of both.

    A skipped time is read with the offset before the gap, and since 1970 every gap that holds a midnight begins at it.
    """
    return instant(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(time_zone)))


def day_after(day: date) -> date:
    return day + timedelta(days=1)


_LAST_DAY = date(9999, 12, 30)
"""Its end is an instant in every time zone."""


def days_after(day: date, days: int) -> date:
    """So many days later, as far as the calendar goes."""
    return day + timedelta(days=max(0, min(days, (_LAST_DAY - day).days)))


def local_time(day: date, hour: int, time_zone: str) -> datetime:
    """The instant it is `hour` o'clock on `day` in `time_zone`. An hour that daylight saving skips: the first instant
    after the gap; one that comes twice: the first time.
    """
    return instant(datetime(day.year, day.month, day.day, hour, tzinfo=ZoneInfo(time_zone)))
