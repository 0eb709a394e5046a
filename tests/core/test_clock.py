"""Instants in text keep their order; days begin when they begin where the customer lives."""

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from chalicelib.core.clock import (
    Instant,
    SystemClock,
    day_after,
    format_instant,
    instant,
    local_date,
    local_midnight,
)

SKIPS_MIDNIGHT = ["America/Santiago", "Africa/Cairo", "America/Havana", "Asia/Beirut", "America/Asuncion"]
OTHERS = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu"]
ZONES = [*SKIPS_MIDNIGHT, *OTHERS]

OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=OFFSETS)  # noqa: DTZ001  # hypothesis adds zones
DAYS = st.dates(date(1970, 1, 2), date(2037, 12, 30))


class Event(BaseModel):
    at: Instant


@given(MOMENTS, MOMENTS)
@example(datetime(999, 12, 31, tzinfo=UTC), datetime(1000, 1, 1, tzinfo=UTC))
@example(datetime(2026, 1, 1, microsecond=999_999, tzinfo=UTC), datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC))
def test_text_order_is_time_order(one: datetime, other: datetime) -> None:
    earlier, later = sorted((instant(one), instant(other)))
    assert len(format_instant(earlier)) == len(format_instant(later)) == len("2026-11-23T15:36:15.123Z")
    assert (format_instant(earlier) < format_instant(later)) == (earlier < later)


@given(MOMENTS)
def test_an_instant_is_read_back_as_written(moment: datetime) -> None:
    event = Event(at=moment)
    assert event.at == instant(moment)
    assert timedelta(0) <= moment - event.at < timedelta(milliseconds=1)
    assert Event.model_validate_json(event.model_dump_json()) == event
    assert event.model_dump(mode="json") == {"at": format_instant(event.at)}


def test_an_instant_is_written_in_utc() -> None:
    moment = datetime(2026, 11, 23, 16, 36, 15, 123_999, tzinfo=timezone(timedelta(hours=1)))
    assert format_instant(instant(moment)) == "2026-11-23T15:36:15.123Z"


def test_a_time_without_a_zone_is_no_instant() -> None:
    with pytest.raises(ValueError, match="time zone"):
        instant(datetime(2026, 11, 23))  # noqa: DTZ001  # what is refused
    with pytest.raises(ValidationError):
        Event.model_validate({"at": "2026-11-23T15:36:15"})


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_time_outside_the_calendar_is_no_instant(text: str) -> None:
    with pytest.raises(ValidationError, match="years 1 to 9999"):
        Event.model_validate({"at": text})


def test_the_systems_clock_tells_an_instant() -> None:
    now = SystemClock().now()
    assert now == instant(now)
    assert abs(datetime.now(UTC) - now) < timedelta(seconds=5)


@given(day=DAYS, zone=st.sampled_from(ZONES))
@example(day=date(2026, 9, 6), zone="America/Santiago")
@example(day=date(2026, 4, 24), zone="Africa/Cairo")
@example(day=date(2011, 12, 30), zone="Pacific/Apia")
def test_a_day_begins_at_the_first_instant_that_has_its_date(day: date, zone: str) -> None:
    begins = local_midnight(day, zone)
    assert local_date(begins - timedelta(milliseconds=1), zone) < day <= local_date(begins, zone)


@given(day=DAYS, zone=st.sampled_from(ZONES))
def test_days_follow_each_other(day: date, zone: str) -> None:
    assert local_midnight(day, zone) <= local_midnight(day_after(day), zone)
    assert local_midnight(day_after(day), zone) - local_midnight(day, zone) <= timedelta(hours=26)


@pytest.mark.parametrize(
    ("day", "zone", "begins"),
    [
        (date(2026, 11, 23), "UTC", "2026-11-23T00:00:00.000Z"),
        (date(2026, 11, 23), "Europe/Berlin", "2026-11-22T23:00:00.000Z"),
        (date(2026, 7, 1), "Europe/Berlin", "2026-06-30T22:00:00.000Z"),
        (date(2026, 11, 23), "Asia/Kathmandu", "2026-11-22T18:15:00.000Z"),
        (date(2026, 9, 6), "America/Santiago", "2026-09-06T04:00:00.000Z"),  # midnight skipped: it is one o'clock
        (date(2026, 4, 24), "Africa/Cairo", "2026-04-23T22:00:00.000Z"),  # the same
        (date(2026, 11, 1), "America/Havana", "2026-11-01T04:00:00.000Z"),  # midnight comes twice
    ],
)
def test_a_day_begins_at_local_midnight(day: date, zone: str, begins: str) -> None:
    assert format_instant(local_midnight(day, zone)) == begins


@pytest.mark.parametrize("zone", SKIPS_MIDNIGHT)
def test_zones_said_to_skip_midnight_do_so(zone: str) -> None:
    days = (date(2000, 1, 1) + timedelta(days=number) for number in range(365 * 27))
    assert any(local_midnight(day, zone).astimezone(ZoneInfo(zone)).hour == 1 for day in days)


def test_the_day_after_follows_the_calendar() -> None:
    assert day_after(date(2028, 2, 28)) == date(2028, 2, 29)
    assert day_after(date(2026, 12, 31)) == date(2027, 1, 1)
