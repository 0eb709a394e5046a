"""What checking an account's pending payments did."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class CheckCounts:
    """What checks did: payments asked about, those that ended, those with something broken that a person must look at,
    those so busy that they wait for the next run, and the money that stays in limbo by `status:currency`.
    """

    checked: int = 0
    ended: int = 0
    failed: int = 0
    busy: int = 0
    limbo: Mapping[str, int] = field(default_factory=dict)

    def __add__(self, other: "CheckCounts") -> "CheckCounts":
        return CheckCounts(
            self.checked + other.checked,
            self.ended + other.ended,
            self.failed + other.failed,
            self.busy + other.busy,
            {
                name: self.limbo.get(name, 0) + other.limbo.get(name, 0)
                for name in self.limbo.keys() | other.limbo.keys()
            },
        )
