"""The authorizer's answer, and the way of the caller from there to the view."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from chalice.app import AuthRequest

from chalicelib import wiring
from chalicelib.auth.admission import admit
from chalicelib.auth.context import from_context, to_context
from chalicelib.auth.roles import Caller, Role
from chalicelib.core.errors import Unauthorized, Unavailable
from chalicelib.gateways.sandbox import SandboxGateway
from chalicelib.gateways.sandbox_tables import MemoryCharges
from chalicelib.ledger.memory import MemoryLedger
from chalicelib.settings import Settings
from tests.auth.issuer import Issuer
from tests.support.logs import logged

CALLER = Caller(
    "6f1b0c8e",
    "ada@example.com",
    frozenset({Role.ADMIN, Role.OPERATOR}),
    frozenset({"acc_1", "acc_2"}),
    datetime(2030, 1, 1, tzinfo=UTC),
)


@pytest.fixture(autouse=True)
def _desk(settings: Settings) -> Iterator[None]:
    gateway = SandboxGateway(MemoryCharges(), settings.sandbox_page_url)
    wiring.use(wiring.build(settings, ledger=MemoryLedger(), gateway=gateway))
    yield
    wiring.use(None)


def test_the_policy_covers_every_route_because_it_is_reused_for_all_of_them(issuer: Issuer) -> None:
    arn = "arn:aws:execute-api:eu-central-1:123456789012:abc/api/GET/v1/accounts"

    answer = admit(f"Bearer {issuer.token()}").to_dict(AuthRequest("TOKEN", "", arn))

    (statement,) = answer["policyDocument"]["Statement"]
    assert statement["Effect"] == "Allow"
    assert statement["Resource"] == ["arn:aws:execute-api:eu-central-1:123456789012:abc/api/*/*"]
    assert answer["principalId"] == "6f1b0c8e"


def test_context_values_are_text_which_is_all_api_gateway_takes(issuer: Issuer) -> None:
    context = admit(f"Bearer {issuer.token()}").context

    assert all(isinstance(value, str) for value in context.values())
    assert from_context(context, datetime.now(UTC)).account_ids == {"acc_1", "acc_2"}


@pytest.mark.parametrize("scheme", ["", "Basic ", "Token "])
def test_only_a_bearer_token_is_let_in(scheme: str, issuer: Issuer) -> None:
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        admit(scheme + issuer.token())


def test_the_word_bearer_may_be_written_in_any_case(issuer: Issuer) -> None:
    assert admit(f"bearer  {issuer.token()}").principal_id == "6f1b0c8e"


def test_a_refusal_is_logged_by_its_reason_without_the_token(issuer: Issuer) -> None:
    token = issuer.token(aud="client-2")

    with logged() as lines, pytest.raises(Exception, match=r"^Unauthorized$"):
        admit(f"Bearer {token}")

    assert "InvalidAudienceError" in lines.getvalue()
    assert token not in lines.getvalue()


def test_when_keys_cannot_be_had_the_error_passes_and_is_logged(issuer: Issuer) -> None:
    issuer.broken = True

    with logged() as lines, pytest.raises(Unavailable):
        admit(f"Bearer {issuer.token()}")

    assert "token_keys_unreachable" in lines.getvalue()


def test_a_caller_survives_the_way_through_the_context() -> None:
    assert from_context(to_context(CALLER), datetime(2029, 12, 31, tzinfo=UTC)) == CALLER


@pytest.mark.parametrize("late", [5, 60, 290])
def test_a_token_that_expires_while_its_policy_is_cached_is_refused(late: int) -> None:
    with pytest.raises(Unauthorized):
        from_context(to_context(CALLER), CALLER.expires_at + timedelta(seconds=late))


@pytest.mark.parametrize("context", [None, {}, {"principalId": "6f1b0c8e"}])
def test_without_a_caller_nobody_is_let_in(context: dict[str, str] | None) -> None:
    with pytest.raises(Unauthorized):
        from_context(context, datetime(2029, 12, 31, tzinfo=UTC))
