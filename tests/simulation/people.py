"""Who asks something of Paydesk, and what they remember of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from chalicelib.accounts.models import Account
from chalicelib.activity.models import Actor
from chalicelib.core.errors import Broken, Refused, Unavailable
from chalicelib.invoices.service import IssueRequest
from chalicelib.payment_methods.service import AddCard
from chalicelib.payments.service import PayRequest
from chalicelib.wiring import Desk
from tests.simulation.promises import Told
from tests.simulation.providers import Provider

ANNA = Actor(subject="anna", name="anna@example.com")
OPERATOR = Actor(subject="operator", name="operator@example.com")

Doing = Callable[[Desk], str]
"""Asks Paydesk for something, and says in a few words what it answered."""


@dataclass(frozen=True)
class Wish:
    """Something somebody wants done. `payment_id`: of the payment asked for, if one is."""

    says: str
    do: Doing
    payment_id: str | None = None


@dataclass
class Customer:
    """One account, what its people have done so far, and what they were told."""

    name: str
    account_id: str
    provider: Provider
    told: Told
    cards: list[str] = field(default_factory=list)
    payments: list[PayRequest] = field(default_factory=list)
    invoices: list[IssueRequest] = field(default_factory=list)
    adding: list[AddCard] = field(default_factory=list)
    subscriptions: list[str] = field(default_factory=list)
    numbers: int = 0

    def key(self, what: str) -> str:
        self.numbers += 1
        return f"{what}-{self.numbers}"


Ask = Callable[[Customer, Account, Random, Desk], "Wish | None"]
"""Something a customer or operator may want, seeing the account as it stands; None: nothing to want."""


def answered(act: Callable[[], str], told_no: Callable[[], None] = lambda: None) -> str:
    """What a caller learns. Any other error than these is no answer but a defect, and ends the history."""
    try:
        return act()
    except Refused as refused:
        told_no()
        return f"no: {refused.code}"
    except Unavailable:
        told_no()
        return "no: unavailable, nothing was charged"
    except Broken as broken:
        if broken.code != "unreadable_record":
            raise
        return "an error: the record is unreadable"
