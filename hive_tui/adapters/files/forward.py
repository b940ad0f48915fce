"""The part of a restore that writes files, the same for every kind of workspace; may be repeated after a crash."""

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


def write_files(journal: Journal, folder: JournalFolder, progress: Progress | None) -> Outcome:
    """Bring the files to what the journal wants; cannot be stopped, since there is no way back any more."""

    def advance(done_bytes: int) -> None:
        with suppress(Cancelled):
            if progress is not None:
                progress.advance(done_bytes)

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


def unused(folder: Path) -> JournalFolder:
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


def finished(folder: JournalFolder) -> AppliedRestore | None:
    """The result of a restore that had come to its end, or None; drops what a crash has left beside it."""
    result = folder.result()
    if result is not None:
        folder.finish(result)
    return result
