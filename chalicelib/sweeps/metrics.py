"""What a sweep's workers did, in CloudWatch's embedded metric format: lines on standard output, no call to AWS.

Paydesk / by service (paydesk-<stage>), sweep:  handled, charged, declined, unknown, and whatever else was counted;
                                                OldestDueAge
        / and by what and currency:  Amount, in minor units; `what` is charged, declined or unknown, say
        / and by status, age and currency: Limbo, in minor units: money of pending payments whose check brought no
          end. Whatever is older than a day is checked once a day, so the sum over a day is what is in limbo.
"""

import json
import sys
from collections.abc import Mapping
from datetime import datetime

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from chalicelib.sweeps.models import SweepName, Worked

ALWAYS = ("handled", "charged", "declined", "unknown")
"""Counted even when nothing was: an alarm on missing figures must not ring on a quiet night."""

LIMBO = "limbo_"
"""Begins the amounts of a tally that are money in limbo: limbo_<status>:<age>:<currency>."""


def emit(sweep: SweepName, worked: Worked, now: datetime) -> None:
    """Writes the figures of one order that was worked off."""
    tally = worked.tally
    figures = {name: (MetricUnit.Count, tally.counts.get(name, 0)) for name in {*ALWAYS, *tally.counts}}
    age = (now - worked.oldest_due_at).total_seconds() if worked.oldest_due_at else 0
    _write({"sweep": sweep}, figures | {"OldestDueAge": (MetricUnit.Seconds, max(0, age))})
    for name, amount_minor in sorted(tally.amounts.items()):
        what, *waited, currency = name.split(":")
        if what.startswith(LIMBO):
            limbo = {"sweep": sweep, "status": what.removeprefix(LIMBO), "age": waited[0], "currency": currency}
            _write(limbo, {"Limbo": (MetricUnit.NoUnit, amount_minor)})
        else:
            _write({"sweep": sweep, "what": what, "currency": currency}, {"Amount": (MetricUnit.NoUnit, amount_minor)})


def _write(dimensions: Mapping[str, str], figures: Mapping[str, tuple[MetricUnit, float]]) -> None:
    """One line: figures that share their dimensions."""
    metrics = EphemeralMetrics(namespace="Paydesk")
    for name, value in dimensions.items():
        metrics.add_dimension(name, value)
    for name, (unit, figure) in sorted(figures.items()):
        metrics.add_metric(name, unit, figure)
    sys.stdout.write(json.dumps(metrics.serialize_metric_set()) + "\n")
