"""Captures a work tree into plain files. Nothing of the user's is written, not even a time stamp."""

import json
import os
import shutil
from pathlib import Path

from hive_tui.adapters.git.capture import Capture
from hive_tui.adapters.git.command import Git
from hive_tui.adapters.git.repository import Repository, find_repository
from hive_tui.adapters.git.sandbox import sandbox
from hive_tui.adapters.git.untracked import Limits
from hive_tui.domain.errors import WorkspaceError
from hive_tui.domain.ports import Progress
from hive_tui.domain.workspaces import WorkspaceFacts, WorkspaceKind

STATE = "state.json"


def take_snapshot(git: Git, cwd: Path, into: Path, limits: Limits, progress: Progress | None) -> WorkspaceFacts:
    """Write the state of the work tree around `cwd` into the folder `into`.

    Raises:
        WorkspaceError: The folder or its repository cannot be read.
        Cancelled: The person has stopped the work.
    """
    if not cwd.is_dir():
        raise WorkspaceError(
            f"The folder {cwd} is not there.", hint="A restore of an earlier checkpoint can build it again."
        )
    with sandbox(into.parent, git) as box:
        repository = find_repository(box.plain, cwd)
        if repository is None or repository.root is None:
            facts = _without_files(cwd.resolve(), repository)
        else:
            capture = Capture(box, repository, into, limits, progress)
            facts = capture.take(cwd)
            if capture.is_outdated():
                _empty(into)
                shutil.rmtree(box.git_dir)
                facts = Capture(box, repository, into, limits, progress).take(cwd)
    (into / STATE).write_text(json.dumps(facts.to_json(), indent=1))
    return facts


def read_state(folder: Path) -> WorkspaceFacts:
    """The facts of a snapshot.

    Raises:
        WorkspaceError: There are none, or they cannot be read.
    """
    try:
        return WorkspaceFacts.from_json(json.loads((folder / STATE).read_text()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise WorkspaceError(
            f"{folder / STATE} does not describe a workspace: {error!r}.",
            hint="Validate the checkpoint, then try an older generation.",
        ) from error


def _without_files(cwd: Path, repository: Repository | None) -> WorkspaceFacts:
    if repository is None:
        broken = next((folder for folder in (cwd, *cwd.parents) if os.path.lexists(folder / ".git")), None)
        notes = (f"{broken / '.git'} is no repository that git can use.",) if broken else ()
        return WorkspaceFacts(
            WorkspaceKind.NONE, str(cwd), notes=("No git repository is here, so no files are captured.", *notes)
        )
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


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
