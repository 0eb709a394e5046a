"""Counts the cases that were proved and says so at the end of the run."""

import logging
from collections import Counter

import pytest

_tally = pytest.StashKey[Counter[str]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_tally] = Counter()


@pytest.fixture
def tally(pytestconfig: pytest.Config) -> Counter[str]:
    """What was proved how often: `tally["crashes in memory"] += 1`."""
    return pytestconfig.stash[_tally]


@pytest.fixture
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    """Thousands of crashes log thousands of tracebacks that nobody reads and pytest would keep."""
    caplog.set_level(logging.CRITICAL)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if config.stash[_tally]:
        terminalreporter.section("proof: nobody charged twice, nobody forgotten")
        for what, count in sorted(config.stash[_tally].items()):
            terminalreporter.line(f"{count:6,d} {what}")
