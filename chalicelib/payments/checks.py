"""Which accounts have a payment to be checked, and what one run of checks did."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from chalicelib.accounts.models import BY_RECONCILE
from chalicelib.ledger.port import LedgerPort


@dataclass(frozen=True)
class CheckCounts:
    """What one run of checks did: payments asked about, those that ended, accounts with something broken that a person
    must look at, accounts so busy that they wait for the next run, and the money that stays in limbo by
    `status:currency`.
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


def accounts_due(ledger: LedgerPort, shard: str, until: str) -> Sequence[str]:
    """The accounts of a shard with a check due up to the instant `until`, the longest due first. From an index: each
    account read decides."""
    due: list[str] = []
    after = ""
    while page := ledger.find(BY_RECONCILE, shard, limit=100, until=until, after=after):
        due += [account_id for _, account_id in page]
        after = page[-1][0]
    return due
