"""What a run of scheduled work is made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict

from chalicelib.core.counts import added
from chalicelib.ledger.models import Index

SweepName = Literal["autopay", "reconcile", "overdue", "renewals"]


@dataclass(frozen=True)
class Tally:
    """What a run did: counts by what happened, amounts in minor units by `what:currency` (money in limbo:
    `limbo_status:age:currency`). Tallies add up."""

    counts: Mapping[str, int] = field(default_factory=dict)
    amounts: Mapping[str, int] = field(default_factory=dict)

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(added(self.counts, other.counts), added(self.amounts, other.amounts))


class Sweep(Protocol):
    """One kind of scheduled work: where its due accounts stand, and what is done with one."""

    @property
    def name(self) -> SweepName: ...

    @property
    def index(self) -> Index: ...

    def handle(self, account_id: str) -> Tally:
        """Does whatever is due for one account, once, however often it is called. The account read decides."""


class Order(BaseModel):
    """A message: work off these shards of a sweep. `run` is the day the run counts for. `after`: go on behind this
    index value in the first shard, which an earlier worker left when its time ran short.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sweep: SweepName
    run: str
    shards: tuple[str, ...]
    after: str = ""


@dataclass(frozen=True)
class ShardRun:
    """How far a day's runs have come with one shard. `started_at`: the latest run on it; no `finished_at`: it works
    still. Statistics, not money: a message delivered twice counts its visits twice."""

    shard: str
    tally: Tally
    started_at: str | None
    finished_at: str | None


@dataclass(frozen=True)
class Worked:
    """What working off one order came to. `oldest_due_at`: since when the longest waiting account it found was due."""

    tally: Tally
    oldest_due_at: datetime | None
