"""Everything the simulation can say is wrong, found in its source: `{}` stands for what differs from time to time."""

import ast
import re
from collections.abc import Iterator

from local.stage import REPOSITORY

ALL_BOOKS = "tests/proof/books.py"
SAID_BY_THE_SIMULATION = tuple(
    f"tests/simulation/{name}.py"
    for name in ("promises", "expected", "judge", "last_payments", "history", "interleaving", "overheard")
)
_PARTS = {"{}: {}", "{} since {}"}
"""What only carries a message, or is a part of one."""


def messages_of(path: str) -> set[str]:
    """What is yielded, returned or appended as a text in this file, or gathered into a list of texts."""
    tree = ast.parse((REPOSITORY / path).read_text())
    return {text for node in ast.walk(tree) for text in _said_at(node)} - _PARTS


def told_by(flaw: str) -> "re.Pattern[str]":
    """What a message looks like once it says what differs."""
    return re.compile(".*".join(re.escape(part) for part in flaw.split("{}")), re.DOTALL)


def _said_at(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Yield(value=ast.expr() as value) | ast.Return(value=ast.expr() as value):
            yield from _texts(value)
        case ast.Call(func=ast.Attribute(attr="append"), args=[value]):
            yield from _texts(value)
        case ast.ListComp(elt=ast.JoinedStr() as value):
            yield from _texts(value)


def _texts(value: ast.expr) -> Iterator[str]:
    match value:
        case ast.Constant(value=str(text)) if " " in text:
            yield text
        case ast.JoinedStr(values=values):
            yield "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in values)  # type: ignore[misc]
        case ast.IfExp(body=body, orelse=orelse):
            yield from _texts(body)
            yield from _texts(orelse)
