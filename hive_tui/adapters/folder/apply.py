"""Makes a planned restore of a folder happen, and finishes one that was interrupted."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from hive_tui.adapters.files.forward import apply, resume, write_files
from hive_tui.adapters.files.journal import CONTENTS, Journal, JournalFolder, Piece
from hive_tui.adapters.files.ondisk import PIECE, BlobHash
from hive_tui.adapters.files.room import too_little
from hive_tui.adapters.files.tree import Tree
from hive_tui.adapters.folder.listing import FILES, HASH, read_listing
from hive_tui.domain.errors import WorkspaceError
from hive_tui.domain.ports import Progress
from hive_tui.domain.workspaces import SYMLINK, AppliedRestore, RestorePlan, WorkspaceKind

RESERVE_BYTES = 64_000_000
"""Space that a restore leaves free."""


def apply_plan(
    plan: RestorePlan, checkpoint: Path, root: Path, folder: Path, progress: Progress | None
) -> AppliedRestore:
    """Do what the plan says; see `forward.apply`."""

    def stage(journal_folder: JournalFolder) -> Journal:
        return _stage(plan, checkpoint, root, journal_folder, progress)

    return apply(folder, stage, _roll_forward, progress)


def resume_restore(folder: Path) -> AppliedRestore | None:
    """Finish a restore that was interrupted; see `forward.resume`."""
    return resume(folder, _roll_forward)


def _stage(
    plan: RestorePlan, checkpoint: Path, root: Path, folder: JournalFolder, progress: Progress | None
) -> Journal:
    """Bring everything that the plan needs into the folder."""
    folder.staged.mkdir(parents=True, mode=0o700)
    folders = read_listing(checkpoint).folders
    return Journal(
        id=uuid4().hex[:8],
        root=str(root.resolve()),
        object_format=HASH,
        changes=plan.changes,
        pieces=_stage_contents(plan, checkpoint, folder.staged / CONTENTS, root, progress),
        head=None,
        kept_folders=(*folders,),
        warnings=plan.warnings,
        folders={path: entry.permissions for path, entry in folders.items() if not (root / path).is_dir()},
        kind=WorkspaceKind.FOLDER,
    )


def _roll_forward(journal: Journal, folder: JournalFolder, progress: Progress | None) -> AppliedRestore:
    outcome = write_files(journal, folder, progress)
    result = AppliedRestore(
        root=journal.root,
        changed=outcome.changed,
        displaced=folder.displaced_files(),
        refused=tuple(outcome.refused),
        warnings=journal.warnings,
    )
    folder.finish(result)
    return result


def _stage_contents(
    plan: RestorePlan, checkpoint: Path, target: Path, root: Path, progress: Progress | None
) -> dict[str, Piece]:
    """Write the contents one after the other into one file, which takes one fsync, checked against their ids."""
    files = read_listing(checkpoint).files
    needed = {change.new_id: files[change.path] for change in plan.changes if change.new_id}
    total = sum(entry.size_bytes for entry in needed.values())
    for place in (target.parent, root):
        missing = total + RESERVE_BYTES - shutil.disk_usage(place).free
        if missing > 0:
            raise too_little(place, total, missing, hint="Nothing was changed.")
    if progress is not None:
        progress.step("preparing the files", total)
    pieces: dict[str, Piece] = {}
    place = checkpoint / FILES
    place.mkdir(exist_ok=True)
    with target.open("wb") as staged, Tree(place) as tree:
        for name, entry in needed.items():
            if entry.mode == SYMLINK:
                pieces[name] = _append(iter([os.fsencode(entry.target)]), staged)
            else:
                pieces[name] = _append(_checked(tree, entry.path, name), staged)
            if progress is not None:
                progress.advance(pieces[name].size)
    return pieces


def _append(content: Iterator[bytes], staged: BinaryIO) -> Piece:
    offset = staged.tell()
    for piece in content:
        staged.write(piece)
    return Piece(offset, staged.tell() - offset)


def _checked(tree: Tree, path: str, name: str) -> Iterator[bytes]:
    """The content of a file, which must be what its id says."""
    with os.fdopen(tree.open(os.fsencode(path)), "rb") as file:
        hashed = BlobHash(HASH, os.fstat(file.fileno()).st_size)
        while piece := file.read(PIECE):
            hashed.update(piece)
            yield piece
    if hashed.id != name:
        raise WorkspaceError(f"The content of {path!r} changed while it was read.", hint="Restore again.")
