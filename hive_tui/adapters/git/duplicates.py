"""Finds commits whose change an earlier commit of the same history holds already."""

import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from hive_tui.adapters.git.command import Git, end, failed
from hive_tui.domain.errors import WorkspaceError

NOWHERE = Path("/nonexistent")
TIMEOUT_S = 30.0
END_S = 1.0
"""One has read all and the other has written all: both end at once."""
MOST_COMMITS = 300
"""So many of the newest commits are compared."""
SHOW = ("log", "-p", "-U0", "--no-merges", "--no-ext-diff", "--no-textconv", "--no-color", "--format=commit %H")


@dataclass(frozen=True, slots=True)
class Commits:
    """What was found in a time."""

    made: int
    """Commits of that time that change something; merges are left out."""
    duplicates: int
    """Those of them whose change stood in an earlier commit."""


def commits_between(folder: str, since: datetime, until: datetime) -> Commits | None:
    """Commits of the checked-out history that were made then; None where there is none, or git does not answer.

    Two commits are the same change if `git patch-id --stable` says so of their diffs without context:
    the same lines added and removed in the same files, wherever in them.
    """
    git = Git(NOWHERE, Path(folder), TIMEOUT_S)
    try:
        times = _times(git)
        if not any(since < at <= until for at in times.values()):
            return Commits(0, 0)
        ids = _patch_ids(git)
    except (WorkspaceError, OSError, ValueError, subprocess.TimeoutExpired):
        return None
    seen: set[str] = set()
    made = duplicates = 0
    for commit in reversed(times):  # the oldest first
        if commit not in ids:
            continue
        if since < times[commit] <= until:
            made += 1
            duplicates += ids[commit] in seen
        seen.add(ids[commit])
    return Commits(made, duplicates)


def _times(git: Git) -> dict[str, datetime]:
    """When each of the newest commits was made, in the order of the history, the newest first."""
    printed = git.run("log", "--no-merges", f"--max-count={MOST_COMMITS}", "--format=%H %cI").decode()
    pairs = (line.split(" ", 1) for line in printed.splitlines())
    return {commit: datetime.fromisoformat(at) for commit, at in pairs}


def _patch_ids(git: Git) -> dict[str, str]:
    """Patch ids by commit. The diffs go from git to git, since they may be large."""
    arguments = (*SHOW, f"--max-count={MOST_COMMITS}")
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as told:
        log = git.start(arguments, stdin=subprocess.DEVNULL, stderr=said)
        assert log.stdout is not None
        reader = replace(git, cwd=Path("/")).start(("patch-id", "--stable"), stdin=log.stdout, stdout=told.fileno())
        try:
            for wait_s in git.ticks(arguments):
                with suppress(subprocess.TimeoutExpired):
                    reader.wait(wait_s)
                    break
            for process in (reader, log):
                if process.wait(END_S) != 0:
                    raise failed(arguments, process.returncode, b"")
        finally:
            end(reader)
            end(log)
        told.seek(0)
        pairs = (line.split() for line in told.read().decode().splitlines())
        return {commit: patch for patch, commit in pairs}
