"""Adding counts by name."""

from chalicelib.core.counts import added


def test_counts_are_added_name_by_name_and_what_comes_to_nothing_stays() -> None:
    left, right = {"charged:EUR": 5, "charged:JPY": 2}, {"charged:JPY": -2, "declined:EUR": 0}

    assert added(left, right) == {"charged:EUR": 5, "charged:JPY": 0, "declined:EUR": 0}
    assert (left, right) == ({"charged:EUR": 5, "charged:JPY": 2}, {"charged:JPY": -2, "declined:EUR": 0})
