"""What the schedules and the queue call."""

import logging
from typing import Any

from chalice.app import SQSEvent

from chalicelib import wiring
from chalicelib.sweeps import metrics
from chalicelib.sweeps.models import Order, SweepName

log = logging.getLogger("paydesk.sweeps")


def start(sweep: SweepName) -> None:
    """Sends a run's orders. A schedule that fires twice, or late, sends orders that find less to do. Raises what
    stopped it, and says so: Lambda tries twice more, and no dead letter tells of it.
    """
    try:
        wiring.current().sweeps.start(sweep)
    except Exception:
        log.exception("run_not_started", extra={"sweep": sweep})
        raise


def work(event: SQSEvent) -> None:
    """Works off the message. Raises what stopped it: SQS delivers it again, at last to the dead letters."""
    context: Any = event.context  # Lambda's own object, whatever Chalice's types say

    def seconds_left() -> float:
        return float(context.get_remaining_time_in_millis()) / 1000

    desk = wiring.current()
    for message in event:
        order = Order.model_validate_json(message.body)
        metrics.emit(order.sweep, desk.sweeps.work(order, seconds_left), desk.clock.now())
