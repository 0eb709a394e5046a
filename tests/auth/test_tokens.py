"""Tokens are verified for real: keys come over HTTP from an issuer on loopback, signatures are computed."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import jwt
import pytest

from chalicelib.auth.roles import Role
from chalicelib.auth.tokens import verify
from chalicelib.core.errors import Unauthorized, Unavailable
from chalicelib.settings import Settings
from tests.auth.issuer import Issuer


def unsigned(header: dict[str, Any], claims: dict[str, Any], signature: bytes = b"") -> str:
    """A token put together by hand, for libraries refuse to make such ones."""
    parts = (json.dumps(header).encode(), json.dumps(claims).encode(), signature)
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def refusal_of(token: str, settings: Settings) -> str:
    with pytest.raises(Unauthorized) as refused:
        verify(token, settings)
    return str(refused.value.facts["reason"])


def test_a_valid_id_token_tells_who_calls(issuer: Issuer, settings: Settings) -> None:
    caller = verify(issuer.token(), settings)

    assert caller.subject == "6f1b0c8e"
    assert caller.email == "ada@example.com"
    assert caller.roles == {Role.ADMIN}
    assert caller.account_ids == {"acc_1", "acc_2"}
    assert caller.expires_at.timestamp() > time.time() + 3500


def test_roles_and_accounts_may_be_lists_or_one_text(issuer: Issuer, settings: Settings) -> None:
    caller = verify(
        issuer.token(**{"cognito:groups": "billing_viewer operator", "custom:account_ids": ["acc_1"]}), settings
    )

    assert caller.roles == {Role.VIEWER, Role.OPERATOR}
    assert caller.account_ids == {"acc_1"}


def test_unknown_roles_give_nothing(issuer: Issuer, settings: Settings) -> None:
    assert verify(issuer.token(**{"cognito:groups": ["root", "billing_viewer"]}), settings).roles == {Role.VIEWER}


def test_who_has_neither_role_nor_account_is_known_all_the_same(issuer: Issuer, settings: Settings) -> None:
    caller = verify(issuer.token(**{"cognito:groups": None, "custom:account_ids": None, "email": None}), settings)

    assert caller.roles == frozenset()
    assert caller.account_ids == frozenset()
    assert caller.email == "6f1b0c8e"


def test_claims_are_read_under_the_names_that_settings_give(issuer: Issuer, settings: Settings) -> None:
    names = {"accounts_claim": "accounts", "roles_claim": "groups"}
    other = settings.model_copy(update={"token": settings.token.model_copy(update=names)})

    caller = verify(issuer.token(accounts="acc_9", groups=["operator"]), other)

    assert caller.account_ids == {"acc_9"}
    assert caller.roles == {Role.OPERATOR}


def test_an_expired_token_is_refused(issuer: Issuer, settings: Settings) -> None:
    assert refusal_of(issuer.token(exp=int(time.time()) - 10), settings) == "ExpiredSignatureError"


def test_clocks_may_be_a_little_apart(issuer: Issuer, settings: Settings) -> None:
    token = issuer.token(exp=int(time.time()) - 1, nbf=int(time.time()) + 3)

    assert verify(token, settings).subject == "6f1b0c8e"


def test_a_token_that_is_not_valid_yet_is_refused(issuer: Issuer, settings: Settings) -> None:
    assert refusal_of(issuer.token(nbf=int(time.time()) + 60), settings) == "ImmatureSignatureError"


@pytest.mark.parametrize("claim", ["exp", "iss", "aud", "sub"])
def test_a_token_without_a_necessary_claim_is_refused(claim: str, issuer: Issuer, settings: Settings) -> None:
    assert refusal_of(issuer.token(**{claim: None}), settings) == "MissingRequiredClaimError"


def test_another_issuer_is_refused(issuer: Issuer, settings: Settings) -> None:
    assert refusal_of(issuer.token(iss="https://login.example.org"), settings) == "InvalidIssuerError"


def test_a_token_for_another_application_is_refused(issuer: Issuer, settings: Settings) -> None:
    assert refusal_of(issuer.token(aud="client-2"), settings) == "InvalidAudienceError"


def test_an_access_token_is_no_id_token(issuer: Issuer, settings: Settings) -> None:
    assert refusal_of(issuer.token(token_use="access"), settings) == "not an ID token"


def test_an_issuer_that_does_not_say_token_use_is_fine(issuer: Issuer, settings: Settings) -> None:
    assert verify(issuer.token(token_use=None), settings).subject == "6f1b0c8e"


def test_a_token_without_signature_is_refused(issuer: Issuer, settings: Settings) -> None:
    for algorithm in ("none", "None", "NONE"):
        token = unsigned({"alg": algorithm, "kid": "key-1"}, issuer.claims())
        assert refusal_of(token, settings) == "another algorithm, or no key named"


def test_the_public_key_is_no_shared_secret(issuer: Issuer, settings: Settings) -> None:
    """HS256 with the issuer's public key as the secret: anybody can make that."""
    header, claims = {"alg": "HS256", "typ": "JWT", "kid": "key-1"}, issuer.claims()
    signed = unsigned(header, claims).rpartition(".")[0]
    signature = hmac.new(issuer.public_pem(), signed.encode(), hashlib.sha256).digest()

    assert refusal_of(unsigned(header, claims, signature), settings) == "another algorithm, or no key named"


