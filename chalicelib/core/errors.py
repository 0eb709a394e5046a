"""Every way Paydesk says no, as one tree.

    PaydeskError
    ├── Refused                   the request as it stands cannot be done; nothing was written
    │   ├── Malformed             the request cannot be read (400)
    │   ├── Unauthorized          no valid token (401)
    │   ├── Forbidden             a role is missing (403)
    │   ├── NotFound              no such record, or not yours (404)
    │   ├── Conflict              the state of things is in the way (409)
    │   ├── TooLarge              a body over the limit (413)
    │   ├── Invalid               readable, but not acceptable (422)
    │   └── TooSoon               allowed later (429)
    ├── PaymentFailed             a payment that ended without money: it is recorded, and final for its key
    │   ├── PaymentDeclined       (402)
    │   └── PaymentCanceled       (502)
    ├── Unavailable               nothing was charged; the same request may be sent again (503)
    └── Broken                    a defect or a damaged record: a person must look (500)

An error carries a stable `code` and machine-readable `facts`. The HTTP status and the sentence a person reads are
looked up from the code at the edge (http/problems.py, messages/), so no room knows either.
"""

from collections.abc import Mapping
from typing import Any


class PaydeskError(Exception):
    """Base of the tree. `code` is stable API; `facts` become members of the problem document."""

    default_code = "internal_error"

    def __init__(self, code: str | None = None, /, **facts: Any) -> None:
        self.code = code or self.default_code
        self.facts: Mapping[str, Any] = facts
        super().__init__(f"{self.code} {facts}" if facts else self.code)


class Refused(PaydeskError):
    """The request cannot be done as it stands; nothing was written."""


class Malformed(Refused):
    """The request cannot be read."""

    default_code = "malformed_request"


class Unauthorized(Refused):
    """No token, or one that is expired, foreign or forged."""

    default_code = "unauthorized"


class Forbidden(Refused):
    """The caller is known but lacks a role; `missing_role` names it."""

    default_code = "missing_role"


class NotFound(Refused):
    """No such record, or it belongs to somebody else: the answer must not tell which."""

    default_code = "not_found"


class Conflict(Refused):
    """The present state stands in the way; the facts say what would clear it."""


class TooLarge(Refused):
    """The body is over the limit."""

    default_code = "body_too_large"


class Invalid(Refused):
    """The request is readable but not acceptable."""

    default_code = "invalid_request"


class TooSoon(Refused):
    """Allowed later: `retry_at` says when."""


class PaymentFailed(PaydeskError):
    """A payment that ended without taking money. It is recorded and final for its key."""


class PaymentDeclined(PaymentFailed):
    """The issuer said no. Facts: payment_id, decline_code, decline_class, retry_at, next_best_action."""

    default_code = "payment_declined"


class PaymentCanceled(PaymentFailed):
    """Provably not charged, and never will be under this key. Facts: payment_id."""

    default_code = "payment_canceled"


class Unavailable(PaydeskError):
    """Nothing was charged; the same request with the same key may be sent again after `retry_after_seconds`."""

    default_code = "unavailable"


class Broken(PaydeskError):
    """A defect or a damaged record. Never the caller's fault."""
