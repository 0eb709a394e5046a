"""What happens elsewhere between two steps of this process: a ledger and a gateway's table that let it happen.

desk.ledger.before_commit.plan(None, lambda: desk.pay())    nothing at the next commit, a payment before the second
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from chalicelib.core.errors import Unavailable
from chalicelib.gateways.sandbox import Row
from chalicelib.gateways.sandbox_tables import MemoryCharges
from chalicelib.ledger.memory import MemoryLedger
from chalicelib.ledger.models import A, Change, DueWork, Key, R, Record, nothing_due

Happening = Callable[[], object]


class Interruptions:
    """What happens elsewhere in the very moment before this process does its next thing. What happens is not
    interrupted itself."""

    def __init__(self) -> None:
        self._planned: deque[Happening | None] = deque()
        self._happening = False

    def plan(self, *happenings: Happening | None) -> None:
        """One for each of the next times; None: that time nothing happens."""
        self._planned.extend(happenings)

    def clear(self) -> None:
        self._planned.clear()

    def happen(self) -> None:
        if self._happening or not self._planned:
            return
        happening = self._planned.popleft()
        if happening is not None:
            self._happening = True
            try:
                happening()
            finally:
                self._happening = False


class InterruptedLedger(MemoryLedger):
    """Before a commit, after it, before a record is read alone, before some are read together and before a list is,
    somebody else may act."""

    def __init__(self, *, due_work: DueWork = nothing_due) -> None:
        super().__init__(due_work=due_work)
        self.before_commit = Interruptions()
        self.after_commit = Interruptions()
        self.before_get = Interruptions()
        self.before_read = Interruptions()
        self.before_records = Interruptions()

    def get(self, key: Key[R]) -> R | None:
        self.before_get.happen()
        return super().get(key)

    def read(self, *keys: Key[Record]) -> Any:
        self.before_read.happen()
        return super().read(*keys)

    def commit(self, change: Change[A]) -> A:
        self.before_commit.happen()
        account = super().commit(change)
        self.after_commit.happen()
        return account

    def records(self, record: type[R], account_id: str, **how: Any) -> Sequence[R]:
        self.before_records.happen()
        return super().records(record, account_id, **how)


class InterruptedCharges(MemoryCharges):
    """Before the gateway writes a charge down the process may be frozen; after it, too. Out of order, it answers
    nobody."""

    def __init__(self) -> None:
        super().__init__()
        self.before_put = Interruptions()
        self.after_put = Interruptions()
        self._answers = True

    def out_of_order(self) -> None:
        self._answers = False

    def in_order(self) -> None:
        self._answers = True

    def put_if_absent(self, payment_id: str, row: Row) -> Row:
        self.before_put.happen()
        if not self._answers:
            raise Unavailable(retry_after_seconds=1)
        standing = super().put_if_absent(payment_id, row)
        self.after_put.happen()
        return standing
