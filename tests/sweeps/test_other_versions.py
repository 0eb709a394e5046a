"""A run beside another deployment: what that one wrote in its own way is left to it."""

from collections import Counter

import pytest

from tests.sweeps.fleet import Fleet, names_in, plenty


def test_an_account_of_another_version_is_reported_and_stops_nobody(caplog: pytest.LogCaptureFixture) -> None:
    newer, *others = names_in("00", 5)
    fleet = Fleet([newer, *others])
    fleet.spoil(newer, schema_version=2)
    tally = fleet.run(plenty)
    assert tally.counts == {"unreadable": 1, "handled": 4, "charged": 4}
    assert fleet.attempts() == Counter(others)
    reported = [(record.message, getattr(record, "account_id", None)) for record in caplog.records]
    assert reported == [("account_unreadable", newer)]
    assert fleet.due() == [newer], "left for a person, not forgotten"
