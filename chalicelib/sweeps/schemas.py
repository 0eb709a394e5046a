"""Runs on the wire."""

from typing import Self

from chalicelib.http.schemas import Wire
from chalicelib.ledger.due import SHARDS
from chalicelib.sweeps.models import ShardRun, SweepName, Tally


class ShardRunView(Wire):
    shard: str
    counts: dict[str, int]
    amounts_minor: dict[str, int]
    started_at: str | None
    finished_at: str | None


class RunView(Wire):
    """All runs of a sweep on one day (UTC). `counts`: handled, charged, declined, unknown, and what else the sweep did;
    `amounts_minor`: what:currency -> minor units; limbo_<status>:<age>:currency is what checks left pending, ages being
    hour, day, week, longer. Deliveries may come twice, so these are statistics, not the books."""

    sweep: SweepName
    date: str
    shards_started: int
    shards_finished: int
    shards_total: int
    counts: dict[str, int]
    amounts_minor: dict[str, int]
    shards: tuple[ShardRunView, ...]

    @classmethod
    def of(cls, sweep: SweepName, day: str, shards: list[ShardRun]) -> Self:
        total = sum((shard.tally for shard in shards), Tally())
        return cls(
            sweep=sweep,
            date=day,
            shards_started=len(shards),
            shards_finished=sum(shard.finished_at is not None for shard in shards),
            shards_total=SHARDS,
            counts=dict(total.counts),
            amounts_minor=dict(total.amounts),
            shards=tuple(
                ShardRunView(
                    shard=shard.shard,
                    counts=dict(shard.tally.counts),
                    amounts_minor=dict(shard.tally.amounts),
                    started_at=shard.started_at,
                    finished_at=shard.finished_at,
                )
                for shard in shards
            ),
        )
