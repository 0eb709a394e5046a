import subprocess
import sys
from pathlib import Path

from tests.local.running import environment


def test_the_demo_tells_its_story_to_the_end(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "local.demo"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    for told in (
        "201 Created",
        "402 Payment Required",
        "429 Too Many Requests",
        "Retry-After: 3600",
        "Idempotent-Replayed",
        '"sweep": "autopay", "counts": {}',
        '"declined:EUR": 22800',
        '"suspended:EUR": 22800',
        'stopped_reason: "retries_exhausted"',
        "The services came back by themselves.",
    ):
        assert told in done.stdout
    assert list(tmp_path.iterdir()) == []  # a stack of its own disturbs nobody's
