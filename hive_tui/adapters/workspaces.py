"""Chooses how a folder is captured and put back: by git where there is a repository, else file by file."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from hive_tui.adapters.files.journal import JournalFolder
from hive_tui.adapters.files.state import read_state
from hive_tui.adapters.folder.workspaces import FolderWorkspaces
from hive_tui.adapters.git.command import GitMissing
from hive_tui.adapters.git.repository import marker_around
from hive_tui.adapters.git.workspaces import GitWorkspaces
from hive_tui.domain.comparison import FileDelta
from hive_tui.domain.ports import Progress
from hive_tui.domain.workspaces import AppliedRestore, RestorePlan, WorkspaceFacts, WorkspaceKind


class AnyWorkspaces:
    """Folders that agents work in, whatever they are; see the two kinds for what the methods promise."""

    def __init__(self, git: GitWorkspaces, folders: FolderWorkspaces) -> None:
        self._git = git
        self._folders = folders

    def snapshot(self, cwd: Path, into: Path, progress: Progress | None = None) -> WorkspaceFacts:
        """Write the state of the work around `cwd` into the folder `into`; changes nothing in it."""
        try:
            facts = self._git.snapshot(cwd, into, progress)
        except GitMissing:
            if marker_around(cwd) is not None:
                raise
            return self._folders.snapshot(cwd, into, progress)
        if facts.kind is not WorkspaceKind.NONE:
            return facts
        return self._folders.snapshot(cwd, into, progress, notes=facts.notes)

    def check(self, saved: Path, progress: Progress | None = None) -> None:
        """Raise if what `snapshot` wrote is not whole."""
        self._kind_of(saved).check(saved, progress)

    def plan(self, checkpoint: Path, current: Path, root: Path, made: Mapping[str, str] | None = None) -> RestorePlan:
        """What going back to `checkpoint` would change; both folders as `snapshot` wrote them."""
        return self._kind_of(checkpoint).plan(checkpoint, current, root, made)

    def apply(
        self, plan: RestorePlan, checkpoint: Path, root: Path, journal_folder: Path, progress: Progress | None = None
    ) -> AppliedRestore:
        """Do what the plan says, by a journal, file by file."""
        return self._kind_of(checkpoint).apply(plan, checkpoint, root, journal_folder, progress)

    def resume(self, journal_folder: Path) -> AppliedRestore | None:
        """Finish an `apply` that was killed; None if it had not changed anything."""
        journal = JournalFolder(journal_folder).read()
        if journal is not None and journal.kind is WorkspaceKind.GIT:
            return self._git.resume(journal_folder)
        return self._folders.resume(journal_folder)  # one that has not begun or is finished needs no git either

    def verify(self, checkpoint: Path, root: Path, progress: Progress | None = None) -> Sequence[str]:
        """What is not as the checkpoint says, after a restore."""
        return self._kind_of(checkpoint).verify(checkpoint, root, progress)

    def recreate(self, checkpoint: Path, root: Path, progress: Progress | None = None) -> None:
        """Build the folder `root`, which is gone, from what `snapshot` wrote."""
        self._kind_of(checkpoint).recreate(checkpoint, root, progress)

    def compare(self, old: Path, new: Path, progress: Progress | None = None) -> Sequence[FileDelta]:
        """The files that differ between two states of a repository, both as `snapshot` wrote them; by path."""
        return self._git.compare(old, new, progress)

    def _kind_of(self, saved: Path) -> GitWorkspaces | FolderWorkspaces:
        return self._folders if read_state(saved).kind is WorkspaceKind.FOLDER else self._git
