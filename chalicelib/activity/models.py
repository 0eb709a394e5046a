"""The activity log: who did what when, each entry sealed by the hash of the one before."""

from typing import Any, ClassVar

from chalicelib.core.clock import Instant
from chalicelib.ledger.models import Part, Record

GENESIS = "0" * 64
"""What the first entry names as the hash before it."""


class Actor(Part):
    """Who asked: the subject of the token, and how people call them. `name` is personal data, `subject` is not."""

    subject: str
    name: str


PAYDESK = Actor(subject="paydesk", name="Paydesk")
"""The actor of what Paydesk does by itself."""


class ActivityHead(Part):
    """How long the log is and the hash of its last entry, kept in the account so that a cut tail shows."""

    count: int = 0
    head_hash: str = GENESIS


class ActivityEntry(Record):
    """One entry.

        table activity: PK account_id, SK sequence = 1, 2, 3, ... without a gap

    `hash` covers all fields except `personal` and itself (docs/activity-log.md gives the canonical form), so that
    personal data can be erased on request without breaking the chain.
    """

    table: ClassVar[str] = "activity"
    sort_field: ClassVar[str | None] = "sequence"

    sequence: int
    at: Instant
    action: str
    actor: str
    facts: dict[str, Any]
    previous_hash: str
    hash: str
    personal: dict[str, str] = {}
