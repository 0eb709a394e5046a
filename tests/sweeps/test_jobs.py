"""What a schedule's function does when it cannot do its work: somebody is told, and Lambda tries again."""

from collections.abc import Iterator
from typing import get_args

import pytest

import app as deployed
from chalicelib import wiring
from chalicelib.ledger.memory import MemoryLedger
from chalicelib.settings import SettingsError
from chalicelib.sweeps.models import Order, SweepName
from local.runs import scheduled_event
from tests.proof.world import SETTINGS


class NoQueue:
    """Nothing listens there."""

    def send(self, order: Order) -> None:
        raise ConnectionError(f"nobody takes {order.shards}")


@pytest.fixture(autouse=True)
def no_desk_afterwards() -> Iterator[None]:
    yield
    wiring.use(None)


@pytest.mark.parametrize("sweep", get_args(SweepName))
def test_a_schedule_that_cannot_send_its_orders_says_so_and_fails(
    sweep: SweepName, caplog: pytest.LogCaptureFixture
) -> None:
    wiring.use(wiring.build(SETTINGS, ledger=MemoryLedger(), queue=NoQueue()))
    with pytest.raises(ConnectionError):
        getattr(deployed, f"start_{sweep}")(scheduled_event("2026-03-02T09:00:00Z"), None)
    must_have_told(sweep, caplog)


def test_a_schedule_without_settings_says_so_and_fails(caplog: pytest.LogCaptureFixture) -> None:
    wiring.use(None)
    with pytest.raises(SettingsError):
        deployed.start_autopay(scheduled_event("2026-03-02T09:00:00Z"), None)
    must_have_told("autopay", caplog)


def must_have_told(sweep: SweepName, caplog: pytest.LogCaptureFixture) -> None:
    (line,) = caplog.records
    assert (line.message, line.levelname, vars(line)["sweep"]) == ("run_not_started", "ERROR", sweep)
    assert line.exc_info is not None
