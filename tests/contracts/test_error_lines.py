"""Every line that rings is explained to whoever it wakes: docs/architecture.md says what each means and what to do."""

import ast
import re
from pathlib import Path

from local.stage import REPOSITORY

PAGE = REPOSITORY / "docs" / "architecture.md"
RINGS = {"error", "exception", "critical"}


def events(path: Path) -> set[str]:
    """What a file logs at level ERROR, or above."""
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    return {
        ast.literal_eval(call.args[0])
        for call in calls
        if isinstance(call.func, ast.Attribute) and call.func.attr in RINGS and ast.unparse(call.func.value) == "log"
    }


def test_every_line_that_rings_stands_in_the_table_of_what_goes_wrong_and_no_other_does() -> None:
    logged = {event for path in (REPOSITORY / "chalicelib").rglob("*.py") for event in events(path)}
    table = PAGE.read_text().partition("## When something goes wrong")[2]
    explained = {
        name for logs in re.findall(r"\blogs? ((?:`\w+`(?:, )?)+)", table) for name in re.findall(r"\w+", logs)
    }

    assert len(logged) > 10, "the search finds them"
    assert explained == logged
