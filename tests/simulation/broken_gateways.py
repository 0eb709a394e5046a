"""Gateways, and providers, that are broken on purpose."""

from collections.abc import Callable
from dataclasses import replace

from chalicelib.core.clock import Clock
from chalicelib.gateways.port import (
    Approved,
    AttachedCard,
    Charge,
    Closed,
    Declined,
    GatewayPort,
    NotSent,
    Outcome,
    TokenRefused,
    Unknown,
)
from chalicelib.gateways.sandbox import ChargeTable
from tests.proof.books import ChargeRows
from tests.proof.gateways import PassingOn
from tests.simulation.dice import Dice
from tests.simulation.providers import NewProvider, Provider, Sandbox
from tests.simulation.stores import ChargeBooks


def sandbox_with(wrap: Callable[[GatewayPort, ChargeTable], GatewayPort]) -> NewProvider:
    """The sandbox with something around its gateway."""

    def made(charges: ChargeBooks, clock: Clock, dice: Dice) -> Provider:
        provider = Sandbox(charges, clock, dice)
        provider.gateway = wrap(provider.gateway, charges)
        return provider

    return made


class KeepsWaiting(PassingOn):
    """Says that a charge which waits for the customer is closed, and lets the customer go on."""

    def __init__(self, gateway: GatewayPort, charges: ChargeTable) -> None:
        super().__init__(gateway)
        self._charges = charges

    def close(self, payment_id: str) -> Outcome | Closed | Unknown:
        row = self._charges.get(payment_id)
        return Closed() if row and row["state"] == "requires_action" else super().close(payment_id)


class TakesMore(PassingOn):
    """Takes a cent more than it is asked for."""

    def charge(self, charge: Charge) -> Outcome | NotSent | Unknown:
        return super().charge(replace(charge, amount_minor=charge.amount_minor + 1))


class SaysNothingHappened(PassingOn):
    """Its close says that nothing was taken, whatever was."""

    def close(self, payment_id: str) -> Outcome | Closed | Unknown:
        answer = super().close(payment_id)
        return Closed() if isinstance(answer, Approved) else answer


class TakesAndDeclines(PassingOn):
    """Takes the money and says, of large amounts, that it did not."""

    def charge(self, charge: Charge) -> Outcome | NotSent | Unknown:
        answer = super().charge(charge)
        large = charge.amount_minor > 10_000 and isinstance(answer, Approved)
        return Declined("do_not_honor", "retry_later") if large else answer


class NotSentAfterAll(PassingOn):
    """Swears that nothing was sent where it only got no answer."""

    def charge(self, charge: Charge) -> Outcome | NotSent | Unknown:
        answer = super().charge(charge)
        return NotSent("no answer") if isinstance(answer, Unknown) else answer


class ApprovesWhatIsClosed(PassingOn):
    """Says of a charge that comes too late that it was made."""

    def charge(self, charge: Charge) -> Outcome | NotSent | Unknown:
        answer = super().charge(charge)
        return Approved("sbx") if isinstance(answer, NotSent) and "closed" in answer.reason else answer


class ChargesAtAClose(PassingOn):
    """Sends a charge again to see what became of it."""

    def __init__(self, gateway: GatewayPort) -> None:
        super().__init__(gateway)
        self._asked: dict[str, Charge] = {}

    def charge(self, charge: Charge) -> Outcome | NotSent | Unknown:
        self._asked[charge.payment_id] = charge
        return super().charge(charge)

    def close(self, payment_id: str) -> Outcome | Closed | Unknown:
        if payment_id in self._asked:
            super().charge(self._asked[payment_id])
        return super().close(payment_id)


class NeverAnswers(PassingOn):
    """Neither charges nor answers."""

    def charge(self, charge: Charge) -> Outcome | NotSent | Unknown:
        return Unknown(f"no word about {charge.payment_id}")


class RefusesGoodCards(PassingOn):
    def attach_card(self, account_id: str, payment_method_id: str, token: str) -> AttachedCard | TokenRefused | Unknown:
        good = token == Sandbox.good_cards[0]
        return TokenRefused("not today") if good else super().attach_card(account_id, payment_method_id, token)


class Raises(PassingOn):
    """Raises where a gateway answers, whatever happened."""

    def attach_card(self, account_id: str, payment_method_id: str, token: str) -> AttachedCard | TokenRefused | Unknown:
        raise RuntimeError(f"an adapter's own defect: {account_id}, {payment_method_id}, {token}")


class NoBank(Sandbox):
    """Breaks when a customer decides."""

    def customer_decides(self, payment_id: str, *, approve: bool) -> bool:
        raise RuntimeError(f"a provider's own defect: {payment_id}, {approve}")


class NoAmounts(Sandbox):
    """Its books do not say how much was taken."""

    def charges(self) -> ChargeRows:
        return {i: {"state": row["state"], "account_id": row.get("account_id")} for i, row in super().charges().items()}
