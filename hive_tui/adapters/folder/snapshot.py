"""Captures a folder: facts and a list of its files. Their contents stay where they are, for the archive to read."""

from collections.abc import Callable, Sequence
from pathlib import Path

from hive_tui.adapters.files.state import write_state
from hive_tui.adapters.folder.listing import write_listing
from hive_tui.adapters.folder.scope import is_too_wide
from hive_tui.adapters.folder.walk import FolderLimits, Found, Walk
from hive_tui.domain.errors import WorkspaceError
from hive_tui.domain.ports import Clock, Progress
from hive_tui.domain.workspaces import SYMLINK, FileEntry, WorkspaceFacts, WorkspaceKind


def take_snapshot(
    clock: Clock,
    cwd: Path,
    into: Path,
    limits: FolderLimits,
    ours: Sequence[Path],
    notes: Sequence[str],
    progress: Progress | None,
) -> WorkspaceFacts:
    """Write facts and list of the folder `cwd` into the folder `into`.

    Args:
        clock: Tells when a walk has taken too long.
        cwd: The folder.
        into: Is there and empty.
        limits: How much is taken.
        ours: Folders that are no part of the work, should they lie in it.
        notes: Sentences that go into the facts.
        progress: Asked whether to stop.

    Raises:
        WorkspaceError: The folder is not there.
        Cancelled: The person has stopped the work.
    """
    if not cwd.is_dir():
        raise WorkspaceError(
            f"The folder {cwd} is not there.", hint="A restore of an earlier checkpoint can build it again."
        )
    root = cwd.resolve()
    if is_too_wide(root):
        said = f"{root} holds far more than one piece of work, so its files are not captured; start agents below it."
        facts = WorkspaceFacts(WorkspaceKind.NONE, str(root), notes=(said, *notes))
    else:
        found = _walk(clock, root, limits, [*(path.resolve() for path in ours), into.resolve()], progress)
        write_listing(found.files, into)
        facts = _facts(root, found, notes)
    write_state(facts, into)
    return facts


def _walk(clock: Clock, root: Path, limits: FolderLimits, ours: Sequence[Path], progress: Progress | None) -> Found:
    ends_at = clock.monotonic() + limits.walk_s
    if progress is not None:
        progress.step("look at the folder")
    return Walk(
        root,
        limits,
        ours=ours,
        is_late=lambda: clock.monotonic() > ends_at,
        look_up=_asking(progress),
    ).run()


def _asking(progress: Progress | None) -> Callable[[], None]:
    return (lambda: progress.advance(0)) if progress is not None else lambda: None


def _facts(root: Path, found: Found, notes: Sequence[str]) -> WorkspaceFacts:
    lost = [str(one) for one in found.left_out if one.reason in {item.reason for item in found.skipped}]
    return WorkspaceFacts(
        kind=WorkspaceKind.FOLDER,
        root=str(root),
        nested=tuple(found.nested),
        skipped=tuple(found.skipped),
        left_out=found.left_out,
        files=tuple(entry for entry in found.files if _is_in_archive(entry)),
        notes=(*notes, *(f"Left out: {what}." for what in lost)),
    )


def _is_in_archive(entry: FileEntry) -> bool:
    return bool(entry.source) or entry.mode == SYMLINK
