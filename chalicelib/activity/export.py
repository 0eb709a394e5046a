"""The activity log as a file: JSON lines, or CSV for a spreadsheet."""

import csv
import io
from collections.abc import Sequence

from chalicelib.activity.models import ActivityEntry
from chalicelib.core.ids import canonical_json

COLUMNS = ("account_id", "sequence", "at", "action", "actor", "facts", "personal", "previous_hash", "hash")

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""As OWASP lists them; the last four are the full-width forms, which some spreadsheets read as the plain ones."""


def as_json_lines(entries: Sequence[ActivityEntry]) -> str:
    """One entry a line, in canonical JSON: what a line says can be hashed again as it stands (docs/activity-log.md)."""
    return "".join(canonical_json(entry.model_dump(mode="json")) + "\n" for entry in entries)


def as_csv(entries: Sequence[ActivityEntry], *, with_header: bool) -> str:
    """RFC 4180, facts and personal data as canonical JSON in one column each.

    A cell that a spreadsheet would run as a formula gets an apostrophe in front (OWASP: CSV injection).
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    if with_header:
        writer.writerow(COLUMNS)
    for entry in entries:
        item = entry.model_dump(mode="json")
        writer.writerow([_cell(item[column]) for column in COLUMNS])
    return text.getvalue()


def _cell(value: object) -> str:
    text = canonical_json(value) if isinstance(value, dict) else str(value)
    return "'" + text if text.startswith(_FORMULA_STARTS) else text
