"""What a restore does with every kind of workspace: a journal first, then only forward, again after a crash."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from hive_tui.adapters.files.journal import CONTENTS, Journal, JournalFolder
from hive_tui.adapters.files.tree import Tree
from hive_tui.adapters.files.writer import FileWriter, Outcome
from hive_tui.domain.errors import Cancelled, WorkspaceError
from hive_tui.domain.ports import Progress
from hive_tui.domain.workspaces import AppliedRestore, WorkspaceKind

HALF_DONE = "files are changed already, and a half of them would be of no use"
"""Why a restore cannot be stopped once it has begun."""


Stage = Callable[[JournalFolder], Journal]
"""Brings everything that a plan needs into the folder."""
Forward = Callable[[Journal, JournalFolder, Progress | None], AppliedRestore]
"""Does what the journal says; each of its steps looks at what is there, and may be repeated."""


def apply(folder: Path, stage: Stage, forward: Forward, progress: Progress | None) -> AppliedRestore:
    """Do what a plan says; a journal in `folder` makes it finish even after a crash.

    Raises:
        WorkspaceError, DiskFull: Nothing was changed, or `resume` can finish it: then the journal is there.
        Cancelled: The person has stopped it before anything was changed.
    """
    journal_folder = _unused(folder)
    try:
        _step(progress, "prepare the files")
        journal = stage(journal_folder)
        _step(progress, "apply the changes")
        if progress is not None:
            progress.no_way_back(HALF_DONE)
        journal_folder.commit(journal)
    except BaseException:
        if not journal_folder.is_used():
            journal_folder.discard()
        raise
    return forward(journal, journal_folder, progress)


def resume(folder: Path, forward: Forward) -> AppliedRestore | None:
    """Finish a restore that was interrupted; None if it had changed nothing yet, and then nothing is left of it.

    Raises:
        WorkspaceError, DiskFull: It cannot be finished now; the journal stays.
    """
    journal_folder = JournalFolder(folder)
    result = _finished(journal_folder)
    if result is not None:
        return result
    journal = journal_folder.read()
    if journal is None:
        journal_folder.discard()
        return None
    return forward(journal, journal_folder, None)


def write_files(journal: Journal, folder: JournalFolder, progress: Progress | None) -> Outcome:
    """Bring the files to what the journal wants; cannot be stopped, since there is no way back any more."""

    def advance(done_bytes: int) -> None:
        with suppress(Cancelled):
            if progress is not None:
                progress.advance(done_bytes)

    with suppress(Cancelled):
        _step(progress, "writing the files", sum(piece.size for piece in journal.pieces.values()))
    exact = journal.kind is WorkspaceKind.FOLDER
    with Tree(Path(journal.root), exact=exact) as tree, (folder.staged / CONTENTS).open("rb") as contents:
        writer = FileWriter(
            tree,
            contents,
            journal.pieces,
            object_format=journal.object_format,
            displaced=folder.displaced,
            restore_id=journal.id,
            advance=advance,
        )
        return writer.make(journal.changes, journal.kept_folders, journal.folders)


def _unused(folder: Path) -> JournalFolder:
    """A folder for the journal of a new restore, without what an attempt that changed nothing has left in it.

    Raises:
        WorkspaceError: Another restore has begun there.
    """
    journal_folder = JournalFolder(folder)
    if journal_folder.is_used():
        raise WorkspaceError(
            f"{folder} holds the journal of another restore.", hint="Run `hive-tui recover` to finish it first."
        )
    journal_folder.discard()
    return journal_folder


def _finished(folder: JournalFolder) -> AppliedRestore | None:
    """The result of a restore that had come to its end, or None; drops what a crash has left beside it."""
    result = folder.result()
    if result is not None:
        folder.finish(result)
    return result


def _step(progress: Progress | None, name: str, total_bytes: int = 0) -> None:
    if progress is not None:
        progress.step(name, total_bytes)
