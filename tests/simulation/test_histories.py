"""Thousands of histories in which people, schedules and time go on while everything else goes wrong: nobody is charged
twice, nobody is forgotten.

Played by other processes, on all cores, exactly as `make simulate` does.
"""

import subprocess
import sys
from collections import Counter

import pytest

from local.stage import REPOSITORY
from tests.simulation.dice import AT_EFFECTS, CONSEQUENCES, ELSEWHERE, KINDS
from tests.simulation.history import OPERATIONS, History
from tests.simulation.operations import KINDS_OF_OPERATION

SEEDS = 2000
OPERATIONS_AT_LEAST = 30
FAULTS_AT_LEAST = 18


def test_nothing_is_wrong_in_two_thousand_histories() -> None:
    """It also fails when a kind of fault struck in fewer than one of a hundred."""
    asked = [sys.executable, "-m", "tests.simulation", "--seeds", str(SEEDS)]
    played = subprocess.run(asked, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert played.returncode == 0, played.stdout + played.stderr
    assert f"{SEEDS:,} histories, {SEEDS * OPERATIONS:,} operations" in played.stdout


def test_histories_are_long_enough_and_enough_can_go_wrong() -> None:
    assert OPERATIONS >= OPERATIONS_AT_LEAST
    assert len(KINDS) >= FAULTS_AT_LEAST
    assert set(KINDS) == {kind for kinds in AT_EFFECTS.values() for kind in kinds} | {*ELSEWHERE, *CONSEQUENCES}


@pytest.mark.parametrize("seed", [7, 11, 24])
def test_the_same_seed_is_the_same_history(seed: int) -> None:
    """Line by line, with processes that take turns, crash and freeze."""
    once, again = (History(seed, kept=True) for _ in range(2))
    first, second = once.play(), again.play()
    assert first.diary
    assert first == second
    assert once.world.store.contents() == again.world.store.contents()


def test_a_shorter_history_is_the_beginning_of_a_longer_one() -> None:
    """So a broken history can be cut down to its first operations."""
    whole = History(5, kept=True).play()
    beginning = History(5, operations=20, kept=True).play()
    told_before_the_calm = [line for line in beginning.diary if "nothing goes wrong any more" not in line]
    until_the_calm = beginning.diary.index(next(line for line in beginning.diary if line not in told_before_the_calm))
    assert until_the_calm > 20
    assert whole.diary[:until_the_calm] == beginning.diary[:until_the_calm]


def test_every_operation_happens() -> None:
    done: Counter[str] = Counter()
    for seed in range(1, 150):
        done += History(seed).play().operations
    assert set(done) == set(KINDS_OF_OPERATION)


def test_a_history_in_which_nothing_goes_wrong_says_so() -> None:
    ending = History(3, without=frozenset(KINDS)).play()
    assert (ending.found, ending.fired & Counter(dict.fromkeys(AT_EFFECTS["commit"], 1))) == ([], Counter())
