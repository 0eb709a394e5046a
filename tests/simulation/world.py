"""Everything around Paydesk in one history: time, store, gateway, queue, what is on its way, and who looks."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from chalicelib.accounts.models import Account
from chalicelib.gateways.port import Charge
from chalicelib.ledger.models import Change, Key
from chalicelib.settings import Settings
from chalicelib.sweeps.stores import MemoryRuns
from chalicelib.wiring import Desk
from local.clock import MovableClock
from tests.simulation.diary import Diary
from tests.simulation.dice import Dice
from tests.simulation.interleaving import Interleaving
from tests.simulation.providers import Provider
from tests.simulation.queue import Waiting
from tests.simulation.stores import Store

LATE_AT_MOST = timedelta(hours=12)
"""How long a request can be on its way and a process frozen: Lambda ends both after 15 minutes. Half a day is longer
than that, and shorter than a gateway's keys live."""


@dataclass
class LateCharge:
    """A charge that nobody waits for any more and that will still reach the gateway."""

    charge: Charge
    sent_at: datetime


@dataclass
class World:
    """`look` is called with an account after every step that may have changed it, or its charges; `steps` counts
    those steps. `unseen` are accounts whose damage nobody has met yet; so is an outage of the gateway until a call
    does."""

    settings: Settings
    dice: Dice
    clock: MovableClock
    store: Store
    provider: Provider
    interleaving: Interleaving
    diary: Diary
    look: Callable[[str], None]
    queue: Waiting
    around: Callable[[Desk], Desk]
    runs: MemoryRuns = field(default_factory=MemoryRuns)
    late: list[LateCharge] = field(default_factory=list)
    closed: set[str] = field(default_factory=set)
    torn: dict[str, Account] = field(default_factory=dict)
    steps: Counter[str] = field(default_factory=Counter)
    unseen: set[str] = field(default_factory=set)
    calls_refused_by_the_store: int = 0
    gateway_answers_from: datetime | None = None
    outage_unseen: bool = False

    def account(self, account_id: str) -> Account:
        """The account as it stands, or stood before it became unreadable."""
        if account_id in self.torn:
            return self.torn[account_id]
        account = self.store.ledger.get(Key(Account, account_id))
        assert account is not None
        return account

    def note(self, who: str, what: str) -> None:
        self.diary.note(self.clock.now(), who, what)

    def somebody_else_commits(self, account_id: str) -> int | None:
        """A change that alters nothing but the version. The version it met; None for a record that nobody can read."""
        if account_id in self.torn:
            return None
        standing = self.account(account_id)
        self.store.ledger.commit(Change(standing))
        self.look(account_id)
        return standing.version

    def advance(self, seconds: int) -> None:
        """Time passes for everybody. What would have been under way for too long then ends before."""
        then = self.clock.now() + timedelta(seconds=seconds)
        for late in [late for late in self.late if late.sent_at + LATE_AT_MOST < then]:
            self.late.remove(late)
            if self.dice.maybe(0.5):
                self.arrive(late)
        for process in self.interleaving.running:
            if process.started + LATE_AT_MOST < then:
                self.interleaving.kill(process)
        self.clock.advance(seconds=seconds)

    def arrive(self, late: LateCharge) -> None:
        """A late charge reaches the gateway. Nobody hears the answer."""
        charge = late.charge
        self.dice.took_effect("charge arrives late")
        self.charge_arrives(charge)
        answer = self.provider.gateway.charge(charge)
        if self.diary.kept:
            self.note("gateway", f"the late charge {charge.payment_id} arrives, and the answer is for nobody: {answer}")
        self.look(charge.account_id)

    def charge_arrives(self, charge: Charge) -> None:
        if charge.payment_id in self.closed:
            self.dice.took_effect("charge arrives after reconcile asked")

    def breaks_the_gateway_down(self, until: datetime) -> None:
        self.gateway_answers_from, self.outage_unseen = until, True

    def is_met_by_an_outage(self) -> bool:
        """Whether a call to the gateway made now meets nobody."""
        if self.gateway_answers_from is None or self.clock.now() >= self.gateway_answers_from:
            return False
        if self.outage_unseen:
            self.outage_unseen = False
            self.dice.took_effect("gateway out of order for hours")
        return True

    def is_found_damaged(self, account_id: str) -> None:
        if account_id in self.unseen:
            self.unseen.remove(account_id)
            self.dice.took_effect("account unreadable for a while")

    def tear(self, account_id: str) -> None:
        self.torn[account_id] = self.account(account_id)
        self.unseen.add(account_id)
        self.store.tear(account_id)
        self.note("store", f"the record of {account_id} is damaged: nobody can read it")

    def whole_again(self, account_id: str) -> None:
        """The record was mended, or written anew by somebody who had read it before."""
        if self.torn.pop(account_id, None) is not None:
            self.store.mend(account_id)

    def mend(self, account_id: str) -> None:
        self.whole_again(account_id)
        self.note("store", f"the record of {account_id} is mended")
        self.look(account_id)
