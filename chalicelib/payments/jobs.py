"""What scheduled runs do with payments: reconcile."""

from chalicelib.accounts.models import BY_RECONCILE
from chalicelib.ledger.models import Index
from chalicelib.payments.checks import Checks
from chalicelib.sweeps.models import SweepName, Tally


class ReconcileSweep:
    """Sweep: asks the gateway about every pending payment whose check is due, and books the answer."""

    name: SweepName = "reconcile"
    index: Index = BY_RECONCILE

    def __init__(self, checks: Checks) -> None:
        self._checks = checks

    def handle(self, account_id: str) -> Tally:
        done = self._checks.check_due(account_id)
        counts = {
            "checked": done.checked,
            "ended": done.ended,
            "parked": done.parked,
            "failed": done.failed,
            "postponed": done.postponed,
        }
        charged = {f"charged:{currency}": amount for currency, amount in done.charged.items()}
        return Tally(counts, charged | {f"limbo_{name}": amount for name, amount in done.limbo.items()})
