"""What checking an account's pending payments did."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from chalicelib.core.counts import added


@dataclass(frozen=True)
class CheckCounts:
    """What checks did: payments asked about, those that ended, those parked now, those with something broken that a
    person must look at, those the store was too busy for, postponed to the next run. In minor units: money that
    turned out to be charged, by currency, and money that stays in limbo, by `status:age:currency`.
    """

    checked: int = 0
    ended: int = 0
    parked: int = 0
    failed: int = 0
    postponed: int = 0
    charged: Mapping[str, int] = field(default_factory=dict)
    limbo: Mapping[str, int] = field(default_factory=dict)

    def __add__(self, other: "CheckCounts") -> "CheckCounts":
        return CheckCounts(
            self.checked + other.checked,
            self.ended + other.ended,
            self.parked + other.parked,
            self.failed + other.failed,
            self.postponed + other.postponed,
            added(self.charged, other.charged),
            added(self.limbo, other.limbo),
        )


Age = Literal["hour", "day", "week", "longer"]


def age_of(waited: timedelta) -> Age:
    """How long money has been in limbo: less than an hour, a day, a week, or longer."""
    if waited < timedelta(hours=1):
        return "hour"
    if waited < timedelta(days=1):
        return "day"
    return "week" if waited < timedelta(weeks=1) else "longer"
