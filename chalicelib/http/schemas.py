"""What the wire formats of all rooms are made of."""

from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

BillingDay = Annotated[
    date,
    Field(ge=date(1900, 1, 1), le=date(2999, 12, 31), json_schema_extra={"pattern": "^(19|2[0-9])[0-9]{2}-"}),
]
"""A day somebody names. Near enough that whatever is counted from it, in any time zone, is still a date."""

_HIDDEN = r"\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufffd"
"""Control characters, line breaks, what turns the direction of what stands beside it, what nobody sees, and what stands
where bytes were no text."""

_JOINERS = r"\u200c\u200d"
"""Nobody sees these two either, but Persian and many Indic names are written with them, and so are some emoji."""

_SHOWN = rf"[^{_HIDDEN}]"
_VISIBLE = rf"[^\s{_HIDDEN}{_JOINERS}]"
ONE_LINE = rf"^{_SHOWN}*{_VISIBLE}{_SHOWN}*$"
"""Text a person reads: one line with something visible, and nothing hidden by which two that look the same differ."""

Id = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9_.:-]+$")]
"""The name of a record, as it stands in paths."""

_PART = rf"[^@\s{_HIDDEN}{_JOINERS}]+"
EmailAddress = Annotated[
    str, Field(max_length=254, pattern=rf"^{_PART}@{_PART}\.{_PART}$", examples=["ap@example.com"])
]
"""Nothing hidden: control characters break a mail's header, and dialects disagree on which of them \\s stands for."""


class RequestBody(BaseModel):
    """Base of every request body: nothing is converted, unknown fields are refused.

    Strict holds for JSON: an integer is no text, no float (not even 5.0) and no boolean, while dates and instants are
    read from ISO 8601 text, which is the only way JSON can write them.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)


def stated(*fields: str) -> dict[str, Any]:
    """The JSON schema of a body that states these fields, not as null: what a rule over several fields is written
    with."""
    return {"required": list(fields), "properties": {field: {"not": {"type": "null"}} for field in fields}}


def left_out(*fields: str) -> dict[str, Any]:
    """The same of a body that does not state them."""
    return {"properties": {field: {"type": "null"} for field in fields}}


class QueryParameters(BaseModel):
    """Base of every query: all values arrive as text and are read as what the field declares; unknown ones are
    refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class PageQuery(QueryParameters):
    """A page of a list. The stage's own maximum (PAYDESK_LIMIT_PAGE) is applied before a view sees it."""

    limit: int = Field(default=20, ge=1, le=100, description="How many items at most.")
    cursor: str | None = Field(
        default=None, max_length=2048, description="`next_cursor` of the page before. Opaque: send it back as it came."
    )


class Wire(BaseModel):
    """Base of everything Paydesk answers."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class FieldProblem(Wire):
    """What is wrong with one field; `*`: with all together. The value itself is never repeated."""

    field: str
    problem: str


class Problem(BaseModel):
    """A refusal or failure (RFC 9457). `code` is stable; title and detail are for people, in the language asked for.

    Each code adds members of its own that a program can act on.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    type: str = Field(examples=["about:blank"])
    title: str
    status: int
    detail: str
    code: str = Field(examples=["cooling_down"])
