"""The Account: the unit of consistency. All that money depends on stands in this one record."""

from collections.abc import Mapping
from datetime import date
from typing import Any, ClassVar, Literal, Self

from chalicelib.activity.models import ActivityHead
from chalicelib.core.clock import Instant
from chalicelib.ledger.due import due_index
from chalicelib.ledger.models import Guarded, Index, Item, Part
from chalicelib.payment_methods.models import MethodSnapshot
from chalicelib.payments.models import Payment

NAME_KEY_CHARACTERS = 200
"""How much of a name is searched: at four bytes a character it fits a key, with the account id behind it."""


class OpenInvoice(Part):
    """What deciding needs of an unpaid invoice. `grace_from`: the day dunning counts from, the due date unless it
    reopened or was issued late.

    What autopay met with: `tried_on`, the day of the first attempt for it that was declined; `declines`, how many
    were, but for those that were nobody's fault and tried again soon; `given_up`, that it has no retry left.
    """

    number: str
    due_on: date
    remaining_minor: int
    grace_from: date
    tried_on: date | None = None
    declines: int = 0
    given_up: bool = False


StoppedReason = Literal["fix_method", "needs_customer", "never_again", "retries_exhausted"]


class Autopay(Part):
    """Autopay of an account.

    `sequence` names the next attempt's payment; every attempt whose outcome is known, or left to a bank or a person,
    raises it and nothing resets it. `next_attempt_at` is the retry planned, `stopped_reason` why there is none.
    `failed_method` is the method as it was when it was declined: while the default is still that, the plan or the stop
    holds. `technical` counts declines that were nobody's fault, `postponed` the attempts in a row that were not made.
    `refused_fingerprints` are methods whose issuer said never again. `declined_on` is the day of the latest decline,
    `declines_that_day` how many that day had, whatever the method.
    """

    enabled: bool = False
    sequence: int = 0
    technical: int = 0
    postponed: int = 0
    next_attempt_at: Instant | None = None
    stopped_reason: StoppedReason | None = None
    failed_method: MethodSnapshot | None = None
    refused_fingerprints: tuple[str, ...] = ()
    declined_on: date | None = None
    declines_that_day: int = 0


class Services(Part):
    status: Literal["active", "suspended"] = "active"
    since: Instant


class Overdue(Part):
    """How far chasing what is overdue has come: the days notices went out on about what was overdue by the last of
    them. `exempt`: never chased, never suspended.
    """

    noticed_on: tuple[date, ...] = ()
    exempt: bool = False


class Account(Guarded):
    """A customer's account.

        table accounts: PK account_id
        by-name:      name_initial / name_key = name in lower case, a tab, account_id: a tab sorts before a blank, so
                      that Acme stands before Acme Tools
        by-reconcile: reconcile_shard / reconcile_due = earliest check of a pending payment # account_id
        by-autopay, by-overdue, by-renewals: the same, from the stage's policies (wiring.py)

    A payment in `pending` covers what it is for; there is no other lock. `cooldowns` maps "account", or a method's
    fingerprint, to the instant before which no manual payment is taken.
    """

    table: ClassVar[str] = "accounts"
    derived_fields: ClassVar[tuple[str, ...]] = (
        "name_initial",
        "name_key",
        *(f"{sweep}_{part}" for sweep in ("autopay", "reconcile", "overdue", "renewals") for part in ("shard", "due")),
    )

    name: str
    currency: str
    locale: str
    time_zone: str
    invoice_recipients: tuple[str, ...] = ()
    invoice_count: int = 0
    method_count: int = 0
    subscription_count: int = 0
    method_attempts: tuple[Instant, ...] = ()
    default_method: MethodSnapshot | None = None
    autopay: Autopay = Autopay()
    open_invoices: dict[str, OpenInvoice] = {}
    pending: dict[str, Payment] = {}
    cooldowns: dict[str, Instant] = {}
    services: Services
    overdue: Overdue = Overdue()
    credit_minor: int = 0
    next_renewal_on: date | None = None
    activity: ActivityHead = ActivityHead()
    request_fingerprint: str
    created_at: Instant
    schema_version: Literal[1] = 1

    def fields(self) -> Item:
        """Every change writes the account and is billed by the KB, twice in a transaction. So what stands at its
        default is left out, and of a pending payment what the account says anyway: its id, and the default method.
        """
        fields = self.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
        fields["schema_version"] = self.schema_version  # which defaults those are
        for payment in fields.get("pending", {}).values():
            for name, known in _known_to_the_account(fields).items():
                if payment[name] == known:
                    del payment[name]
        return fields

    @classmethod
    def parse(cls, item: Mapping[str, Any]) -> Self:
        pending = item.get("pending")
        if isinstance(pending, dict):
            known = _known_to_the_account(item)
            item = {**item, "pending": {name: _with(known, payment) for name, payment in pending.items()}}
        return super().parse(item)

    def derived(self) -> dict[str, str]:
        folded = searchable(self.name)
        index = {"name_initial": folded[:1], "name_key": f"{folded}\t{self.account_id}"}
        checks = [payment.next_check_at for payment in self.pending.values() if payment.next_check_at]
        return index | due_index("reconcile", self.account_id, min(checks, default=None))


def _known_to_the_account(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """Fields of a pending payment that mostly say what the account says."""
    return {"account_id": item.get("account_id"), "method": item.get("default_method")}


def _with(known: Mapping[str, Any], payment: Any) -> Any:
    """A pending payment with what was left out of it; what is no payment stays as it is, to be refused."""
    return {**known, **payment} if isinstance(payment, dict) else payment


def searchable(name: str) -> str:
    """A name as it is sorted and searched: whatever its case, and so short that it fits a key. Folding makes some
    letters three, of up to two bytes each."""
    return name.casefold()[:NAME_KEY_CHARACTERS]


BY_NAME = Index("by-name", Account, "name_initial", "name_key")
BY_AUTOPAY = Index("by-autopay", Account, "autopay_shard", "autopay_due")
BY_RECONCILE = Index("by-reconcile", Account, "reconcile_shard", "reconcile_due")
BY_OVERDUE = Index("by-overdue", Account, "overdue_shard", "overdue_due")
BY_RENEWALS = Index("by-renewals", Account, "renewals_shard", "renewals_due")
