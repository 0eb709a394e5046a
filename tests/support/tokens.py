"""Tokens of people who really signed in: one user pool for all tests, one user per set of roles and accounts."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from local import aws
from local.resources import UserPool, create_user, create_user_pool, sign_in
from local.stage import Stage

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient

_PASSWORD = "Correct-Horse-7"


class Tokens:
    """Signs users in through Cognito's InitiateAuth, each once: a token is good for an hour."""

    def __init__(self, endpoint_url: str) -> None:
        self._client: CognitoIdentityProviderClient = aws.cognito(endpoint_url)
        self.pool: UserPool = create_user_pool(self._client, Stage())
        self._tokens: dict[tuple[frozenset[str], frozenset[str]], str] = {}

    def token(self, roles: Iterable[str], account_ids: Iterable[str]) -> str:
        who = (frozenset(roles), frozenset(account_ids))
        if who not in self._tokens:
            email = f"user-{len(self._tokens) + 1}@example.com"
            create_user(self._client, self.pool, email, _PASSWORD, sorted(who[0]), sorted(who[1]))
            self._tokens[who] = sign_in(self._client, self.pool, email, _PASSWORD)
        return self._tokens[who]
