"""Gateways that freeze, and gateways that are broken on purpose."""

import threading

from chalicelib.gateways.port import AttachedCard, Charge, Closed, GatewayPort, NotSent, Outcome, TokenRefused, Unknown
from chalicelib.gateways.sandbox import ChargeTable

THAW_SECONDS_MAX = 20


class PassingOn:
    """A gateway that passes everything on; the others differ from it in one verb."""

    def __init__(self, gateway: GatewayPort) -> None:
        self._gateway = gateway
        self.name = gateway.name

    def attach_card(self, account_id: str, payment_method_id: str, token: str) -> AttachedCard | TokenRefused | Unknown:
        return self._gateway.attach_card(account_id, payment_method_id, token)

    def detach(self, method_reference: str) -> None:
        self._gateway.detach(method_reference)

    def charge(self, charge: Charge) -> Outcome | NotSent | Unknown:
        return self._gateway.charge(charge)

    def close(self, payment_id: str) -> Outcome | Closed | Unknown:
        return self._gateway.close(payment_id)


class Freezer(PassingOn):
    """A process that charges stands still before the gateway, or behind it, until it is thawed."""

    def __init__(self, gateway: GatewayPort, *, charges_first: bool) -> None:
        super().__init__(gateway)
        self._charges_first = charges_first
        self.frozen = threading.Event()
        self.thaw = threading.Event()

    def charge(self, charge: Charge) -> Outcome | NotSent | Unknown:
        answer = self._gateway.charge(charge) if self._charges_first else None
        self.frozen.set()
        assert self.thaw.wait(THAW_SECONDS_MAX)
        return answer or self._gateway.charge(charge)


class LooksFirst(PassingOn):
    """Its close looks for a charge and, finding none, leaves nothing that would stop one."""

    def __init__(self, gateway: GatewayPort, charges: ChargeTable) -> None:
        super().__init__(gateway)
        self._charges = charges

    def close(self, payment_id: str) -> Outcome | Closed | Unknown:
        return Closed() if self._charges.get(payment_id) is None else self._gateway.close(payment_id)


class NeverTells(PassingOn):
    """It cannot say what became of a charge."""

    def close(self, payment_id: str) -> Outcome | Closed | Unknown:
        return Unknown(f"no word about {payment_id}")


class TellsOnce(PassingOn):
    """It tells once what became of a charge; asked again, it says that there was none."""

    def __init__(self, gateway: GatewayPort) -> None:
        super().__init__(gateway)
        self._told: set[str] = set()

    def close(self, payment_id: str) -> Outcome | Closed | Unknown:
        answer = self._gateway.close(payment_id)
        if payment_id in self._told:
            return Closed()
        self._told.add(payment_id)
        return answer
