"""A simulation that cannot fail proves nothing: what is broken on purpose is found, and told so that it can be read."""

import pytest

from tests.simulation.broken import BROKEN, Broken
from tests.simulation.history import History
from tests.simulation.messages import ALL_BOOKS, SAID_BY_THE_SIMULATION, messages_of, told_by
from tests.simulation.running import shortest


@pytest.mark.parametrize("broken", BROKEN.values(), ids=list(BROKEN))
def test_the_simulation_finds(broken: Broken) -> None:
    """Within so many seeds, and what it says names what is wrong. Not broken, the same history is in order."""
    says = told_by(broken.shows_as)
    for seed in broken.where:
        found = History(seed, broken.setting).play().found
        if any(says.search(flaw) for flaw in found):
            assert History(seed).play().found == []
            return
    pytest.fail(f"nothing like {broken.shows_as!r} in {broken.seeds} seeds")


def test_every_message_has_something_broken_that_shows_as_it() -> None:
    """What the books alone say has its damages in tests/proof/test_the_proof_can_fail.py."""
    shown = {broken.shows_as for broken in BROKEN.values()}
    said = set().union(*map(messages_of, SAID_BY_THE_SIMULATION))
    assert said - shown == set(), "messages without a case"
    assert shown - said - messages_of(ALL_BOOKS) == set(), "cases that show as nothing the source says"
    assert len(said) > 30


def test_a_broken_history_is_cut_down_to_what_breaks_it_and_told_line_by_line() -> None:
    broken = BROKEN["a gateway that looks where it should fence"]
    seed = next(seed for seed in broken.where if History(seed, broken.setting).play().found)
    cut = shortest(seed, broken.setting)
    assert cut.ending.found
    assert History(seed, broken.setting, operations=cut.operations - 1).play().found == []
    told = "\n".join(cut.ending.diary)
    assert "closes" in told
    assert "WRONG" in told
