"""The gateway keeps the cards that Paydesk knows, and no others."""

from dataclasses import replace

import pytest

from chalicelib import wiring
from chalicelib.core.errors import Invalid
from chalicelib.gateways.port import AttachedCard, GatewayPort, TokenRefused, Unknown
from chalicelib.sweeps.stores import MemoryRuns
from tests.proof.gateways import PassingOn
from tests.support.builders import BEN
from tests.support.faults import Crash
from tests.support.memory_desk import MemoryDesk, a_desk


class Vault(PassingOn):
    """Writes down which cards it was given, and which it was told to forget."""

    def __init__(self, gateway: GatewayPort) -> None:
        super().__init__(gateway)
        self.given: list[str] = []
        self.forgotten: list[str] = []

    def attach_card(self, account_id: str, payment_method_id: str, token: str) -> AttachedCard | TokenRefused | Unknown:
        answer = super().attach_card(account_id, payment_method_id, token)
        if isinstance(answer, AttachedCard):
            self.given.append(answer.reference)
        return answer

    def detach(self, method_reference: str) -> None:
        self.forgotten.append(method_reference)


def with_vault(made: MemoryDesk) -> tuple[MemoryDesk, Vault]:
    """The desk with a gateway whose cards are written down."""
    vault = Vault(made.gateway)
    desk = wiring.build(
        made.desk.settings, clock=made.clock, ledger=made.ledger, gateway=vault, queue=made.queue, runs=MemoryRuns()
    )
    return replace(made, desk=desk), vault


def dies() -> None:
    raise Crash


def remove(desk: MemoryDesk, card: str) -> None:
    desk.desk.payment_methods.remove(desk.account_id, card, BEN, on_default="disable_autopay", promote=None)


def test_a_removed_card_is_forgotten(desk: MemoryDesk) -> None:
    watched, vault = with_vault(desk)
    remove(watched, watched.add_card())
    assert vault.forgotten == vault.given != []


def test_a_card_is_forgotten_when_the_request_comes_again_after_a_crash(desk: MemoryDesk) -> None:
    watched, vault = with_vault(desk)
    card = watched.add_card()
    desk.ledger.after_commit.plan(dies)
    with pytest.raises(Crash):
        remove(watched, card)
    assert (desk.account().method_count, vault.forgotten) == (0, [])
    remove(watched, card)
    assert vault.forgotten == vault.given != []


def test_a_card_that_another_gateway_keeps_is_left_alone(desk: MemoryDesk) -> None:
    watched, vault = with_vault(desk)
    card = watched.add_card()
    place = next(place for place in desk.ledger._items if place[2] == card)
    desk.ledger._items[place] = desk.ledger._items[place] | {"gateway": "stripe"}
    remove(watched, card)
    assert vault.forgotten == []


def test_a_card_of_a_brand_that_is_not_taken_is_forgotten(desk: MemoryDesk) -> None:
    watched, vault = with_vault(desk)
    with pytest.raises(Invalid, match="brand_not_supported"):
        watched.add_card("tok_diners")
    assert vault.forgotten == vault.given != []


def test_a_card_whose_place_was_taken_meanwhile_is_forgotten() -> None:
    desk, vault = with_vault(a_desk(PAYDESK_LIMIT_METHODS="1"))
    desk.ledger.before_commit.plan(lambda: desk.add_card("tok_mastercard"))
    with pytest.raises(Invalid, match="limit_reached"):
        desk.add_card("tok_visa")
    assert [reference.partition(":")[0] for reference in vault.forgotten] == ["tok_visa"]
    assert desk.account().method_count == 1


def test_a_one_time_token_is_used_once_though_somebody_else_is_first(desk: MemoryDesk) -> None:
    watched, vault = with_vault(desk)
    desk.ledger.before_commit.plan(desk.issue)
    watched.add_card()
    assert len(vault.given) == 1
