"""Whatever a run counts, its documentation says what that is."""

import ast

from chalicelib.sweeps.schemas import COUNTS, RunView
from local.stage import REPOSITORY

DESCRIBED = {name for counts in COUNTS.values() for name in counts}


def counted() -> set[str]:
    """What the code hands to a Tally by name."""
    names: set[str] = set()
    for path in (REPOSITORY / "chalicelib").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "Tally" and node.args:
                keys = node.args[0].keys if isinstance(node.args[0], ast.Dict) else []
                names |= {str(key.value) for key in keys if isinstance(key, ast.Constant)}
    return names


def test_what_is_counted_by_name_is_described() -> None:
    assert len(counted()) > 5, "the search finds them"
    assert counted() <= DESCRIBED


def test_the_document_says_what_each_count_is() -> None:
    said = RunView.model_json_schema()["properties"]["counts"]["description"]
    assert [name for name in DESCRIBED if f"`{name}`" not in said] == []
