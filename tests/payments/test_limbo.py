"""How long money has been in limbo."""

from datetime import timedelta

import pytest

from chalicelib.payments.checks import age_of

MOMENT = timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("waited", "age"),
    [
        (timedelta(), "hour"),
        (timedelta(hours=1) - MOMENT, "hour"),
        (timedelta(hours=1), "day"),
        (timedelta(days=1) - MOMENT, "day"),
        (timedelta(days=1), "week"),
        (timedelta(weeks=1) - MOMENT, "week"),
        (timedelta(weeks=1), "longer"),
    ],
)
def test_it_is_told_in_four_ages(waited: timedelta, age: str) -> None:
    assert age_of(waited) == age
