"""What is broken on purpose: a simulation that cannot fail proves nothing."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from chalicelib.core.clock import Clock
from chalicelib.gateways.port import Approved, Charge, Closed, Declined, GatewayPort, NotSent, Outcome, Unknown
from chalicelib.gateways.sandbox import ChargeTable
from chalicelib.ledger.memory import MemoryLedger
from chalicelib.ledger.models import A, Change, Key, Record
from chalicelib.payments.models import Payment
from chalicelib.subscriptions.models import Subscription
from tests.proof.gateways import LooksFirst, PassingOn
from tests.simulation.dice import Dice
from tests.simulation.history import Setting
from tests.simulation.providers import NewProvider, Provider, Sandbox
from tests.simulation.stages import STAGES, stage
from tests.simulation.stores import ChargeBooks, MemoryStore


class Unguarded(MemoryLedger):
    """Takes whatever was decided on an account that has changed since, over whatever stands there."""

    def commit(self, change: Change[A]) -> A:
        for record in change.puts:
            self._items.pop(record.key().place, None)
        standing = self.get(Key(type(change.account), change.account.account_id))
        newest = change.account.model_copy(update={"version": standing.version if standing else 0})
        return super().commit(replace(change, account=newest))


class HalfWritten(MemoryLedger):
    """Writes the account and forgets what it should have set beside it."""

    def commit(self, change: Change[A]) -> A:
        return super().commit(replace(change, sets=()))


class LosesItsTemper(MemoryLedger):
    """Raises what no ledger may when a declined payment is to be written: services report it and go on."""

    def commit(self, change: Change[A]) -> A:
        if any(isinstance(record, Payment) and record.status == "declined" for record in change.puts):
            raise RuntimeError("a ledger's own defect")
        return super().commit(change)


class SellsDearer(MemoryLedger):
    """Stores another price than was agreed."""

    def commit(self, change: Change[A]) -> A:
        puts: list[Record] = [
            record.model_copy(update={"amount_minor": record.amount_minor + 1})
            if isinstance(record, Subscription)
            else record
            for record in change.puts
        ]
        return super().commit(replace(change, puts=tuple(puts)))


class KeepsWaiting(PassingOn):
    """Says that a charge which waits for the customer is closed, and lets the customer go on."""

    def __init__(self, gateway: GatewayPort, charges: ChargeTable) -> None:
        super().__init__(gateway)
        self._charges = charges

    def close(self, payment_id: str) -> Outcome | Closed | Unknown:
        row = self._charges.get(payment_id)
        return Closed() if row and row["state"] == "requires_action" else super().close(payment_id)


class TakesMore(PassingOn):
    """Takes a cent more than it is asked for."""

    def charge(self, charge: Charge) -> Outcome | NotSent | Unknown:
        return super().charge(replace(charge, amount_minor=charge.amount_minor + 1))


class SaysNothingHappened(PassingOn):
    """Its close says that nothing was taken, whatever was."""

    def close(self, payment_id: str) -> Outcome | Closed | Unknown:
        answer = super().close(payment_id)
        return Closed() if isinstance(answer, Approved) else answer


class TakesAndDeclines(PassingOn):
    """Takes the money and says, of large amounts, that it did not."""

    def charge(self, charge: Charge) -> Outcome | NotSent | Unknown:
        answer = super().charge(charge)
        large = charge.amount_minor > 10_000 and isinstance(answer, Approved)
        return Declined("do_not_honor", "retry_later") if large else answer


class NotSentAfterAll(PassingOn):
    """Swears that nothing was sent where it only got no answer."""

    def charge(self, charge: Charge) -> Outcome | NotSent | Unknown:
        answer = super().charge(charge)
        return NotSent("no answer") if isinstance(answer, Unknown) else answer


def on(new_ledger: type[MemoryLedger]) -> Setting:
    return Setting(new_store=lambda settings: MemoryStore(settings, new_ledger))


def sandbox_with(wrap: Callable[[GatewayPort, ChargeTable], GatewayPort]) -> NewProvider:
    """The sandbox with something around its gateway."""

    def made(charges: ChargeBooks, clock: Clock, dice: Dice) -> Provider:
        provider = Sandbox(charges, clock, dice)
        provider.gateway = wrap(provider.gateway, charges)
        return provider

    return made


LOOKS_FIRST = sandbox_with(LooksFirst)
"""For `--gateway tests.simulation.broken:LOOKS_FIRST`: see for yourself how it is found."""


def through(wrap: Callable[[GatewayPort, ChargeTable], GatewayPort]) -> Setting:
    return Setting(new_provider=sandbox_with(wrap))


def in_a_stage(**variables: str) -> Setting:
    """Worked by other rules than it is judged by."""
    return Setting(stages=(stage(**variables),) * len(STAGES))


def forgetting(sweep: str) -> Setting:
    """A ledger whose index for one sweep is never written."""

    class Forgets(MemoryLedger):
        def commit(self, change: Change[A]) -> A:
            written = super().commit(change)
            place = change.account.key().place
            gone = {f"{sweep}_shard", f"{sweep}_due"}
            self._items[place] = {name: value for name, value in self._items[place].items() if name not in gone}
            return written

    return on(Forgets)


def forgetting_of_autopay(**values: object) -> Setting:
    """A ledger that loses something an account says of autopay."""

    class ForgetsOfAutopay(MemoryLedger):
        def commit(self, change: Change[A]) -> A:
            account: Any = change.account
            autopay = account.autopay.model_copy(update=values)
            return super().commit(replace(change, account=account.model_copy(update={"autopay": autopay})))

    return on(ForgetsOfAutopay)


@dataclass(frozen=True)
class Broken:
    """`shows_as`: what the simulation says of it, in one of so many `seeds`."""

    setting: Setting
    shows_as: str
    seeds: int = field(default=60)


BROKEN: dict[str, Broken] = {
    "a ledger that lets everybody write": Broken(on(Unguarded), "the account"),
    "a ledger that writes half of a change": Broken(on(HalfWritten), "the account says"),
    "a ledger whose defect is reported and gone over": Broken(
        on(LosesItsTemper), "Paydesk reports payment_not_settled"
    ),
    "a ledger without an index for autopay": Broken(forgetting("autopay"), "autopay"),
    "a ledger without an index for checks": Broken(forgetting("reconcile"), "no check will find"),
    "a ledger that forgets why autopay stopped": Broken(
        forgetting_of_autopay(stopped_reason=None), "known to be bad", 300
    ),
    "a ledger that forgets the retry day": Broken(forgetting_of_autopay(next_attempt_at=None), "day of a decline", 300),
    "a ledger that puts every retry off": Broken(
        forgetting_of_autopay(next_attempt_at=datetime(2099, 1, 1, tzinfo=UTC)), "nothing excuses it", 200
    ),
    "a gateway that looks where it should fence": Broken(through(LooksFirst), "charged", 400),
    "a gateway that lets the customer go on after a close": Broken(
        through(KeepsWaiting), "charged and not booked", 400
    ),
    "a gateway that takes more": Broken(through(lambda gateway, _: TakesMore(gateway)), "booked"),
    "a gateway that forgets what it took": Broken(through(lambda gateway, _: SaysNothingHappened(gateway)), "charged"),
    "a gateway that takes and declines": Broken(through(lambda gateway, _: TakesAndDeclines(gateway)), "charged"),
    "a gateway that swears nothing was sent": Broken(
        through(lambda gateway, _: NotSentAfterAll(gateway)), "charged", 400
    ),
    "a stage that checks after ten days": Broken(in_a_stage(PAYDESK_CHECK_SCHEDULE_SECONDS="864000"), "lost"),
    "a stage that suspends too early": Broken(in_a_stage(PAYDESK_COLLECTION_GRACE_DAYS="8"), "within grace", 200),
    "a stage that suspends too late": Broken(in_a_stage(PAYDESK_COLLECTION_GRACE_DAYS="60"), "services go on"),
    "a stage that tells customers once": Broken(in_a_stage(PAYDESK_COLLECTION_NOTICE_DAYS="1"), "nobody was told"),
    "a stage that parks after one check": Broken(in_a_stage(PAYDESK_CHECK_SCHEDULE_SECONDS="300"), "parked before"),
    "a ledger that sells dearer": Broken(on(SellsDearer), "were not agreed", 200),
    "a stage without a cooldown": Broken(in_a_stage(PAYDESK_COOLDOWN_SECONDS="0"), "cooling down", 300),
}
