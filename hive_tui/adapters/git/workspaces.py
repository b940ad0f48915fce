"""Git workspaces as the services use them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from hive_tui.adapters.files.errors import plain_errors as files_errors
from hive_tui.adapters.files.room import no_space
from hive_tui.adapters.git.apply import apply_plan, resume_restore
from hive_tui.adapters.git.check import check_snapshot
from hive_tui.adapters.git.command import Git, GitFailed, check_version, is_full
from hive_tui.adapters.git.compare import compare_snapshots
from hive_tui.adapters.git.plan import plan_restore
from hive_tui.adapters.git.recreate import recreate_workspace
from hive_tui.adapters.git.snapshot import take_snapshot
from hive_tui.adapters.git.untracked import Limits
from hive_tui.adapters.git.verify import find_differences
from hive_tui.domain.comparison import FileDelta
from hive_tui.domain.ports import Clock, Progress
from hive_tui.domain.workspaces import AppliedRestore, RestorePlan, WorkspaceFacts

NOWHERE = Path("/dev/null")


class GitWorkspaces:
    """Folders that agents work in, as git sees them.

    Every method raises WorkspaceError if git is missing, hangs or cannot read the repository, and
    DiskFull. No hook, filter, monitor or other program that a repository or a person has configured
    ever runs.

    Args:
        limits: How much a snapshot takes.
        ours: Folders that are no part of anybody's work, such as that of the checkpoints.
        memory: A folder on the disk of the checkpoints that makes the next snapshot of a work tree cheaper.
        timeout_s: A git command that takes longer counts as hung and is ended.
        program: Name or path of git.
    """

    def __init__(
        self,
        clock: Clock,
        limits: Limits | None = None,
        ours: Sequence[Path] = (),
        *,
        memory: Path | None = None,
        timeout_s: float = 120.0,
        program: str = "git",
    ) -> None:
        self._clock = clock
        self._limits = limits or Limits()
        self._ours = ours
        self._memory = memory
        self._timeout_s = timeout_s
        self._program = program
        self._is_checked = False

    def snapshot(self, cwd: Path, into: Path, progress: Progress | None = None) -> WorkspaceFacts:
        """Write the state of the work tree around `cwd` into the folder `into`, which is there and empty.

        Changes nothing of the user's, not even time stamps.

        Raises:
            Cancelled: The person has stopped the work.
        """
        with plain_errors(into):
            return take_snapshot(self._git(progress), cwd, into, self._limits, self._ours, progress, self._memory)

    def check(self, saved: Path, progress: Progress | None = None) -> None:
        """Raise unless every object that `snapshot` wrote into `saved` is sound and finds those it needs."""
        with plain_errors(saved):
            check_snapshot(self._git(progress), saved)

    def plan(self, checkpoint: Path, current: Path, root: Path, made: Mapping[str, str] | None = None) -> RestorePlan:
        """What a restore of the snapshot `checkpoint` would change in `root`, whose snapshot now is `current`."""
        with plain_errors(current):
            return plan_restore(self._git(), checkpoint, current, root, made)

    def apply(
        self,
        plan: RestorePlan,
        checkpoint: Path,
        root: Path,
        journal_folder: Path,
        progress: Progress | None = None,
    ) -> AppliedRestore:
        """Do what the plan says; after an error or a crash `resume` finishes it if it had begun.

        Raises:
            Cancelled: The person has stopped the work before anything was changed.
        """
        with plain_errors(journal_folder):
            return apply_plan(self._git(progress), self._clock, plan, checkpoint, root, journal_folder, progress)

    def resume(self, journal_folder: Path) -> AppliedRestore | None:
        """Finish a restore that was interrupted; None if it had not changed anything, and then never will."""
        with plain_errors(journal_folder):
            return resume_restore(self._git(), self._clock, journal_folder)

    def verify(self, checkpoint: Path, root: Path, progress: Progress | None = None) -> list[str]:
        """A sentence for each thing in which `root` differs from the snapshot; untracked files aside."""
        with plain_errors(checkpoint):
            return find_differences(self._git(progress), checkpoint, root, progress)

    def recreate(self, checkpoint: Path, root: Path, progress: Progress | None = None) -> None:
        """Build a work tree again whose folder is gone."""
        with plain_errors(root.parent):
            recreate_workspace(self._git(progress), self._clock, checkpoint, root, progress)

    def compare(self, old: Path, new: Path, progress: Progress | None = None) -> list[FileDelta]:
        """The files that differ between two snapshots, by path; of use also without the repository."""
        with plain_errors(new):
            return compare_snapshots(self._git(progress), old, new)

    def _git(self, progress: Progress | None = None) -> Git:
        cancelled = progress.cancelled if progress is not None else None
        git = Git(NOWHERE, Path("/"), self._timeout_s, cancelled, self._program)
        if not self._is_checked:
            check_version(git)
            self._is_checked = True
        return git


@contextmanager
def plain_errors(place: Path) -> Iterator[None]:
    """Tell errors of the system as a person can read them, also where it was git that met them.

    Args:
        place: Where most is written.
    """
    try:
        with files_errors(place):
            yield
    except GitFailed as error:
        if is_full(error):
            raise no_space(place) from error
        raise
