"""A guard of Paydesk's, and how it is taken out of a copy of the code."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Guard:
    """`old` stands once in the file at `path`; `new` is the same without the guard. `why` is what the guard is for.
    `tests` have to notice that it is gone, the likeliest first.
    """

    name: str
    path: str
    old: str
    new: str
    why: str
    tests: tuple[str, ...]

    def taken_out(self, root: Path) -> str:
        """The file's text without the guard. Raises LookupError when the guard no longer stands there as listed."""
        text = (root / self.path).read_text()
        if text.count(self.old) != 1:
            raise LookupError(f"{self.name}: stands {text.count(self.old)} times in {self.path}, not once:\n{self.old}")
        return text.replace(self.old, self.new)


@dataclass(frozen=True)
class File:
    """A file with guards in it, and the tests that have to notice when one is gone."""

    path: str
    tests: tuple[str, ...]

    def without(self, name: str, old: str, new: str, why: str, *more_tests: str) -> Guard:
        """The guard `old` put out of force as `new`. `more_tests` are asked first."""
        return Guard(name, self.path, old, new, why, (*more_tests, *self.tests))

    def unless(self, name: str, condition: str, why: str, *more_tests: str) -> Guard:
        """The guard `if condition:` that never holds."""
        return self.without(name, f"if {condition}:", "if False:", why, *more_tests)
