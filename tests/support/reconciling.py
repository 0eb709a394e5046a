"""One run of reconcile, worked off here and now."""

from chalicelib import wiring
from chalicelib.ledger.due import SHARDS
from chalicelib.payments.checks import CheckCounts
from chalicelib.sweeps.models import Order

_LIMBO = "limbo_"


def reconcile(desk: wiring.Desk) -> CheckCounts:
    """What a worker does with one order for all shards, and what it counted. An account nobody can read has failed."""
    order = Order(
        sweep="reconcile",
        run=desk.clock.now().date().isoformat(),
        shards=tuple(f"{shard:02d}" for shard in range(SHARDS)),
    )
    done = desk.sweeps.work(order, lambda: 300.0).tally
    return CheckCounts(
        checked=done.counts.get("checked", 0),
        ended=done.counts.get("ended", 0),
        parked=done.counts.get("parked", 0),
        failed=done.counts.get("failed", 0) + done.counts.get("unreadable", 0),
        postponed=done.counts.get("postponed", 0),
        limbo={name.removeprefix(_LIMBO): amount for name, amount in done.amounts.items() if name.startswith(_LIMBO)},
    )
