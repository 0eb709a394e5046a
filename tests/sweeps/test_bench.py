"""The bench at a small size: what it shows of 5,000 accounts has to hold for 300 beside 30."""

from bench.autopay_run import measure
from tests.support.engines import Engine


def test_memory_is_flat_and_the_time_per_account_no_worse_with_ten_times_the_accounts(ministack: Engine) -> None:
    """Everybody is charged once, or measuring fails. Times are small here, so they get some room."""
    few, many = measure(ministack, 30), measure(ministack, 300)
    assert many.peak_kilobytes <= 1.1 * few.peak_kilobytes
    assert many.relative <= 1.2 * few.relative
