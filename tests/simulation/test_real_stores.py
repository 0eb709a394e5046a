"""The same histories end the same in memory and on DynamoDB: what is found in memory holds for what is deployed.

Some here; two hundred on each engine with `make simulate-stores`.
"""

import subprocess
import sys

import pytest

from chalicelib.ledger.memory import MemoryLedger
from local.stage import REPOSITORY
from tests.simulation.broken_ledgers import HalfWritten
from tests.simulation.history import History, Setting
from tests.simulation.real_stores import unlike
from tests.simulation.stores import MemoryStore


@pytest.mark.parametrize(("engine", "seeds"), [("moto", 10), ("ministack", 20)])
def test_histories_end_the_same_on(engine: str, seeds: int) -> None:
    asked = [sys.executable, "-m", "tests.simulation.real_stores", engine, "--seeds", str(seeds)]
    played = subprocess.run(asked, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert played.returncode == 0, played.stdout + played.stderr
    assert f"{seeds} of {seeds} histories end the same on {engine}" in played.stdout


def test_a_store_that_keeps_something_else_would_show() -> None:
    def ended(ledger: type[MemoryLedger]) -> MemoryStore:
        history = History(2, Setting(lambda settings: MemoryStore(settings, ledger)))
        history.play()
        assert isinstance(history.world.store, MemoryStore)
        return history.world.store

    assert list(unlike(ended(MemoryLedger), ended(MemoryLedger))) == []
    assert any("invoices" in what for what in unlike(ended(MemoryLedger), ended(HalfWritten)))
