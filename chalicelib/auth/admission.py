"""What the authorizer answers API Gateway."""

from aws_lambda_powertools import Logger
from chalice.app import AuthResponse

from chalicelib import wiring
from chalicelib.auth import tokens
from chalicelib.auth.context import to_context
from chalicelib.core.errors import Unauthorized, Unavailable

log = Logger(service="paydesk")


def admit(authorization: str) -> AuthResponse:
    """Lets the caller on to every route. Which account and which role is decided where the request is served.

    API Gateway keeps the answer for minutes and applies it to every other route, so it must cover them all. Raises
    Exception("Unauthorized"), the one way to make a 401; when the issuer's keys cannot be had, the error passes and
    API Gateway answers 500.
    """
    try:
        caller = tokens.verify(_bearer(authorization), wiring.settings())
    except Unauthorized as refused:
        log.info("token_refused", reason=refused.facts["reason"])
        raise Exception("Unauthorized") from None  # noqa: TRY002  # the text is Chalice's sign for a 401
    except Unavailable:
        log.exception("token_keys_unreachable")
        raise
    return AuthResponse(routes=["*"], principal_id=caller.subject, context=to_context(caller))


def _bearer(authorization: str) -> str:
    """The token after `Bearer`. Raises Unauthorized for another scheme."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthorized(reason="no bearer token")
    return token.strip()
