"""What services may ask of the ledger. There are two: Ledger (DynamoDB), MemoryLedger (simulation and fast tests)."""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar, overload

from chalicelib.core.errors import Broken, Unavailable
from chalicelib.ledger.models import A, Change, Index, Key, R, Record, Sort, Stale

R1 = TypeVar("R1", bound=Record)
R2 = TypeVar("R2", bound=Record)
R3 = TypeVar("R3", bound=Record)
T = TypeVar("T")


class LedgerPort(Protocol):
    """Reads are consistent unless they say otherwise. Every method raises Unavailable when the store stays busy or
    unreachable, and Broken("unreadable_record") for an item that is not what its table holds. Ids and `after` may come
    straight from a client: what cannot be a key finds nothing."""

    def get(self, key: Key[R]) -> R | None:
        """One record."""

    @overload
    def read(self, first: Key[R1], second: Key[R2], /) -> tuple[R1 | None, R2 | None]: ...
    @overload
    def read(self, first: Key[R1], second: Key[R2], third: Key[R3], /) -> tuple[R1 | None, R2 | None, R3 | None]: ...
    def read(self, *keys: Key[Record]) -> tuple[Record | None, ...]:
        """Several records as of one moment: no change shows in one and not in another. One trip."""

    def records(
        self,
        record: type[R],
        account_id: str,
        *,
        limit: int,
        after: Sort = None,
        newest_first: bool = False,
        by: str | None = None,
        prefix: str | None = None,
        where: tuple[str, str] | None = None,
    ) -> Sequence[R]:
        """Up to `limit` records of an account in key order, or in the order of the local index attribute `by`.

        Starts behind the sort value `after`. `prefix` narrows the sort value, `where` keeps only records whose field
        has that value.
        """

    def find(
        self, index: Index, partition: str, *, limit: int, prefix: str = "", until: str | None = None, after: str = ""
    ) -> Sequence[tuple[str, str]]:
        """Up to `limit` pairs of (index sort value, account id) in sort order: those that start with `prefix`, stand
        behind `after` and not behind `until`. Fewer than `limit`: there are no more. From an index, so eventual and
        only a candidate list.
        """

    def scan(self, record: type[R], *, limit: int, after: str | None = None) -> Sequence[R | Broken]:
        """Up to `limit` records of a table without a sort key, in no particular order, going on behind `after`. In the
        place of one that cannot be read stands the error that says so: it hides none of the others.
        """

    def commit(self, change: Change[A]) -> A:
        """Writes all of the change or nothing and returns the account as written, with its new version.

        Raises Stale when the account is no longer as it was read. Raises Unavailable when it stays unknown whether the
        change was written: deciding again from a fresh read is always safe, as new records are named by their cause.
        Raises Unwritable for what no store can write: a defect, nothing to try again.
        """


@dataclass(frozen=True)
class Attempts:
    """How often a use case decides in all when its account changes under it, and how its process waits in between."""

    most: int
    sleep: Callable[[float], None] = time.sleep


def until_committed(attempts: Attempts, attempt: Callable[[], T]) -> T:
    """Runs `attempt` (load, decide, commit) and runs it again after Stale, at most `attempts.most` times in all.

    The second attempt follows at once; each further one waits a random time before (full jitter: up to 100 ms at first,
    doubling, 0.4 s at most), or a crowd on one account would keep in step and make each other's changes stale for ever.
    Raises Unavailable when every attempt met somebody else's change.
    """
    for number in range(attempts.most):
        if number > 1:
            attempts.sleep(random.uniform(0, min(0.4, 0.025 * 2**number)))  # noqa: S311  # jitter, not a secret
        try:
            return attempt()
        except Stale:
            continue
    raise Unavailable("unavailable", retry_after_seconds=1)
