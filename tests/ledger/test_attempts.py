"""A use case whose account keeps changing under it decides again, a bounded number of times, and out of step."""

import pytest

from chalicelib.core.errors import Unavailable
from chalicelib.ledger.models import Stale
from chalicelib.ledger.port import Attempts, until_committed
from chalicelib.payments.booking import PATIENCE


def losing(times: int, sleeps: list[float], attempts_max: int = 5) -> int:
    """How many attempts a use case takes that meets somebody else's change so many times."""
    attempts: list[int] = []

    def attempt() -> int:
        attempts.append(1)
        if len(attempts) <= times:
            raise Stale
        return len(attempts)

    return until_committed(Attempts(attempts_max, sleeps.append), attempt)


def test_the_first_two_attempts_follow_each_other_at_once() -> None:
    sleeps: list[float] = []
    assert (losing(0, sleeps), losing(1, sleeps), sleeps) == (1, 2, [])


def test_every_further_attempt_waits_a_random_time_that_grows_up_to_a_bound() -> None:
    waits: list[list[float]] = []
    for _ in range(30):
        sleeps: list[float] = []
        assert losing(4, sleeps) == 5
        waits.append(sleeps)
    for third_fourth_fifth, bound in zip(zip(*waits, strict=True), (0.1, 0.2, 0.4), strict=True):
        assert all(0 <= wait <= bound for wait in third_fourth_fifth)
        assert len(set(third_fourth_fifth)) == 30, "no two writers wait alike"


def test_a_use_case_that_always_loses_is_unavailable_after_its_attempts() -> None:
    sleeps: list[float] = []
    with pytest.raises(Unavailable) as unavailable:
        losing(5, sleeps)
    assert unavailable.value.facts == {"retry_after_seconds": 1}
    assert len(sleeps) == 3


def test_the_most_patient_use_case_waits_so_little_that_an_answer_still_comes_in_time() -> None:
    """API Gateway hangs up after 29 s, and the payment gateway may have taken 15 of them."""
    sleeps: list[float] = []
    with pytest.raises(Unavailable):
        losing(100, sleeps, attempts_max=5 * PATIENCE)
    assert len(sleeps) * 0.4 < 8
    assert max(sleeps) <= 0.4
