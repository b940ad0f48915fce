"""The git part of a checkpoint: seconds to capture a work tree of 100,000 files, of which 1 % are changed.

First with no memory of the work tree, then again with nothing changed, then with that 1 % changed again.
Beside each: `git status` of the same work tree, in the same round.
"""

import os
import shutil
import subprocess
from itertools import count
from pathlib import Path
from time import perf_counter

from hive_tui.adapters.clock import SystemClock
from hive_tui.adapters.git.workspaces import GitWorkspaces
from tests.bench.figures import Goal, Row, Section, alternate
from tests.bench.plan import Plan

FILES = 100_000
FILES_IN_A_FOLDER = 500
CHANGED_EACH = 100


def measure(plan: Plan) -> Section:
    """Capture in three ways, and ask for the status, in turn."""
    bench = GitPart(plan.folder / "git-part")
    found = alternate(
        min(plan.runs, 5),
        {
            "first": bench.first,
            "beside first": bench.status,
            "again": bench.again,
            "beside again": bench.status,
            "changed": bench.changed,
            "beside changed": bench.status,
        },
    )
    rows = [
        Row("first", "s", found["first"], found["beside first"], Goal("ratio", 4.0)),
        Row("again, nothing changed", "s", found["again"], found["beside again"], Goal("ratio", 1.5)),
        Row("again, that 1 % changed again", "s", found["changed"], found["beside changed"]),
    ]
    return Section(f"Git part of a checkpoint, {FILES:,} files", "git status", rows)


class GitPart:
    """A repository, and a memory of it that can be dropped."""

    def __init__(self, folder: Path) -> None:
        self._root, self._into, self._memory = folder / "repo", folder / "into", folder / "memory"
        self._workspaces = GitWorkspaces(SystemClock(), memory=self._memory)
        self._round = count(1)
        self._root.mkdir(parents=True)
        self._git("init", "-q", "-b", "main")
        for number in range(FILES):
            place = self._place(number)
            if number % FILES_IN_A_FOLDER == 0:
                place.parent.mkdir()
            place.write_bytes(b"file %d\n" % number)
        self._git("add", "-A")
        self._git("commit", "-qm", "all")
        self._git("gc", "-q")
        self._change()

    def first(self) -> float:
        """A capture that remembers nothing."""
        shutil.rmtree(self._memory, ignore_errors=True)
        return self.again()

    def again(self) -> float:
        """A capture."""
        shutil.rmtree(self._into, ignore_errors=True)
        self._into.mkdir()
        began = perf_counter()
        self._workspaces.snapshot(self._root, self._into)
        return perf_counter() - began

    def changed(self) -> float:
        """A capture after a hundredth of the files were changed again."""
        self._change()
        return self.again()

    def status(self) -> float:
        """What stands beside it."""
        began = perf_counter()
        self._git("status", "--porcelain")
        return perf_counter() - began

    def _change(self) -> None:
        # Always the same ones: else there would be more of them in each round.
        turn = next(self._round)
        for number in range(0, FILES, CHANGED_EACH):
            self._place(number).write_text(f"changed in turn {turn}\n")

    def _place(self, number: int) -> Path:
        return self._root / f"{number // FILES_IN_A_FOLDER:04}" / f"{number}.txt"

    def _git(self, *arguments: str) -> None:
        settings = ("-c", "user.name=t", "-c", "user.email=t@t", "-c", "gc.auto=0")
        command = ["git", *settings, "-C", str(self._root), *arguments]
        # Else it would refresh the index, so that the next one finds it changed.
        environment = os.environ | {"GIT_OPTIONAL_LOCKS": "0"}
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
