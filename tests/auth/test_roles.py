"""Who may do what, as a table."""

from datetime import UTC, datetime

import pytest

from chalicelib.auth.roles import Caller, Role


def caller(*roles: Role, accounts: tuple[str, ...] = ("acc_own",)) -> Caller:
    return Caller("subject", "ada@example.com", frozenset(roles), frozenset(accounts), datetime(2030, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("roles", "account_id", "may_view", "may_change", "may_operate"),
    [
        ((), "acc_own", False, False, False),
        ((Role.VIEWER,), "acc_own", True, False, False),
        ((Role.VIEWER,), "acc_other", False, False, False),
        ((Role.ADMIN,), "acc_own", True, True, False),
        ((Role.ADMIN,), "acc_other", False, False, False),
        ((Role.OPERATOR,), "acc_own", True, False, True),
        ((Role.OPERATOR,), "acc_other", True, False, True),
        ((Role.OPERATOR, Role.ADMIN), "acc_own", True, True, True),
        ((Role.OPERATOR, Role.ADMIN), "acc_other", True, False, True),
        ((Role.VIEWER,), None, True, False, False),
        ((Role.ADMIN,), None, True, True, False),
        ((Role.OPERATOR,), None, True, False, True),
    ],
)
def test_roles_allow_what_they_say(
    roles: tuple[Role, ...],
    account_id: str | None,
    may_view: bool,
    may_change: bool,
    may_operate: bool,
) -> None:
    who = caller(*roles)

    assert who.has(Role.VIEWER, account_id) is may_view
    assert who.has(Role.ADMIN, account_id) is may_change
    assert who.has(Role.OPERATOR, account_id) is may_operate


def test_only_an_operator_reaches_accounts_of_others() -> None:
    assert caller(Role.ADMIN).reaches("acc_own")
    assert not caller(Role.ADMIN).reaches("acc_other")
    assert caller(Role.OPERATOR).reaches("acc_other")


def test_an_account_is_reached_by_its_whole_id_only() -> None:
    assert not caller(Role.ADMIN, accounts=("acc_10",)).reaches("acc_1")
