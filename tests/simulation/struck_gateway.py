"""The way from a machine to the payment gateway. Each call is an effect: others may come first, and something may go
wrong.
"""

from typing import TYPE_CHECKING, NoReturn

from chalicelib.gateways.port import AttachedCard, Charge, Closed, NotSent, Outcome, TokenRefused, Unknown
from tests.simulation.dice import ATTACH, CHARGE, CLOSE
from tests.simulation.world import LateCharge

if TYPE_CHECKING:
    from tests.simulation.machine import Machine


class StruckGateway:
    """GatewayPort on the way to the provider's gateway."""

    def __init__(self, machine: "Machine") -> None:
        self._machine = machine
        self._world = machine.world
        self._gateway = machine.world.provider.gateway
        self.name = self._gateway.name

    def attach_card(self, account_id: str, payment_method_id: str, token: str) -> AttachedCard | TokenRefused | Unknown:
        fault = self._strikes(ATTACH)
        if fault == "nobody answers":
            return Unknown("nobody answered")
        if fault == "crash around an attach" and self._world.dice.maybe(0.5):
            self._dies(fault)
        answer = self._gateway.attach_card(account_id, payment_method_id, token)
        if fault == "crash around an attach":
            self._dies(fault)
        return self._unheard(fault, answer) if fault == "answer to an attach lost" else answer

    def detach(self, method_reference: str) -> None:
        fault = self._strikes(ATTACH)
        if fault == "crash around an attach":
            self._dies(fault)
        if fault == "answer to an attach lost":
            self._machine.took_effect(fault)
        elif fault is None:
            self._gateway.detach(method_reference)

    def charge(self, charge: Charge) -> Outcome | NotSent | Unknown:
        fault = self._strikes(CHARGE)
        match fault:
            case "crash before a charge":
                self._dies(fault)
            case "nobody answers":
                return Unknown("nobody answered")
            case "gateway times out, not charged":
                self._machine.took_effect(fault)
                return Unknown("nobody answered")
            case "gateway unreachable, provably not sent":
                self._machine.took_effect(fault)
                return NotSent("connection refused")
            case "charge arrives late":
                self._world.late.append(LateCharge(charge, self._world.clock.now()))
                return Unknown("nobody answered")
            case "frozen between check and send":
                self._machine.freezes(fault)
            case "clock jumps":
                self._machine.clock_jumps()
        return self._charged(charge, fault)

    def _charged(self, charge: Charge, fault: str | None) -> Outcome | NotSent | Unknown:
        self._world.charge_arrives(charge)
        answer = self._gateway.charge(charge)
        if self._machine.writes_a_diary:
            self._machine.note(f"  charges {charge.amount_minor} under {charge.payment_id}: {answer}")
        self._world.look(charge.account_id)
        if fault == "crash after a charge":
            self._dies(fault)
        if fault == "frozen between charge and settle":
            self._machine.freezes(fault)
        return self._unheard(fault, answer) if fault == "gateway times out, charged" else answer

    def close(self, payment_id: str) -> Outcome | Closed | Unknown:
        fault = self._strikes(CLOSE)
        if fault == "crash before a close":
            self._dies(fault)
        if fault == "close lost on its way":
            self._machine.took_effect(fault)
        if fault in ("nobody answers", "close lost on its way"):
            return Unknown("nobody answered")
        if fault == "frozen before a close":
            self._machine.freezes(fault)
        self._world.closed.add(payment_id)
        answer = self._gateway.close(payment_id)
        self._world.steps[self._machine.at] += 1
        if self._machine.writes_a_diary:
            self._machine.note(f"  closes {payment_id}: {answer}")
        if fault == "crash after a close":
            self._dies(fault)
        return self._unheard(fault, answer) if fault == "answer to a close lost" else answer

    def _dies(self, fault: str) -> NoReturn:
        self._machine.took_effect(fault)
        self._machine.dies()

    def _unheard(self, fault: str, answer: object) -> Unknown:
        """It makes a difference when there was something to hear."""
        if not isinstance(answer, Unknown):
            self._machine.took_effect(fault)
        return Unknown("nobody answered")

    def _strikes(self, effect: str) -> str | None:
        self._machine.reaches()
        if self._world.is_met_by_an_outage():
            self._machine.note("  the gateway is still out of order")
            return "nobody answers"
        fault = self._machine.befalls(effect)
        if fault is not None:
            self._machine.note(f"  {fault}")
        return fault
