"""Captures a work tree into plain files. Nothing of the user's is written, not even a time stamp."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from hive_tui.adapters.files.state import write_state
from hive_tui.adapters.git.capture import Capture
from hive_tui.adapters.git.command import Git
from hive_tui.adapters.git.kept import Kept, empty
from hive_tui.adapters.git.repository import Repository, find_repository, marker_around
from hive_tui.adapters.git.sandbox import sandbox
from hive_tui.adapters.git.untracked import Limits
from hive_tui.domain.errors import WorkspaceError
from hive_tui.domain.ports import Progress
from hive_tui.domain.workspaces import WorkspaceFacts, WorkspaceKind


def take_snapshot(
    git: Git,
    cwd: Path,
    into: Path,
    limits: Limits,
    ours: Sequence[Path],
    progress: Progress | None,
    memory: Path | None = None,
) -> WorkspaceFacts:
    """Write the state of the work tree around `cwd` into the folder `into`.

    Args:
        git: Git with no repository chosen.
        cwd: A folder in the work tree.
        into: Is there and empty.
        limits: How much is taken.
        ours: Folders that are no part of the work, should they lie in it.
        progress: Asked whether to stop.
        memory: Where to remember captures, to make the next ones cheaper; None to remember nothing.

    Raises:
        WorkspaceError: The folder or its repository cannot be read.
        Cancelled: The person has stopped the work.
    """
    if not cwd.is_dir():
        hint = "A restore of an earlier checkpoint can build it again."
        raise WorkspaceError(f"The folder {cwd} is not there.", hint=hint)
    with sandbox(into.parent, git) as box:
        repository = find_repository(box.plain, cwd)
        if repository is None or repository.root is None:
            facts = _without_files(cwd.resolve(), repository)
        else:
            kept = Kept.of(memory, repository, limits) if memory is not None else None
            reused = kept.reuse(box, cwd, into) if kept is not None else None
            if reused is not None:
                return reused
            history = kept.history() if kept is not None else None
            base = kept.base(box, progress) if kept is not None else None
            for is_last in (False, True):
                capture = Capture(box, repository, into, limits, ours, progress, history, base)
                facts = capture.take(cwd)
                is_outdated = capture.is_outdated()
                if not is_outdated or is_last:
                    break
                empty(into)
                shutil.rmtree(box.git_dir)
            if kept is not None and not is_outdated:
                kept.keep(box, capture, into, facts, base)
    write_state(facts, into)
    return facts


def _without_files(cwd: Path, repository: Repository | None) -> WorkspaceFacts:
    if repository is None:
        broken = marker_around(cwd)
        notes = (f"{broken} is no repository that git can use.",) if broken else ()
        return WorkspaceFacts(WorkspaceKind.NONE, str(cwd), notes=notes)
    return WorkspaceFacts(
        kind=WorkspaceKind.BARE,
        root=str(cwd),
        git_dir=str(repository.git_dir),
        common_dir=str(repository.common_dir),
        object_format=repository.object_format,
        head=repository.head(),
        branch=repository.branch(),
        notes=("The repository has no work tree here, so no files are captured.",),
    )
