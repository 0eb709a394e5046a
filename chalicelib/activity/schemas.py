"""The activity log on the wire."""

from typing import Any, Literal, Self

from pydantic import Field

from chalicelib.activity.models import ActivityEntry
from chalicelib.activity.rules import FlawKind
from chalicelib.activity.service import Verification
from chalicelib.core.clock import Instant
from chalicelib.http.schemas import PageQuery, Wire


class ActivityQuery(PageQuery):
    order: Literal["newest_first", "oldest_first"] = "newest_first"


class ExportQuery(PageQuery):
    """Oldest first, so that a file can be continued: `cursor` is the header Paydesk-Next-Cursor of the part before."""

    format: Literal["jsonl", "csv"] = "jsonl"


class EntryView(Wire):
    """One entry. The hash covers all but `personal`; docs/activity-log.md says how to recompute it."""

    account_id: str
    sequence: int
    at: Instant
    action: str
    actor: str
    facts: dict[str, Any]
    previous_hash: str
    hash: str
    personal: dict[str, str]

    @classmethod
    def of(cls, entry: ActivityEntry) -> Self:
        return cls(**entry.model_dump())


class ActivityList(Wire):
    items: tuple[EntryView, ...]
    next_cursor: str | None


class FlawView(Wire):
    """Where the chain breaks first, and how."""

    sequence: int
    problem: FlawKind


class VerificationView(Wire):
    """`intact`: no flaw so far. `complete`: checked up to the head the account holds; else go on with `next_cursor`."""

    intact: bool
    complete: bool
    first_sequence: int
    last_sequence: int
    flaw: FlawView | None
    head_sequence: int = Field(description="How many entries the log has.")
    head_hash: str
    next_cursor: str | None

    @classmethod
    def of(cls, found: Verification) -> Self:
        return cls(
            intact=found.flaw is None,
            complete=found.complete,
            first_sequence=found.first_sequence,
            last_sequence=found.last_sequence,
            flaw=FlawView(sequence=found.flaw.sequence, problem=found.flaw.problem) if found.flaw else None,
            head_sequence=found.head.count,
            head_hash=found.head.head_hash,
            next_cursor=found.next_cursor,
        )
