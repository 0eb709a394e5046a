"""A machine that Paydesk runs on: it runs one process at a time, and everything the process does beyond itself goes
through the ports here. At each such effect others may come first, and something may go wrong.
"""

from collections.abc import Callable, Sequence
from typing import Any, NoReturn, TypeVar

from chalicelib import wiring
from chalicelib.core.errors import Unavailable
from chalicelib.gateways.port import AttachedCard, Charge, Closed, NotSent, Outcome, TokenRefused, Unknown
from chalicelib.ledger.models import A, Change, Index, Key, R, Record, Sort, Stale
from chalicelib.sweeps.models import Order, ShardRun, SweepName, Tally
from tests.simulation.dice import ATTACH, CHARGE, CLOSE, COMMIT, FIND, READ
from tests.simulation.interleaving import Process
from tests.simulation.world import LateCharge, World
from tests.support.faults import Crash

T = TypeVar("T")

_THROTTLED_AT_MOST = 4
_FROZEN_AT_MOST = 12
_JUMP_MINUTES_AT_MOST = 600
"""Calls, turns of the director, minutes."""


class Machine:
    """`process` is what runs here, if anything does. `desk` is Paydesk on this machine."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.process: Process | None = None
        self.desk = wiring.build(
            world.settings,
            clock=world.clock,
            ledger=StruckLedger(self),
            gateway=StruckGateway(self),
            queue=world.queue,
            runs=StruckRuns(self),
            sleep=lambda _: None,
        )

    def reaches(self) -> None:
        """An effect is about to be: others may come first."""
        assert self.process is not None
        self.world.interleaving.pause(self.process)

    def befalls(self, effect: str) -> str | None:
        return self.world.dice.befalls(effect)

    def freezes(self) -> None:
        assert self.process is not None
        self.world.interleaving.freeze(self.process, self.world.dice.how_many(_FROZEN_AT_MOST))

    def dies(self) -> NoReturn:
        assert self.process is not None
        self.process.dead = True
        raise Crash

    def note(self, what: str) -> None:
        self.world.note(self.process.name if self.process else "nobody", what)

    @property
    def writes_a_diary(self) -> bool:
        return self.world.diary.kept

    def clock_jumps(self) -> None:
        minutes = self.world.dice.how_many(_JUMP_MINUTES_AT_MOST)
        self.world.advance(60 * minutes)
        self.note(f"  the clock has jumped {minutes} minutes")


class StruckLedger:
    """LedgerPort on the way to the world's ledger."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._world = machine.world
        self._ledger = machine.world.store.ledger
        self._seen: dict[tuple[str, str], Sequence[tuple[str, str]]] = {}

    def get(self, key: Key[R]) -> R | None:
        return self._read(lambda: self._ledger.get(key))

    def read(self, *keys: Key[Record]) -> Any:
        read: Callable[..., Any] = self._ledger.read
        return self._read(lambda: read(*keys))

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
        def do() -> Sequence[R]:
            return self._ledger.records(
                record,
                account_id,
                limit=limit,
                after=after,
                newest_first=newest_first,
                by=by,
                prefix=prefix,
                where=where,
            )

        return self._read(do)

    def find(
        self, index: Index, partition: str, *, limit: int, prefix: str = "", until: str | None = None, after: str = ""
    ) -> Sequence[tuple[str, str]]:
        """Stale, an index answers what it answered this machine before."""
        before = self._seen.get((index.name, partition), ())
        if self._strikes(FIND) == "stale index":
            self._machine.note(f"  {index.name} answers what it answered before")
            return [hit for hit in before if hit[0] > after][:limit]
        found = self._ledger.find(index, partition, limit=limit, prefix=prefix, until=until, after=after)
        self._seen[index.name, partition] = found
        return found

    def scan(self, record: type[R], *, limit: int, after: str | None = None) -> Sequence[R]:
        return self._read(lambda: self._ledger.scan(record, limit=limit, after=after))

    def commit(self, change: Change[A]) -> A:
        account_id = change.account.account_id
        fault = self._strikes(COMMIT)
        if fault in ("commit lost on its way", "crash before a commit"):
            self._ends(fault)
        elif fault == "frozen before a commit":
            self._machine.freezes()
        elif fault == "clock jumps":
            self._machine.clock_jumps()
        elif fault == "conflict: somebody else is first":
            self._world.somebody_else_commits(account_id)
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
            raise Stale(account_id)
        return written

    def _read(self, do: Callable[[], T]) -> T:
        self._strikes(READ)
        return do()

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
            self._world.calls_refused_by_the_store = self._world.dice.how_many(_THROTTLED_AT_MOST) - 1
            raise Unavailable(retry_after_seconds=1)
        if fault == "crash at a read":
            self._machine.dies()
        return fault

    def _ends(self, fault: str) -> NoReturn:
        if fault.startswith("crash"):
            self._machine.dies()
        raise Unavailable(retry_after_seconds=1)


