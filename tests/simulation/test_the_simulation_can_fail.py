"""A simulation that cannot fail proves nothing: what is broken on purpose is found, and told so that it can be read."""

import pytest

from tests.simulation.broken import BROKEN, Broken
from tests.simulation.history import History
from tests.simulation.running import shortest


@pytest.mark.parametrize("broken", BROKEN.values(), ids=list(BROKEN))
def test_the_simulation_finds(broken: Broken) -> None:
    """Within so many seeds, and what it says names what is wrong. Not broken, the same history is in order."""
    for seed in range(1, broken.seeds + 1):
        found = History(seed, broken.setting).play().found
        if any(broken.shows_as in flaw for flaw in found):
            assert History(seed).play().found == []
            return
    pytest.fail(f"nothing like {broken.shows_as!r} in {broken.seeds} seeds")


def test_a_broken_history_is_cut_down_to_what_breaks_it_and_told_line_by_line() -> None:
    broken = BROKEN["a gateway that looks where it should fence"]
    seed = next(seed for seed in range(1, broken.seeds) if History(seed, broken.setting).play().found)
    cut = shortest(seed, broken.setting)
    assert cut.ending.found
    assert History(seed, broken.setting, operations=cut.operations - 1).play().found == []
    told = "\n".join(cut.ending.diary)
    assert "closes" in told
    assert "WRONG" in told
