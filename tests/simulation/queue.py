"""The queue between schedules and workers: at least once, in no particular order, and at last to the dead letters."""

from collections.abc import Collection
from dataclasses import dataclass

from chalicelib.sweeps.models import Order


@dataclass
class Message:
    """`again`: it was delivered before, by mistake of the queue."""

    order: Order
    not_before: int = 0
    received: int = 0
    again: bool = False

    def __str__(self) -> str:
        return f"{self.order.sweep} for shards {', '.join(self.order.shards)}"


class Waiting:
    """Queue. Keeps only orders for shards in which an account stands: the others find nothing, whatever happens."""

    def __init__(self, shards: Collection[str]) -> None:
        self.shards = frozenset(shards)
        self.messages: list[Message] = []

    def send(self, order: Order) -> None:
        shards = tuple(shard for shard in order.shards if shard in self.shards)
        if shards:
            self.messages.append(Message(order.model_copy(update={"shards": shards})))


class Outbox:
    """Queue, as one machine sees it. `sent` counts what waits because of it."""

    def __init__(self, queue: Waiting) -> None:
        self.sent = 0
        self._queue = queue

    def send(self, order: Order) -> None:
        before = len(self._queue.messages)
        self._queue.send(order)
        self.sent += len(self._queue.messages) - before
