"""The README's commands, run as they stand: each does what the line above it says."""

import json
import re
import subprocess
from pathlib import Path

from local.stage import REPOSITORY
from tests.local.running import environment, running


def test_the_commands_of_the_readme_do_what_it_says(tmp_path: Path) -> None:
    start, *blocks = re.findall(r"```sh\n(.*?)```", (REPOSITORY / "README.md").read_text(), re.DOTALL)
    assert start.startswith("make run")
    with running(tmp_path) as stack:
        done = subprocess.run(
            ["bash", "-ec", "\n".join(blocks)],
            cwd=stack.directory,
            env=environment(),
            capture_output=True,
            text=True,
            check=True,
        )
    owed, card, paid, invoices, forecast, _, run, payments, day, _, unknown, *checks, resolved, issued = map(
        json.loads, done.stdout.splitlines()
    )
    assert (owed["balance"]["payable_minor"], owed["balance"]["overdue_minor"]) == (48_050, 25_250)
    assert (owed["services"]["status"], card["is_default"], paid["status"]) == ("suspended", True, "succeeded")
    assert [invoice["status"] for invoice in invoices["items"]] == ["paid", "paid"]
    assert [charge["amount_minor"] for charge in forecast["charges"]] == [149_000]
    assert (run["counts"]["charged"], day["counts"]["charged"], len(day["shards"])) == (1, 1, 32)
    assert [payment["trigger"] for payment in payments["items"]] == ["autopay"]
    assert (unknown["status"], resolved["status"]) == ("in_flight", "declined")
    assert (issued["account_id"], issued["remaining_minor"]) == (owed["account_id"], 9_900)
    assert [check["counts"].get("parked", 0) for check in checks] == [0, 0, 0, 0, 0, 0, 1]
