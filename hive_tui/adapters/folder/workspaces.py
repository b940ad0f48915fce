"""Folders without a repository as the services use them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from hive_tui.adapters.files.errors import plain_errors
from hive_tui.adapters.folder.apply import apply_plan, resume_restore
from hive_tui.adapters.folder.listing import FILES, contents, read_listing
from hive_tui.adapters.folder.plan import plan_restore
from hive_tui.adapters.folder.recreate import find_differences, recreate_folder
from hive_tui.adapters.folder.snapshot import take_snapshot
from hive_tui.adapters.folder.walk import FolderLimits
from hive_tui.domain.ports import Clock, Progress
from hive_tui.domain.workspaces import AppliedRestore, RestorePlan, WorkspaceFacts


class FolderWorkspaces:
    """Folders that agents work in, of which no git keeps track.

    Every method raises WorkspaceError if something cannot be read, and DiskFull.

    Args:
        clock: Tells when a walk has taken too long.
        limits: How much a snapshot takes.
        ours: Folders that are no part of anybody's work, such as that of the checkpoints.
    """

    def __init__(self, clock: Clock, limits: FolderLimits | None = None, ours: Sequence[Path] = ()) -> None:
        self._clock = clock
        self._limits = limits or FolderLimits()
        self._ours = ours

    def snapshot(
        self, cwd: Path, into: Path, progress: Progress | None = None, *, notes: Sequence[str] = ()
    ) -> WorkspaceFacts:
        """Write facts and list of the folder into `into`; the contents of `files` are for the archive to read.

        Raises:
            Cancelled: The person has stopped the work.
        """
        with plain_errors(into):
            return take_snapshot(self._clock, cwd, into, self._limits, self._ours, notes, progress)

    def check(self, saved: Path, progress: Progress | None = None) -> None:
        """Raise unless the list can be read, and names only files that may be written."""
        with plain_errors(saved):
            (saved / FILES).mkdir(exist_ok=True)
            contents(read_listing(saved), saved / FILES)

    def plan(self, checkpoint: Path, current: Path, root: Path, made: Mapping[str, str] | None = None) -> RestorePlan:
        """What a restore of the snapshot `checkpoint` would change in `root`, whose snapshot now is `current`."""
        with plain_errors(current):
            (checkpoint / FILES).mkdir(exist_ok=True)
            return plan_restore(checkpoint, current, root, made)

    def apply(
        self, plan: RestorePlan, checkpoint: Path, root: Path, journal_folder: Path, progress: Progress | None = None
    ) -> AppliedRestore:
        """Do what the plan says; after an error or a crash `resume` finishes it if it had begun."""
        with plain_errors(journal_folder):
            return apply_plan(plan, checkpoint, root, journal_folder, progress)

    def resume(self, journal_folder: Path) -> AppliedRestore | None:
        """Finish a restore that was interrupted; None if it had not changed anything, and then never will."""
        with plain_errors(journal_folder):
            return resume_restore(journal_folder)

    def verify(self, checkpoint: Path, root: Path, progress: Progress | None = None) -> list[str]:
        """A sentence for each thing in which `root` differs from the snapshot; files that it does not know aside."""
        with plain_errors(checkpoint):
            return find_differences(checkpoint, root, progress)

    def recreate(self, checkpoint: Path, root: Path, progress: Progress | None = None) -> None:
        """Build a folder again that is gone."""
        with plain_errors(root.parent):
            recreate_folder(checkpoint, root, progress)
