"""The tree of refusals: what is drawn is what there is, and each has a code people may rely on."""

import inspect
import re

import pytest

from chalicelib.core import errors
from chalicelib.core.errors import PaydeskError

CLASSES = [
    member
    for _, member in inspect.getmembers(errors, inspect.isclass)
    if issubclass(member, BaseException) and member.__module__ == errors.__name__
]


def drawn() -> dict[str, str]:
    """Class -> parent, as the drawing at the head of the module has it: four columns per level."""
    tree: dict[str, str] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        if found := re.match(r"^    ([│├└─ ]*)([A-Z]\w+)(?=$|  )", line):
            level = len(found[1]) // 4
            path = [*path[:level], found[2]]
            tree[found[2]] = path[-2] if level else "Exception"
    return tree


def test_every_error_has_its_place_in_the_drawing() -> None:
    assert drawn() == {error.__name__: error.mro()[1].__name__ for error in CLASSES}


def test_the_drawing_has_more_than_a_root() -> None:
    assert drawn()["Malformed"] == "Refused"
    assert drawn()["Refused"] == "PaydeskError"
    assert drawn()["PaydeskError"] == "Exception"


@pytest.mark.parametrize("error", CLASSES, ids=lambda error: error.__name__)
def test_every_error_says_in_its_docstring_when_it_is_raised(error: type[PaydeskError]) -> None:
    assert error.__doc__


@pytest.mark.parametrize("error", CLASSES, ids=lambda error: error.__name__)
def test_an_error_carries_its_code_and_facts(error: type[PaydeskError]) -> None:
    raised = error("some_code", limit=20)
    assert (raised.code, raised.facts) == ("some_code", {"limit": 20})
    assert error().code == error.default_code
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", error.default_code)


def test_a_fact_may_be_called_code() -> None:
    assert PaydeskError("some_code", code="x").facts == {"code": "x"}
