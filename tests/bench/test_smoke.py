"""The bench at sizes too small for figures, so that it cannot rot. What is no timing has to hold here already."""

from bench import autopay_run, cold_start, paying
from bench.figures import Figure, table
from tests.support.engines import Engine


def quietly(_line: str) -> None:
    """Tests tell nobody how far they have come."""


def test_memory_is_flat_with_ten_times_the_customers_and_everybody_is_charged_once(ministack: Engine) -> None:
    """Both sides make the same calls, or measuring fails; a customer charged twice, or not at all, fails it too."""
    few, many = (autopay_run.measure(ministack, customers, quietly) for customers in (30, 300))
    assert many.peak_kilobytes <= 1.1 * few.peak_kilobytes
    assert [sum(turn.customers for turn in fleet.turns) for fleet in (few, many)] == [30, 300]


def test_paying_listing_and_replaying_are_measured_beside_the_calls_they_make(ministack: Engine) -> None:
    figures = paying.measure(ministack, rounds=1, each=2, tell=quietly)
    calls = [figure.note.partition(", ")[2] for figure in figures]
    assert calls == ["TransactGetItems PutItem PutItem TransactWriteItems", "GetItem Query", "TransactGetItems"]
    assert all(figure.reached > 0 for figure in figures)


def test_a_run_with_a_slow_gateway_is_measured_beside_what_its_pool_allows(ministack: Engine) -> None:
    figures = autopay_run.slow_gateway(ministack, 32, quietly, threads=4, seconds=0.01)
    assert [figure.target for figure in figures] == [0.8, 0.75]
    assert all(figure.reached > 0 for figure in figures)


def test_a_cold_start_is_measured_in_fresh_processes() -> None:
    figures = cold_start.measure(1, quietly)
    assert [figure.target for figure in figures] == [1.2, None]
    assert all(figure.reached > 0 for figure in figures)


def test_the_table_says_what_was_missed() -> None:
    figures = [
        Figure("a", 1.25, 1.3),
        Figure("bb", 1.35, 1.3, note="slow"),
        Figure("c", 0.74, 0.75, "at least"),
        Figure("d", 3),
    ]
    assert table(figures).splitlines() == [
        "    reached  target",
        "a      1.25  at most 1.3    met",
        "bb     1.35  at most 1.3    MISSED  slow",
        "c      0.74  at least 0.75  MISSED",
        "d         3",
    ]
