"""Takes every guard out in turn and sees whether a test notices: `make mutate`.

    python -m tests.mutation                    all guards, in a copy of the tree
    python -m tests.mutation paying autopay     those of rooms, or whose name holds a word
    python -m tests.mutation --resume           only those no test has noticed yet, as out/mutation/verdicts.json tells
    python -m tests.mutation --jobs 2           two at a time
    python -m tests.mutation --list             what there is, and what each is for

Exit 1 when a guard can be taken out and no test notices, or no longer stands where the list says.
"""

import argparse
import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from local.stage import REPOSITORY
from tests.mutation.guard import Guard
from tests.mutation.guards import GUARDS

_SECONDS_MAX = 600
_OUT = REPOSITORY / "out" / "mutation"
_VERDICTS = _OUT / "verdicts.json"
_SURVIVED = "SURVIVED"


class Tree:
    """A copy of the working tree in which guards are taken out and put back."""

    def __init__(self, place: Path) -> None:
        self._place = place
        shutil.rmtree(place, ignore_errors=True)
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            check=True,
            text=True,
        )
        compiled = [str(path.relative_to(REPOSITORY)) for path in (REPOSITORY / "chalicelib").rglob("*.mo")]
        for name in [*filter(None, listed.stdout.split("\0")), *compiled]:
            source = REPOSITORY / name
            if source.is_file() and not source.is_symlink():
                (place / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, place / name)
        (place / ".venv-ministack").symlink_to((REPOSITORY / ".venv-ministack").resolve())

    def tested_without(self, guard: Guard) -> str:
        """What noticed that the guard is gone, or SURVIVED."""
        path = self._place / guard.path
        standing = path.read_text()
        try:
            self._write(path, guard.taken_out(self._place))
            return self.first_failure(guard.tests) or _SURVIVED
        finally:
            self._write(path, standing)

    def first_failure(self, tests: Sequence[str]) -> str | None:
        """The first test that fails; None when all pass."""
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--tb=no", *tests]
        try:
            ran = subprocess.run(
                command,
                cwd=self._place,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=_SECONDS_MAX,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return "a test that never ends"
        if ran.returncode == 0:
            return None
        lines = [line for line in ran.stdout.splitlines() if line.startswith(("FAILED ", "ERROR "))]
        if not lines:
            raise RuntimeError(f"pytest ended with {ran.returncode}:\n{ran.stdout[-2000:]}")
        return lines[0].split(" ", 1)[1].split(" - ")[0]

    def _write(self, path: Path, text: str) -> None:
        path.write_text(text)
        # Python tells a compiled file from a newer source by size and second: neither has to change here.
        for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
            compiled.unlink()


@dataclass
class Hunt:
    """The guards looked at, and the verdicts so far: guard -> the test that noticed, or SURVIVED."""

    guards: Sequence[Guard]
    verdicts: dict[str, str]

    def run(self, jobs: int) -> None:
        left, done, lock = [g for g in self.guards if g.name not in self.verdicts], 0, threading.Lock()
        trees: SimpleQueue[Tree] = SimpleQueue()
        for number in range(jobs):
            trees.put(Tree(_OUT / f"tree-{number}"))

        def look(guard: Guard) -> None:
            nonlocal done
            tree, began = trees.get(), time.monotonic()
            try:
                verdict = tree.tested_without(guard)
            finally:
                trees.put(tree)
            with lock:
                done += 1
                self.verdicts[guard.name] = verdict
                _VERDICTS.write_text(json.dumps(self.verdicts, indent=1))
                seconds = time.monotonic() - began
                _say(f"[{done:3d}/{len(left)}] {seconds:4.0f} s  {guard.name}: {_in_words(verdict)}")

        with ThreadPoolExecutor(jobs) as pool:
            try:
                list(pool.map(look, left))
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

    @property
    def survivors(self) -> list[Guard]:
        return [guard for guard in self.guards if self.verdicts[guard.name] == _SURVIVED]


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description="Takes guards out in turn.")
    parser.add_argument("words", nargs="*", help="rooms, or words in the guards' names; none: all")
    parser.add_argument("--resume", action="store_true", help="leave out what a test has noticed before")
    parser.add_argument("--jobs", type=int, default=1, help="how many at a time")
    parser.add_argument("--list", action="store_true", help="print the guards and what they are for")
    wanted = parser.parse_args(arguments)
    guards = _chosen(wanted.words)
    if wanted.list:
        for guard in guards:
            _say(f"{guard.path}: {guard.name}: {guard.why}")
        return 0
    for guard in guards:
        guard.taken_out(REPOSITORY)
    _OUT.mkdir(parents=True, exist_ok=True)
    before = json.loads(_VERDICTS.read_text()) if wanted.resume and _VERDICTS.exists() else {}
    hunt = Hunt(guards, {name: verdict for name, verdict in before.items() if verdict != _SURVIVED})
    if not before and (broken := _broken_before(guards)):
        _say(f"With every guard in its place a test fails already: {broken}")
        return 1
    try:
        hunt.run(wanted.jobs)
    except KeyboardInterrupt:
        _say(f"Stopped after {len(hunt.verdicts)} guards. --resume goes on from there.")
        return 130
    _report(hunt)
    return 1 if hunt.survivors else 0


def _chosen(words: Sequence[str]) -> list[Guard]:
    chosen = [
        guard
        for room, guards in GUARDS.items()
        for guard in guards
        if not words or room in words or any(word in guard.name for word in words if word not in GUARDS)
    ]
    if not chosen:
        raise SystemExit(f"No guard is called that. Rooms: {', '.join(GUARDS)}.")
    return chosen


def _broken_before(guards: Sequence[Guard]) -> str | None:
    """A test that fails although nothing was taken out: it would notice everything."""
    tests = list(dict.fromkeys(test for guard in guards for test in guard.tests))
    _say(f"First with all {len(guards)} guards in their places ...")
    return Tree(_OUT / "tree-0").first_failure(tests)


def _report(hunt: Hunt) -> None:
    _say("")
    for guard in hunt.guards:
        _say(f"{guard.name} ({guard.path}): {_in_words(hunt.verdicts[guard.name])}")
    survivors = hunt.survivors
    _say(f"\n{len(hunt.guards)} guards taken out in turn, {len(hunt.guards) - len(survivors)} noticed.")
    for guard in survivors:
        _say(f"{_SURVIVED}: {guard.name}, which is there because {guard.why}. Looked for by {', '.join(guard.tests)}.")


def _in_words(verdict: str) -> str:
    return verdict if verdict == _SURVIVED else f"noticed by {verdict}"


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
