"""The hash chain: how an entry is sealed and how a run of entries is verified. docs/activity-log.md describes it for
customers.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from chalicelib.accounts.models import Account
from chalicelib.activity.models import ActivityEntry, ActivityHead, Actor
from chalicelib.core.clock import format_instant
from chalicelib.core.ids import canonical_json


def logged(
    account: Account, action: str, actor: Actor, now: datetime, *, personal: dict[str, str] | None = None, **facts: Any
) -> tuple[Account, ActivityEntry]:
    """The account with its log one longer, and the entry to put beside it. Facts hold ids, amounts and plain values
    (None is left out); whatever names a person goes into `personal`, which the hash leaves out."""
    head = account.activity
    facts = {name: value for name, value in facts.items() if value is not None}
    sequence = head.count + 1
    body = {
        "account_id": account.account_id,
        "sequence": sequence,
        "at": format_instant(now),
        "action": action,
        "actor": actor.subject,
        "facts": facts,
    }
    sealed = seal(head.head_hash, body)
    entry = ActivityEntry(
        account_id=account.account_id,
        sequence=sequence,
        at=now,
        action=action,
        actor=actor.subject,
        facts=facts,
        previous_hash=head.head_hash,
        hash=sealed,
        personal={"actor": actor.name} | (personal or {}),
    )
    return account.model_copy(update={"activity": ActivityHead(count=sequence, head_hash=sealed)}), entry


def seal(previous_hash: str, body: dict[str, Any]) -> str:
    """SHA-256 (hex) over the previous hash, a newline and the canonical JSON of the body."""
    return hashlib.sha256(f"{previous_hash}\n{canonical_json(body)}".encode()).hexdigest()


def resealed(entry: ActivityEntry) -> str:
    """The hash the entry should carry."""
    body = entry.model_dump(mode="json", include={"account_id", "sequence", "at", "action", "actor", "facts"})
    return seal(entry.previous_hash, body)


FlawKind = Literal["missing", "does_not_follow", "altered", "does_not_match_the_account"]


@dataclass(frozen=True)
class Flaw:
    """The first place where the chain breaks, and how."""

    sequence: int
    problem: FlawKind


def first_flaw(entries: Sequence[ActivityEntry], previous: ActivityHead) -> Flaw | None:
    """Checks a run of entries that follows `previous`: no gap, each names the hash before it and carries its own."""
    for entry in entries:
        if entry.sequence != previous.count + 1:
            return Flaw(previous.count + 1, "missing")
        if entry.previous_hash != previous.head_hash:
            return Flaw(entry.sequence, "does_not_follow")
        if entry.hash != resealed(entry):
            return Flaw(entry.sequence, "altered")
        previous = ActivityHead(count=entry.sequence, head_hash=entry.hash)
    return None
