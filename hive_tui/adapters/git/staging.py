"""Prepares a restore completely in its journal's folder, so that nothing else is needed to finish it."""

import shutil
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import IO
from uuid import uuid4

from hive_tui.adapters.files.journal import CONTENTS, PACKS, Journal, JournalFolder, Piece
from hive_tui.adapters.files.ondisk import BlobHash
from hive_tui.adapters.files.room import too_little
from hive_tui.adapters.files.state import read_state
from hive_tui.adapters.git.bundle import Selection, open_bundles, pack
from hive_tui.adapters.git.capture import IN_PROGRESS
from hive_tui.adapters.git.command import Git, GitFailed
from hive_tui.adapters.git.in_progress import mentioned_ids
from hive_tui.adapters.git.index import SHARED, load_index, wait_for_lock
from hive_tui.adapters.git.listing import object_types
from hive_tui.adapters.git.pipes import Read
from hive_tui.adapters.git.repository import Repository, require_repository
from hive_tui.adapters.git.sandbox import Sandbox, sandbox
from hive_tui.domain.errors import WorkspaceError
from hive_tui.domain.ports import Clock, Progress
from hive_tui.domain.workspaces import GITLINK, IndexState, RestorePlan, WorkspaceFacts

PIECE = 1 << 18


class LacksContent(WorkspaceError):
    """The checkpoint has not all that it should hold, or it needs the repository it was taken of."""


RESERVE_BYTES = 64_000_000
"""Space that a restore leaves free."""


def stage(
    git: Git,
    clock: Clock,
    plan: RestorePlan,
    checkpoint: Path,
    root: Path,
    folder: JournalFolder,
    progress: Progress | None,
) -> Journal:
    """Bring everything that the plan needs into the folder.

    Raises:
        WorkspaceError: The checkpoint or the repository cannot be read.
        DiskFull: The files would not fit.
    """
    wanted = read_state(checkpoint)
    folder.staged.mkdir(parents=True, mode=0o700)
    with sandbox(folder.staged, git) as box:
        repository = require_repository(box.plain, root)
        wait_for_lock(repository.git_dir, clock)
        box.create(wanted.object_format, repository)
        stage_git_files(checkpoint, folder.staged)
        stage_objects(checkpoint, folder.staged, box, repository, wanted)
        stage_index_of_tree(box, folder.staged, wanted)
        blobs = sorted({change.new_id for change in plan.changes if change.new_id})
        target = folder.staged / CONTENTS
        pieces = stage_contents(box, blobs, target, wanted.object_format, (folder.path, root), progress)
    return Journal(
        id=uuid4().hex[:8],
        root=str(root.resolve()),
        object_format=wanted.object_format,
        changes=plan.changes,
        pieces=pieces,
        head=plan.head,
        private_refs=wanted.extra_refs,
        index_changed_ns=wanted.index_changed_ns,
        kept_folders=(wanted.cwd,),
        warnings=plan.warnings,
    )


def stage_git_files(checkpoint: Path, staged: Path) -> None:
    """Copy the index and the files of operations in progress."""
    if (checkpoint / IN_PROGRESS).is_dir():
        shutil.copytree(checkpoint / IN_PROGRESS, staged / IN_PROGRESS)
    for path in [checkpoint / "index", *checkpoint.glob(SHARED)]:
        if path.exists():
            shutil.copy2(path, staged / path.name)


def stage_objects(checkpoint: Path, staged: Path, box: Sandbox, repository: Repository, wanted: WorkspaceFacts) -> None:
    """Pack the objects that HEAD, index and operations in progress need and the repository lacks.

    Opens the checkpoint's bundle in the sandbox.
    """
    names = _needed(checkpoint, box, wanted)
    there = object_types(box.git, names)
    known = list(object_types(box.git, repository.tips()))
    open_bundles(checkpoint, box, wanted.object_format)
    missing = {name: kind for name, (kind, _) in object_types(box.git, names).items() if name not in there}
    (staged / PACKS).mkdir()
    blobs = [name for name, kind in missing.items() if kind == "blob"]
    if blobs:
        pack(box.git, Selection(blobs), staged / PACKS)
    others = [name for name, kind in missing.items() if kind != "blob"]
    if others:
        try:
            pack(box.git, Selection(others, known, lenient=True), staged / PACKS)
        except GitFailed:  # what the repository has is damaged, so it is no help
            pack(box.git, Selection(others, lenient=True), staged / PACKS)


def stage_index_of_tree(box: Sandbox, staged: Path, wanted: WorkspaceFacts) -> None:
    """Build the index that stands in for one that nobody could read."""
    if wanted.index_state is IndexState.CORRUPT and wanted.index is not None:
        box.git.run("read-tree", wanted.index.tree)
        shutil.copy2(box.index, staged / "index")


def stage_contents(
    box: Sandbox,
    blobs: Sequence[str],
    target: Path,
    object_format: str,
    places: Collection[Path],
    progress: Progress | None,
) -> dict[str, Piece]:
    """Write the content of blobs one after the other into one file, checked against their ids.

    One file takes one fsync, where a file each would take hours for a large tree.

    Args:
        places: Where the contents must fit; each is asked for its free space.
    """
    sizes = {name: size for name, (_, size) in object_types(box.git, blobs).items()}
    for place in places:
        missing = sum(sizes.values()) + RESERVE_BYTES - shutil.disk_usage(place).free
        if missing > 0:
            raise too_little(place, sum(sizes.values()), missing, hint="Nothing was changed.")
    if progress is not None:
        progress.step("preparing the files", sum(sizes.values()))
    asked = box.folder / "asked"
    asked.write_text("".join(f"{name}\n" for name in blobs))
    pieces: dict[str, Piece] = {}
    with target.open("wb") as contents, Read(box.git, "cat-file", "--batch", "--buffer", stdin=asked) as answers:
        for name in blobs:
            pieces[name] = _copy_blob(answers, name, object_format, contents)
            if progress is not None:
                progress.advance(pieces[name].size)
    return pieces


def _needed(checkpoint: Path, box: Sandbox, wanted: WorkspaceFacts) -> set[str]:
    """Ids that the repository has to have for the checkpoint's HEAD and index; some may be short, or no ids."""
    names = mentioned_ids(checkpoint / IN_PROGRESS) | set(wanted.extra_refs.values())
    if wanted.head:
        names.add(wanted.head)
    if wanted.index_state is IndexState.OK:
        index, _ = load_index(box, checkpoint, box.git, None)
        names |= {entry.blob for entry in index.entries if entry.mode != GITLINK}
    return names


def _copy_blob(answers: Read, name: str, object_format: str, contents: IO[bytes]) -> Piece:
    header = answers.line().split()
    if header[1:2] != [b"blob"]:
        raise LacksContent(
            f"The checkpoint lacks the content {name} of a file.", hint="Validate it, then try an older generation."
        )
    piece = Piece(contents.tell(), int(header[2]))
    hashed = BlobHash(object_format, piece.size)
    left = piece.size
    while left:
        content = answers.some(min(left, PIECE))
        hashed.update(content)
        contents.write(content)
        left -= len(content)
    answers.line()
    if hashed.id != name:
        raise WorkspaceError(
            f"The content {name} in the checkpoint is damaged.", hint="Validate it, then try an older generation."
        )
    return piece
