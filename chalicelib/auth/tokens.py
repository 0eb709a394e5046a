"""Verifying OIDC ID tokens. Time is the machine's, never Paydesk's clock: a token lives as long as its issuer said."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from chalicelib.auth.context import LEEWAY_SECONDS
from chalicelib.auth.roles import Caller, Role
from chalicelib.core.errors import Unauthorized, Unavailable
from chalicelib.settings import Settings

if TYPE_CHECKING:
    from jwt import PyJWK, PyJWKClient

ALGORITHM = "RS256"
"""Pinned: whoever may name the algorithm in the token's own header may choose `none`, or HS256 with the public key."""

KEYS_TIMEOUT_SECONDS = 5


def verify(token: str, settings: Settings) -> Caller:
    """Who the token was issued to.

    Raises Unauthorized for anything but a valid ID token of the configured issuer and audience, and Unavailable when
    the issuer's keys cannot be had: that says nothing about the token, and a client told 401 would throw a good one
    away.
    """
    import jwt  # takes some 100 ms to import, and of all functions the authorizer alone needs it

    expected = settings.token
    key = _signing_key(token, expected.jwks_url)
    try:
        claims = jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            issuer=expected.issuer,
            audience=expected.audience,
            leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "iss", "aud", "sub"]},
        )
    except jwt.InvalidTokenError as refused:
        raise Unauthorized(reason=type(refused).__name__) from refused
    # Cognito signs access tokens with the same keys; they carry neither audience nor accounts.
    if claims.get("token_use", "id") != "id":
        raise Unauthorized(reason="not an ID token")
    return Caller(
        subject=claims["sub"],
        email=str(claims.get("email") or claims["sub"]),
        roles=frozenset(role for role in Role if role.value in _words(claims, expected.roles_claim)),
        account_ids=frozenset(_words(claims, expected.accounts_claim)),
        expires_at=datetime.fromtimestamp(claims["exp"], UTC),
    )


def _signing_key(token: str, jwks_url: str) -> "PyJWK":
    """The issuer's key that the token says it is signed with. Only the configured address is ever asked for keys."""
    import jwt

    try:
        header = jwt.get_unverified_header(token)
    except jwt.InvalidTokenError as refused:
        raise Unauthorized(reason=type(refused).__name__) from refused
    key_id = header.get("kid")
    if header.get("alg") != ALGORITHM or not isinstance(key_id, str):
        raise Unauthorized(reason="another algorithm, or no key named")
    keys = _keys(jwks_url)
    try:
        keys.get_signing_keys()
    except (jwt.PyJWTError, ValueError, OSError) as failed:
        raise Unavailable("unavailable", retry_after_seconds=KEYS_TIMEOUT_SECONDS) from failed
    try:
        return keys.get_signing_key(key_id)  # asks again for a key it does not know, but only every 30 seconds
    except jwt.PyJWKClientConnectionError as failed:
        raise Unavailable("unavailable", retry_after_seconds=KEYS_TIMEOUT_SECONDS) from failed
    except jwt.PyJWKClientError as refused:
        raise Unauthorized(reason="unknown key") from refused


@cache
def _keys(jwks_url: str) -> "PyJWKClient":
    """The issuer's keys, kept for five minutes by this process."""
    from jwt import PyJWKClient

    return PyJWKClient(jwks_url, lifespan=300, timeout=KEYS_TIMEOUT_SECONDS)


def _words(claims: Mapping[str, Any], name: str) -> frozenset[str]:
    """A claim of several values: a list, or one text with blanks between."""
    value = claims.get(name)
    if isinstance(value, str):
        return frozenset(value.split())
    return frozenset(item for item in value if isinstance(item, str)) if isinstance(value, list) else frozenset()
