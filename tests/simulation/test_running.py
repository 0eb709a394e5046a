"""What a person at a terminal gets from `make simulate`: how far it is, how often what struck, and what broke how."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from local.stage import REPOSITORY
from tests.simulation.dice import BY_THE_SANDBOX, KINDS
from tests.simulation.running import Played

BROKEN = "tests.simulation.broken:LOOKS_FIRST"


def simulate(*arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    asked = [sys.executable, "-m", "tests.simulation", *arguments]
    environment = {**os.environ, **variables}
    return subprocess.run(asked, cwd=REPOSITORY, capture_output=True, text=True, check=False, env=environment)


def test_a_run_tells_how_far_it_is_and_how_often_what_struck() -> None:
    run = simulate("--seeds", "30", "--from", "5", "--processes", "1")
    assert run.returncode == 0
    assert "30 of 30 histories, 0 broken" in run.stderr
    assert all(kind in run.stdout for kind in KINDS)
    assert "Nothing is wrong in 30 histories" in run.stdout


def test_a_gateway_of_ones_own_is_put_in_by_its_name() -> None:
    usual = simulate("--seeds", "10", "--processes", "1")
    named = simulate("--seeds", "10", "--processes", "1", "--gateway", "tests.simulation.providers:Sandbox")
    assert (named.returncode, named.stdout) == (0, usual.stdout)


def test_the_gateway_that_the_docs_show_works_as_it_stands(tmp_path: Path) -> None:
    """From 2,000 histories on a run also asks how often each kind of fault took effect: here, what it would ask for."""
    shown = (REPOSITORY / "docs" / "simulation.md").read_text().partition("```python\n")[2].partition("```")[0]
    (tmp_path / "mine.py").write_text(shown)
    mine = ("--gateway", "mine:MyProvider")
    run = simulate("--seeds", "120", "--processes", "1", *mine, PYTHONPATH=str(tmp_path))
    assert run.returncode == 0, run.stdout + run.stderr
    never = [line[:42].strip() for line in run.stdout.splitlines() if line[42:54].strip() == "0"]
    assert set(never) == set(BY_THE_SANDBOX)


def test_a_seed_is_the_same_history_in_every_process() -> None:
    """Also where Python hashes texts otherwise, as each process does."""
    told = [simulate("--replay", "11", PYTHONHASHSEED=number).stdout for number in ("1", "2")]
    assert "nothing is wrong" in told[0]
    assert told[0] == told[1]


def test_a_broken_history_prints_its_seed_what_it_takes_and_how_to_play_it_again() -> None:
    run = simulate("--from", "100", "--seeds", "60", "--gateway", BROKEN)
    assert run.returncode == 1
    last = run.stdout.strip().splitlines()[-1]
    seed = last.rpartition("seeds ")[2].split(",")[0]
    assert "broken: seeds" in last
    assert f"--- seed {seed}, cut down to its first" in run.stdout
    again = next(line for line in run.stdout.splitlines() if f"--replay {seed} " in line)
    replayed = simulate(*again.partition('make simulate ARGS="')[2].rstrip('"').split())
    assert replayed.returncode == 1
    assert "charged and not booked" in replayed.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--seeds", "0"), "argument --seeds: it has to be a whole number, 1 or more, not '0'"),
        (("--seeds=-5",), "argument --seeds: it has to be a whole number, 1 or more, not '-5'"),
        (("--processes", "0"), "argument --processes: it has to be a whole number, 1 or more, not '0'"),
        (("--gateway", "nosuch:Foo"), "argument --gateway: nosuch:Foo cannot be had: No module named 'nosuch'"),
        (("--gateway", "zlib:Foo"), "argument --gateway: zlib:Foo cannot be had: module 'zlib' has no attribute 'Foo'"),
        (
            ("--gateway", "mine"),
            "argument --gateway: write it as MODULE:NAME, for example mine:MyProvider, not 'mine'",
        ),
    ],
    ids=" ".join,
)
def test_what_cannot_be_played_is_refused_with_one_sentence(arguments: tuple[str, ...], told: str) -> None:
    run = simulate(*arguments)
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.splitlines()[-1] == f"make simulate: error: {told}"


def test_a_kind_of_fault_that_hardly_ever_struck_is_named() -> None:
    played = Played(histories=1000)
    played.struck.update(dict.fromkeys(KINDS, 10))
    played.struck["stale index"] = 9
    assert played.too_rare() == ["stale index"]
