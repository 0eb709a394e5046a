"""How far long work at a terminal has come. Nothing where nobody watches one: a log needs no bars."""

import contextlib
from collections.abc import Callable, Iterator
from typing import TextIO

Done = Callable[[int], None]
"""Tells how much of it is done by now."""

Progress = Callable[[str, int], contextlib.AbstractContextManager[Done]]
"""Opens a bar for a piece of work of so many parts."""


def unwatched(_done: int) -> None:
    """Done, and nobody watches."""


@contextlib.contextmanager
def unseen(_work: str, _parts: int) -> Iterator[Done]:
    """Progress nobody watches."""
    yield unwatched


def bars_on(terminal: TextIO) -> Progress:
    """Bars on a terminal, gone when the work is done."""
    if not terminal.isatty():
        return unseen

    @contextlib.contextmanager
    def bar(work: str, parts: int) -> Iterator[Done]:
        from rich import progress  # only for who watches
        from rich.console import Console

        columns = (
            progress.TextColumn("{task.description}"),
            progress.BarColumn(),
            progress.MofNCompleteColumn(),
            progress.TimeRemainingColumn(),
        )
        with progress.Progress(*columns, console=Console(file=terminal), transient=True) as shown:
            task = shown.add_task(work, total=parts)
            yield lambda done: shown.update(task, completed=done)

    return bar
