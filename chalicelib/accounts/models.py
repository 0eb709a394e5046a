"""The Account: the unit of consistency. All that money depends on stands in this one record."""

import hashlib
from datetime import date
from typing import ClassVar, Literal

from chalicelib.activity.models import ActivityHead
from chalicelib.core.clock import Instant, format_instant
from chalicelib.ledger.models import Guarded, Index, Part
from chalicelib.payment_methods.models import MethodSnapshot
from chalicelib.payments.models import Payment

SHARDS = 32
"""Fixed for the life of a deployment: index keys hold an account's shard."""

NAME_KEY_CHARACTERS = 200
"""How much of a name is searched: at four bytes a character it fits a key, with the account id behind it."""


class OpenInvoice(Part):
    """What deciding needs of an unpaid invoice. `grace_from`: the day dunning counts from, the due date unless it
    reopened.
    """

    number: str
    due_on: date
    remaining_minor: int
    grace_from: date


class Autopay(Part):
    """`sequence` names the next attempt's payment; every attempt that ends raises it and nothing resets it."""

    enabled: bool = False
    sequence: int = 0
    attempt: int = 0
    next_attempt_at: Instant | None = None
    stopped_reason: str | None = None


class Services(Part):
    status: Literal["active", "suspended"] = "active"
    since: Instant


class Account(Guarded):
    """A customer's account.

        table accounts: PK account_id
        by-name:      name_initial / name_key = name in lower case, a tab, account_id: a tab sorts before a blank, so
                      that Acme stands before Acme Tools
        by-reconcile: reconcile_shard / reconcile_due = earliest check of a pending payment # account_id

    A payment in `pending` covers what it is for; there is no other lock. `cooldowns` maps "account", or a method's
    fingerprint, to the instant before which no manual payment is taken.
    """

    table: ClassVar[str] = "accounts"
    derived_fields: ClassVar[tuple[str, ...]] = ("name_initial", "name_key", "reconcile_shard", "reconcile_due")

    name: str
    currency: str
    locale: str
    time_zone: str
    invoice_recipients: tuple[str, ...] = ()
    invoice_count: int = 0
    method_count: int = 0
    method_attempts: tuple[Instant, ...] = ()
    default_method: MethodSnapshot | None = None
    autopay: Autopay = Autopay()
    open_invoices: dict[str, OpenInvoice] = {}
    pending: dict[str, Payment] = {}
    cooldowns: dict[str, Instant] = {}
    services: Services
    credit_minor: int = 0
    next_renewal_on: date | None = None
    activity: ActivityHead = ActivityHead()
    request_fingerprint: str
    created_at: Instant
    schema_version: int = 1

    def derived(self) -> dict[str, str]:
        folded = searchable(self.name)
        index = {"name_initial": folded[:1], "name_key": f"{folded}\t{self.account_id}"}
        checks = [payment.next_check_at for payment in self.pending.values() if payment.next_check_at]
        if checks:
            index["reconcile_shard"] = shard_of(self.account_id)
            index["reconcile_due"] = f"{format_instant(min(checks))}#{self.account_id}"
        return index


def searchable(name: str) -> str:
    """A name as it is sorted and searched: whatever its case, and so short that it fits a key. Folding makes some
    letters three, of up to two bytes each."""
    return name.casefold()[:NAME_KEY_CHARACTERS]


def shard_of(account_id: str) -> str:
    """The account's shard as index keys hold it, `00` to `31`: spread evenly whatever the ids look like."""
    return f"{int.from_bytes(hashlib.sha256(account_id.encode()).digest()[:4]) % SHARDS:02d}"


BY_NAME = Index("by-name", Account, "name_initial", "name_key")
BY_RECONCILE = Index("by-reconcile", Account, "reconcile_shard", "reconcile_due")
