"""Runs on the wire."""

from typing import Annotated, Self

from pydantic import Field

from chalicelib.http.schemas import Wire
from chalicelib.ledger.due import SHARDS
from chalicelib.sweeps.models import ShardRun, SweepName, Tally

COUNTS: dict[SweepName | None, dict[str, str]] = {
    None: {
        "handled": "accounts looked at",
        "unreadable": "accounts whose record is damaged; the log names each",
        "postponed": "accounts, or checks of a payment, left for the next run by a rule or a busy store",
        "failed": "accounts, or checks of a payment, that broke; the log names each",
    },
    "autopay": {
        "charged": "payments that succeeded",
        "declined": "payments that were declined",
        "not_sent": "payments that provably did not take place",
        "processing": "payments the bank works on",
        "unknown": "payments whose outcome a check has to find out",
    },
    "reconcile": {
        "checked": "payments the gateway was asked about",
        "ended": "of those, payments that have come to their end",
        "parked": "of those, payments that wait for an operator from now on",
    },
    "overdue": {"noticed": "notices of what is overdue", "suspended": "accounts whose services were suspended"},
    "renewals": {
        "issued": "invoices issued",
        "ended": "subscriptions that ended",
        "too_many_open_invoices": "accounts with more open invoices than the stage's limit",
    },
}
"""What a run counts, by sweep; None: every sweep."""

_COUNTS_IN_WORDS = "What was counted, and how often; what never happened is left out. " + " ".join(
    f"{sweep or 'Every sweep'}: {'; '.join(f'`{name}` {meaning}' for name, meaning in counts.items())}."
    for sweep, counts in COUNTS.items()
)
Counts = Annotated[dict[str, int], Field(description=_COUNTS_IN_WORDS)]
_AMOUNTS_IN_WORDS = (
    "Minor units by `what:currency`, `what` being a count: `charged:EUR`. `limbo_<status>:<age>:<currency>` is what "
    "checks left pending, ages being hour, day, week, longer."
)
Amounts = Annotated[dict[str, int], Field(description=_AMOUNTS_IN_WORDS)]


class ShardRunView(Wire):
    shard: str
    counts: Counts
    amounts_minor: Amounts
    started_at: str | None
    finished_at: str | None


class RunView(Wire):
    """All runs of a sweep on one day (UTC). Deliveries may come twice, so these are statistics, not the books."""

    sweep: SweepName
    date: str
    shards_started: int
    shards_finished: int
    shards_total: int
    counts: Counts
    amounts_minor: Amounts
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
