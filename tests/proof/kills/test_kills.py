"""Processes killed with SIGKILL while they pay, with the gateway in a process of its own: nobody charged twice, nothing
lost. `make kills` kills 500.
"""

from collections import Counter

from tests.proof.kills.killing import WORKERS, Found, shop
from tests.support.engines import Engine

ROUNDS = 8
ROUNDS_MAX = 24
"""Where a kill falls is chance: it goes on until one fell between a charge and its booking."""


def test_nobody_is_charged_twice_or_forgotten_when_processes_are_killed(ministack: Engine, tally: Counter[str]) -> None:
    with shop(ministack, seed=4) as killing:
        for number in range(ROUNDS_MAX):
            if number < ROUNDS or not killing.found.unbooked:
                killing.round()
        killing.calm_down()
    found = killing.found
    assert found.flaws == []
    assert found.kills >= ROUNDS * WORKERS
    assert found.charges == found.payments > 0
    assert found.unbooked, "some were killed between their charge and its booking, or nothing was shown"
    tally["processes killed while they paid (MiniStack, the gateway in a process of its own)"] += found.kills
    tally["... of the payments they left in flight the gateway had charged"] += len(found.unbooked)


def test_a_desk_that_charges_before_it_reserves_is_found(ministack: Engine) -> None:
    assert any("charged and not booked" in flaw for flaw in _found_in_an_unreserving_shop(ministack).flaws)


def _found_in_an_unreserving_shop(engine: Engine) -> Found:
    with shop(engine, seed=5, reserves=False) as killing:
        for _ in range(ROUNDS_MAX):
            killing.round()
            if killing.found.flaws:
                break
    return killing.found
