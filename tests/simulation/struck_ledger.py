"""The way from a machine to the store. Each call is an effect: others may come first, and something may go wrong."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from chalicelib.core.errors import Broken, Unavailable
from chalicelib.ledger.models import A, Change, Index, Key, R, Record, Stale
from tests.simulation.dice import COMMIT, FIND, READ

if TYPE_CHECKING:
    from tests.simulation.machine import Machine

T = TypeVar("T")

_THROTTLED_AT_MOST = 4
"""Calls."""


class StruckLedger:
    """LedgerPort on the way to the world's ledger."""

    def __init__(self, machine: "Machine") -> None:
        self._machine = machine
        self._world = machine.world
        self._ledger = machine.world.store.ledger
        self._seen: dict[tuple[str, str], Sequence[tuple[str, str]]] = {}

    def get(self, key: Key[R]) -> R | None:
        return self._read(key.account_id, lambda: self._ledger.get(key))

    def read(self, *keys: Key[Record]) -> Any:
        read: Callable[..., Any] = self._ledger.read
        return self._read(keys[0].account_id, lambda: read(*keys))

    def records(self, record: type[R], account_id: str, **how: Any) -> Sequence[R]:
        return self._read(account_id, lambda: self._ledger.records(record, account_id, **how))

    def find(
        self, index: Index, partition: str, *, limit: int, prefix: str = "", until: str | None = None, after: str = ""
    ) -> Sequence[tuple[str, str]]:
        """Stale, an index answers what it answered this machine before."""
        before = self._seen.get((index.name, partition), ())
        fault = self._strikes(FIND)
        found = self._ledger.find(index, partition, limit=limit, prefix=prefix, until=until, after=after)
        if fault == "stale index":
            self._machine.note(f"  {index.name} answers what it answered before")
            stale = [hit for hit in before if hit[0] > after][:limit]
            if stale != list(found):
                self._machine.took_effect(fault)
            return stale
        self._seen[index.name, partition] = found
        return found

    def scan(self, record: type[R], *, limit: int, after: str | None = None) -> Sequence[R | Broken]:
        return self._read("", lambda: self._ledger.scan(record, limit=limit, after=after))

    def commit(self, change: Change[A]) -> A:
        account_id = self._machine.at = change.account.account_id
        fault = self._strikes(COMMIT)
        if fault in ("commit lost on its way", "crash before a commit"):
            self._ends(fault)
        elif fault == "frozen before a commit":
            self._machine.freezes(fault)
        elif fault == "clock jumps":
            self._machine.clock_jumps()
        elif fault == "conflict: somebody else is first":
            met = self._world.somebody_else_commits(account_id)
            if met == change.account.version:
                self._machine.took_effect(fault)
        try:
            written = self._ledger.commit(change)
        except Stale:
            self._machine.note("  the account has changed since it was read: decides again")
            raise
        self._world.whole_again(account_id)
        if self._machine.writes_a_diary:
            self._machine.note(f"  commits version {written.version}{_beside(change)}")
        self._world.look(account_id)
        if fault in ("acknowledgement lost", "crash after a commit"):
            self._ends(fault)
        if fault == "acknowledgement lost and overtaken":
            self._world.somebody_else_commits(account_id)
            self._machine.took_effect(fault)
            raise Stale(account_id)
        return written

    def _read(self, account_id: str, do: Callable[[], T]) -> T:
        self._machine.at = account_id
        self._strikes(READ)
        try:
            return do()
        except Broken:
            self._world.is_found_damaged(account_id)
            raise

    def _strikes(self, effect: str) -> str | None:
        """What is left to strike once others had their turn and the store let the call in at all."""
        self._machine.reaches()
        if self._world.calls_refused_by_the_store:
            self._world.calls_refused_by_the_store -= 1
            self._machine.note("  the store is still throttling")
            raise Unavailable(retry_after_seconds=1)
        fault = self._machine.befalls(effect)
        if fault is None:
            return None
        self._machine.note(f"  {fault}")
        if fault == "store throttles":
            self._machine.took_effect(fault)
            self._world.calls_refused_by_the_store = self._world.dice.how_many(_THROTTLED_AT_MOST) - 1
            raise Unavailable(retry_after_seconds=1)
        if fault == "crash at a read":
            self._ends(fault)
        return fault

    def _ends(self, fault: str) -> NoReturn:
        self._machine.took_effect(fault)
        if fault.startswith("crash"):
            self._machine.dies()
        raise Unavailable(retry_after_seconds=1)


def _beside(change: Change[Any]) -> str:
    """What a change writes beside the account, in a few words."""
    what = [record.table for record in change.puts] + [f"{part.key.record.table} (set)" for part in change.sets]
    actions = [action for record in change.puts if (action := getattr(record, "action", None))]
    return (f", with {', '.join(what)}" if what else "") + (f": {', '.join(actions)}" if actions else "")