def _beside(change: Change[Any]) -> str:
    """What a change writes beside the account, in a few words."""
    what = [record.table for record in change.puts] + [f"{part.key.record.table} (set)" for part in change.sets]
    actions = [action for record in change.puts if (action := getattr(record, "action", None))]
    return (f", with {', '.join(what)}" if what else "") + (f": {', '.join(actions)}" if actions else "")


class StruckGateway:
    """GatewayPort on the way to the provider's gateway."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._world = machine.world
        self._gateway = machine.world.provider.gateway
        self.name = self._gateway.name

    def attach_card(self, account_id: str, payment_method_id: str, token: str) -> AttachedCard | TokenRefused | Unknown:
        fault = self._strikes(ATTACH)
        if fault == "nobody answers":
            return Unknown("nobody answered")
        if fault == "crash around an attach" and self._world.dice.maybe(0.5):
            self._machine.dies()
        answer = self._gateway.attach_card(account_id, payment_method_id, token)
        if fault == "crash around an attach":
            self._machine.dies()
        return Unknown("nobody answered") if fault == "answer to an attach lost" else answer

    def detach(self, method_reference: str) -> None:
        fault = self._strikes(ATTACH)
        if fault == "crash around an attach":
            self._machine.dies()
        if fault is None:
            self._gateway.detach(method_reference)

    def charge(self, charge: Charge) -> Outcome | NotSent | Unknown:
        fault = self._strikes(CHARGE)
        match fault:
            case "crash before a charge":
                self._machine.dies()
            case "nobody answers" | "gateway times out, not charged":
                return Unknown("nobody answered")
            case "gateway unreachable, provably not sent":
                return NotSent("connection refused")
            case "charge arrives late":
                self._world.late.append(LateCharge(charge, self._world.clock.now()))
                return Unknown("nobody answered")
            case "frozen between check and send":
                self._machine.freezes()
            case "clock jumps":
                self._machine.clock_jumps()
        return self._charged(charge, fault)

    def _charged(self, charge: Charge, fault: str | None) -> Outcome | NotSent | Unknown:
        self._world.charge_arrives(charge)
        answer = self._gateway.charge(charge)
        if self._machine.writes_a_diary:
            self._machine.note(f"  charges {charge.amount_minor} under {charge.payment_id}: {answer}")
        self._world.look(charge.account_id)
        if fault == "crash after a charge":
            self._machine.dies()
        if fault == "frozen between charge and settle":
            self._machine.freezes()
        return Unknown("nobody answered") if fault == "gateway times out, charged" else answer

    def close(self, payment_id: str) -> Outcome | Closed | Unknown:
        fault = self._strikes(CLOSE)
        if fault == "crash before a close":
            self._machine.dies()
        if fault in ("nobody answers", "close lost on its way"):
            return Unknown("nobody answered")
        if fault == "frozen before a close":
            self._machine.freezes()
        self._world.closed.add(payment_id)
        answer = self._gateway.close(payment_id)
        if self._machine.writes_a_diary:
            self._machine.note(f"  closes {payment_id}: {answer}")
        if fault == "crash after a close":
            self._machine.dies()
        return Unknown("nobody answered") if fault == "answer to a close lost" else answer

    def _strikes(self, effect: str) -> str | None:
        self._machine.reaches()
        answers_from = self._world.gateway_answers_from
        if answers_from is not None and self._world.clock.now() < answers_from:
            self._machine.note("  the gateway is still out of order")
            return "nobody answers"
        fault = self._machine.befalls(effect)
        if fault is not None:
            self._machine.note(f"  {fault}")
        return fault


class StruckRuns:
    """Runs, which sometimes cannot be written."""

    def __init__(self, machine: Machine) -> None:
        self._world = machine.world

    def add(self, order: Order, shard: str, tally: Tally, *, at: str, finished: bool) -> None:
        if self._world.dice.happens("run not counted"):
            raise Unavailable(retry_after_seconds=1)
        self._world.runs.add(order, shard, tally, at=at, finished=finished)

    def of(self, sweep: SweepName, day: str) -> Sequence[ShardRun]:
        return self._world.runs.of(sweep, day)
