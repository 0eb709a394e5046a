"""A token that is missing, expired, forged or meant for something else lets nobody in: 401, and nothing is written."""

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from moto.utilities.utils import load_resource

from tests.journeys.all_routes import Untouched
from tests.support.client import ApiAnswer

KEY_ID = "dummy"
"""How moto calls the one key it signs with."""


def signed(claims: dict[str, Any], key: Any = None) -> str:
    """A token as the user pool itself would sign it, or with another key."""
    own = jwt.PyJWK(load_resource("cognitoidp/resources/jwks-private.json"), algorithm="RS256").key
    return jwt.encode(claims, key or own, algorithm="RS256", headers={"kid": KEY_ID})


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def altered(token: str) -> str:
    """Claims widened, signature kept."""
    header, _, signature = token.split(".")
    claims = claims_of(token) | {"cognito:groups": ["operator"]}
    return f"{header}.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.{signature}"


def strangers_key() -> Any:
    from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

    return generate_private_key(public_exponent=65_537, key_size=2_048)


def ask(untouched: Untouched, authorization: str | None) -> ApiAnswer:
    acme = untouched.acme.customer
    nobody = untouched.stack.client()
    client = nobody if authorization is None else nobody.with_headers(authorization=authorization)
    return client.post(acme.at("payments"), {}, key="new-1")


def test_the_tokens_below_are_refused_for_what_is_changed_in_them(untouched: Untouched) -> None:
    """Signed again without a change, the token is good: the card named is what is refused."""
    acme = untouched.acme.customer
    client = untouched.stack.client().with_token(signed(claims_of(acme.client.token or "")))

    assert client.post(acme.at("payments"), {"payment_method_id": "x"}, key="k").code == "method_not_usable"


@pytest.mark.parametrize(
    "change",
    [
        {"exp": int(time.time()) - 60},
        {"iss": "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Another"},
        {"aud": "another-application"},
        {"token_use": "access"},
        {"exp": None},
        {"sub": None},
    ],
    ids=["expired", "another issuer", "another application", "an access token", "no expiry", "nobody"],
)
def test_a_token_of_the_user_pool_that_is_not_meant_for_this_now_is_401(
    untouched: Untouched, change: dict[str, Any]
) -> None:
    claims = claims_of(untouched.acme.customer.client.token or "") | change
    token = signed({name: value for name, value in claims.items() if value is not None})

    answer = ask(untouched, f"Bearer {token}")

    assert (answer.status, answer.code) == (401, "unauthorized")


@pytest.mark.parametrize(
    "forge",
    [
        altered,
        lambda token: signed(claims_of(token), strangers_key()),
        lambda token: jwt.encode(claims_of(token), "", algorithm="none", headers={"kid": KEY_ID}),
        lambda token: jwt.encode(claims_of(token), "x" * 32, algorithm="HS256", headers={"kid": KEY_ID}),
        lambda token: token[:-8],
        lambda token: token.rpartition(".")[0] + ".",
    ],
    ids=["claims altered", "a stranger's key", "no algorithm", "a shared secret", "cut off", "no signature"],
)
def test_a_forged_token_is_401(untouched: Untouched, forge: Callable[[str], str]) -> None:
    token = untouched.acme.customer.client.token or ""

    answer = ask(untouched, f"Bearer {forge(token)}")

    assert (answer.status, answer.code) == (401, "unauthorized")


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer ", "Basic YTpi", "Bearer x", "x" * 8_000])
def test_what_is_no_token_is_401(untouched: Untouched, authorization: str | None) -> None:
    answer = ask(untouched, authorization)

    assert (answer.status, answer.code) == (401, "unauthorized")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_token_without_its_scheme_is_401(untouched: Untouched) -> None:
    assert ask(untouched, untouched.acme.customer.client.token).status == 401