def test_changed_claims_break_the_signature(issuer: Issuer, settings: Settings) -> None:
    header, _, signature = issuer.token().split(".")
    claims = unsigned({}, issuer.claims(**{"cognito:groups": ["operator"]})).split(".")[1]

    assert refusal_of(f"{header}.{claims}.{signature}", settings) == "InvalidSignatureError"


def test_a_key_of_somebody_elses_under_our_key_id_is_refused(issuer: Issuer, settings: Settings) -> None:
    stranger = Issuer(issuer.url, owner="a stranger")

    assert refusal_of(stranger.token(), settings) == "InvalidSignatureError"


def test_an_unknown_key_is_refused(issuer: Issuer, settings: Settings) -> None:
    stranger = Issuer(issuer.url, owner="a stranger")
    stranger.new_key("key-9")

    assert refusal_of(stranger.token("key-9"), settings) == "unknown key"


def test_a_token_cannot_say_where_its_key_is_found(issuer: Issuer, settings: Settings) -> None:
    stranger = Issuer(issuer.url, owner="a stranger")
    stranger.new_key("key-9")
    headers = {"kid": "key-9", "jku": "http://127.0.0.1:1/keys", "jwk": {"kty": "oct", "k": "c2VjcmV0"}}
    token = jwt.encode(stranger.claims(), stranger._keys["key-9"], algorithm="RS256", headers=headers)

    assert refusal_of(token, settings) == "unknown key"


@pytest.mark.parametrize("token", ["", "a.b", "a.b.c", "🙂", "..", "e30.e30.", "null.null.null", "x" * 9000])
def test_what_is_no_token_is_refused(token: str, settings: Settings) -> None:
    with pytest.raises(Unauthorized):
        verify(token, settings)


def test_keys_are_asked_for_once(issuer: Issuer, settings: Settings) -> None:
    for _ in range(5):
        verify(issuer.token(), settings)

    assert issuer.asked == 1


def test_forged_key_ids_do_not_make_paydesk_ask_every_time(issuer: Issuer, settings: Settings) -> None:
    stranger = Issuer(issuer.url, owner="a stranger")
    for number in range(5):
        stranger.new_key(f"forged-{number}")
        refusal_of(stranger.token(f"forged-{number}"), settings)

    assert issuer.asked == 1


def test_keys_that_cannot_be_had_say_nothing_about_the_token(issuer: Issuer, settings: Settings) -> None:
    """Told 401, every client would throw its good token away and all users would sign in at once."""
    issuer.broken = True
    with pytest.raises(Unavailable):
        verify(issuer.token(), settings)

    issuer.broken = False
    assert verify(issuer.token(), settings).subject == "6f1b0c8e"


def test_an_unreachable_issuer_says_nothing_about_the_token(issuer: Issuer, settings: Settings) -> None:
    gone = settings.token.model_copy(update={"jwks_url": "http://127.0.0.1:1/keys"})

    with pytest.raises(Unavailable):
        verify(issuer.token(), settings.model_copy(update={"token": gone}))
