"""Who calls, and what that person may do."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Role(StrEnum):
    """The names are those in the token. A person may hold several."""

    VIEWER = "billing_viewer"
    ADMIN = "billing_admin"
    OPERATOR = "operator"


@dataclass(frozen=True)
class Caller:
    """A person whose token was verified. Roles hold for all of `account_ids`; an operator sees every account.

    `subject` names the person for ever and tells nothing about them; `email` is personal data.
    """

    subject: str
    email: str
    roles: frozenset[Role]
    account_ids: frozenset[str]
    expires_at: datetime

    def reaches(self, account_id: str) -> bool:
        """Whether the account exists at all, as far as this caller can tell."""
        return account_id in self.account_ids or Role.OPERATOR in self.roles

    def has(self, role: Role, account_id: str | None = None) -> bool:
        """Whether the caller holds the role, for that account where one is named.

        An administrator is also a viewer, and so is an operator, of every account. An operator is an administrator of
        no account by being operator: who is both may change only the accounts in the token.
        """
        own = account_id is None or account_id in self.account_ids
        if role is Role.OPERATOR:
            return Role.OPERATOR in self.roles
        if role is Role.ADMIN:
            return own and Role.ADMIN in self.roles
        return Role.OPERATOR in self.roles or (own and bool({Role.VIEWER, Role.ADMIN} & self.roles))
