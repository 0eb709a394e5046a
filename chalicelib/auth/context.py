"""How a verified caller travels from the authorizer to the view: as the authorizer's context, which holds text only."""

from collections.abc import Mapping
from datetime import UTC, datetime

from chalicelib.auth.roles import Caller, Role
from chalicelib.core.errors import Unauthorized

LEEWAY_SECONDS = 5
"""How far the clocks of issuer and Paydesk may be apart."""


def to_context(caller: Caller) -> dict[str, str]:
    """The caller as API Gateway passes it on; read back by `from_context`."""
    return {
        "subject": caller.subject,
        "email": caller.email,
        "roles": " ".join(sorted(caller.roles)),
        "account_ids": " ".join(sorted(caller.account_ids)),
        "expires_at": str(int(caller.expires_at.timestamp())),
    }


def from_context(context: Mapping[str, str] | None, now: datetime) -> Caller:
    """The caller, with the expiry checked again: API Gateway reuses an authorizer's answer for minutes.

    Raises Unauthorized when there is no caller or the token has expired by now. `now` is real time, as in the token.
    """
    if not context or "subject" not in context:
        raise Unauthorized
    expires_at = datetime.fromtimestamp(int(context["expires_at"]), UTC)
    if (now - expires_at).total_seconds() >= LEEWAY_SECONDS:
        raise Unauthorized
    return Caller(
        subject=context["subject"],
        email=context["email"],
        roles=frozenset(Role(name) for name in context["roles"].split()),
        account_ids=frozenset(context["account_ids"].split()),
        expires_at=expires_at,
    )
