"""The overdue sweep: the next notice, or suspension, for one account. Reactivation belongs to the payment's own
commit.
"""

from chalicelib.accounts.models import BY_OVERDUE, Account
from chalicelib.accounts.rules import balance, today_of
from chalicelib.activity.models import PAYDESK, Actor
from chalicelib.activity.rules import logged
from chalicelib.core.clock import Clock
from chalicelib.core.errors import NotFound
from chalicelib.ledger.models import Change, Index, Key
from chalicelib.ledger.port import Attempts, LedgerPort, until_committed
from chalicelib.overdue.rules import OverduePolicy, due_at, exempted, next_step, take
from chalicelib.sweeps.models import SweepName, Tally


class OverdueSweep:
    """Sweep: takes an account's next step when its day has come, one step a day at most."""

    name: SweepName = "overdue"
    index: Index = BY_OVERDUE

    def __init__(self, ledger: LedgerPort, clock: Clock, policy: OverduePolicy, attempts: Attempts) -> None:
        self._ledger = ledger
        self._clock = clock
        self._policy = policy
        self._attempts = attempts

    def handle(self, account_id: str) -> Tally:
        return until_committed(self._attempts, lambda: self._step(account_id))

    def _step(self, account_id: str) -> Tally:
        account = self._ledger.get(Key(Account, account_id))
        step = next_step(account, self._policy) if account else None
        if account is None or step is None:
            return Tally()
        now = self._clock.now()
        due = due_at(account, self._policy)
        if due is None or due > now:
            # The index named it too early, because the stage's policy changed since: written again, it stands right.
            self._ledger.commit(Change(account))
            return Tally()
        owed = balance(account, today_of(account, now))
        moved = take(account, step, now)
        action = "services.suspended" if step.action == "suspend" else "overdue.notice"
        moved, entry = logged(
            moved,
            action,
            PAYDESK,
            now,
            overdue_minor=owed.overdue_minor,
            currency=owed.currency,
            notice=len(moved.overdue.noticed_on) if step.action == "notice" else None,
        )
        # May race: a payment that pays it off, or starts to. The version decides; the loser reads what is still
        # overdue.
        self._ledger.commit(Change(moved, puts=(entry,)))
        done = "suspended" if step.action == "suspend" else "noticed"
        return Tally({done: 1}, {f"{done}:{owed.currency}": owed.escalating_minor})


class Exemptions:
    """Which accounts are never suspended: an operator's decision."""

    def __init__(self, ledger: LedgerPort, clock: Clock, attempts: Attempts) -> None:
        self._ledger = ledger
        self._clock = clock
        self._attempts = attempts

    def put(self, account_id: str, *, exempt: bool, actor: Actor) -> Account:
        """Sets the exemption; doing it again changes nothing. Services already suspended stay so until paid."""

        def put() -> Account:
            account = self._ledger.get(Key(Account, account_id))
            if account is None:
                raise NotFound("not_found")
            overdue = exempted(account.overdue, exempt=exempt)
            if overdue == account.overdue:
                return account
            account, entry = logged(
                account.model_copy(update={"overdue": overdue}),
                "suspension_exemption.changed",
                actor,
                self._clock.now(),
                exempt=exempt,
            )
            # May race: any other change of the account. The version decides.
            return self._ledger.commit(Change(account, puts=(entry,)))

        return until_committed(self._attempts, put)
