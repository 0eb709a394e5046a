"""The list of guards that `make mutate` takes out stays true to the code."""

import pytest

from local.stage import REPOSITORY
from tests.mutation.guard import Guard
from tests.mutation.guards import GUARDS

ALL = [guard for guards in GUARDS.values() for guard in guards]


@pytest.mark.parametrize("guard", ALL, ids=[guard.name for guard in ALL])
def test_the_guard_stands_where_the_list_says(guard: Guard) -> None:
    text = guard.taken_out(REPOSITORY)
    compile(text, guard.path, "exec")
    assert text != (REPOSITORY / guard.path).read_text()
    for test in guard.tests:
        assert (REPOSITORY / test.partition("::")[0]).exists(), test


def test_no_two_guards_share_a_name() -> None:
    assert len({guard.name for guard in ALL}) == len(ALL)


def test_a_guard_that_no_longer_stands_there_is_refused() -> None:
    gone = Guard("gone", "chalicelib/payments/moves.py", "no such text", "", "", ())
    with pytest.raises(LookupError, match="gone: stands 0 times"):
        gone.taken_out(REPOSITORY)
