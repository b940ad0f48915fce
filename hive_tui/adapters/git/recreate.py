"""Builds a work tree again whose folder is gone."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from hive_tui.adapters.files.journal import CONTENTS, Journal, sync
from hive_tui.adapters.files.state import read_state
from hive_tui.adapters.files.temporary import work_folder
from hive_tui.adapters.files.tree import Tree
from hive_tui.adapters.files.writer import FileWriter
from hive_tui.adapters.git.apply import put_git_state, put_pack
from hive_tui.adapters.git.bundle import open_bundles
from hive_tui.adapters.git.command import Git, GitFailed
from hive_tui.adapters.git.listing import object_types, tree_files
from hive_tui.adapters.git.refs import is_checked_out_elsewhere
from hive_tui.adapters.git.repository import Repository, require_repository
from hive_tui.adapters.git.sandbox import PREFIX, Sandbox, sandbox
from hive_tui.adapters.git.staging import (
    LacksContent,
    stage_contents,
    stage_git_files,
    stage_index_of_tree,
    stage_objects,
)
from hive_tui.domain.errors import WorkspaceError
from hive_tui.domain.ports import Clock, Progress
from hive_tui.domain.workspaces import SYMLINK, ChangeKind, FileChange, HeadMove, WorkspaceFacts, is_safe_path


def recreate_workspace(git: Git, clock: Clock, checkpoint: Path, root: Path, progress: Progress | None) -> None:
    """Build the work tree at `root` from the checkpoint; in one step, so that a crash leaves nothing half done.

    Raises:
        WorkspaceError: There is something at `root`, or the checkpoint does not suffice.
    """
    wanted = read_state(checkpoint)
    if wanted.worktree is None:
        raise WorkspaceError(f"The checkpoint holds no files of {root}.", hint="Make the folder yourself.")
    if os.path.lexists(root) and (not root.is_dir() or any(root.iterdir())):
        raise WorkspaceError(f"{root} is there and is not empty.", hint="Move it away, then restore again.")
    root.parent.mkdir(parents=True, exist_ok=True)
    with work_folder(root.parent, PREFIX) as work, sandbox(work, git, is_sparing=False) as box:
        try:
            _Builder(box, clock, checkpoint, wanted, work).build(root.parent.resolve() / root.name, progress)
        except (GitFailed, LacksContent) as error:
            raise _unusable(wanted, error) from error


@dataclass(frozen=True, slots=True)
class _Builder:
    box: Sandbox
    clock: Clock
    checkpoint: Path
    wanted: WorkspaceFacts
    work: Path
    """Beside the root, for all that is temporary."""

    def build(self, root: Path, progress: Progress | None) -> None:
        linked = self._linked(root)
        new, staged = self.work / "new", self.work / "staged"
        new.mkdir()
        staged.mkdir()
        self.box.create(self.wanted.object_format, linked)
        stage_git_files(self.checkpoint, staged)
        if linked is None:
            packs = open_bundles(self.checkpoint, self.box, self.wanted.object_format)
            repository = self._init(new, packs)
        else:
            stage_objects(self.checkpoint, staged, self.box, linked, self.wanted)
            (new / ".git").write_bytes(b"gitdir: " + os.fsencode(linked.git_dir) + b"\n")
            repository = linked
        stage_index_of_tree(self.box, staged, self.wanted)
        self._write_files(new, progress)
        if linked is None:
            self._put_state(repository, staged)
        new.rename(root)
        sync(root.parent)
        if linked is not None:
            self._put_state(linked, staged)

    def _linked(self, root: Path) -> Repository | None:
        """The repository that the folder was a linked worktree of, if it is still there."""
        wanted = self.wanted
        admin, common = Path(wanted.git_dir), Path(wanted.common_dir)
        if not wanted.is_linked_worktree or not (common / "objects").is_dir() or admin.parent != common / "worktrees":
            return None
        link = os.fsencode(root / ".git") + b"\n"
        if not admin.exists():
            admin.mkdir(parents=True)
            (admin / "commondir").write_text("../..\n")
            (admin / "gitdir").write_bytes(link)
            (admin / "HEAD").write_text(f"{wanted.head}\n" if wanted.head else f"ref: refs/heads/{wanted.branch}\n")
        elif (admin / "gitdir").read_bytes() != link:
            return None  # it belongs to another folder now
        return Repository(root, admin, common, wanted.object_format, self.box.plain)

    def _init(self, new: Path, packs: Iterable[Path]) -> Repository:
        """Make a new repository with all objects of the bundles."""
        self.box.plain.run("init", "--quiet", "--template=", f"--object-format={self.wanted.object_format}", new)
        repository = require_repository(self.box.plain, new)
        for pack in packs:
            put_pack(repository.objects, pack)
        if self.wanted.shallow:
            (repository.git_dir / "shallow").write_text("".join(f"{commit}\n" for commit in self.wanted.shallow))
        for name, address in self.wanted.remotes.items():
            repository.git.run("config", f"remote.{name}.url", address)
            repository.git.run("config", f"remote.{name}.fetch", f"+refs/heads/*:refs/remotes/{name}/*")
        return repository

    def _write_files(self, new: Path, progress: Progress | None) -> None:
        assert self.wanted.worktree is not None
        found = tree_files(self.box.git, self.wanted.worktree.tree)
        files = {path: file for path, file in found.items() if is_safe_path(path)}
        contents = self.work / CONTENTS
        blobs = sorted({blob for _, blob in files.values()})
        pieces = stage_contents(self.box, blobs, contents, self.wanted.object_format, (self.work,), progress)
        for item in self.wanted.nested:
            if item.commit is not None and is_safe_path(item.path):  # a submodule's folder, empty as after a clone
                (new / item.path).mkdir(parents=True, exist_ok=True)
        if progress is not None:
            progress.step("writing the files", sum(piece.size for piece in pieces.values()))
        with Tree(new) as tree, contents.open("rb") as opened:
            writer = FileWriter(
                tree,
                opened,
                pieces,
                object_format=self.wanted.object_format,
                displaced=self.work / "displaced",
                restore_id="new",
                advance=progress.advance if progress is not None else lambda _: None,
            )
            outcome = writer.make([_new_file(path, *file) for path, file in files.items()], ())
        if outcome.refused:
            raise WorkspaceError(f"Files cannot be written: {outcome.refused[0]}.", hint="Look at the disk.")

    def _put_state(self, repository: Repository, staged: Path) -> None:
        journal = Journal(
            id="new",
            root=str(repository.root),
            object_format=self.wanted.object_format,
            changes=(),
            pieces={},
            head=self._head_move(repository),
            private_refs=self.wanted.extra_refs,
            index_changed_ns=self.wanted.index_changed_ns,
        )
        put_git_state(repository, self.clock, journal, staged)

    def _head_move(self, repository: Repository) -> HeadMove | None:
        wanted = self.wanted
        is_there = wanted.head is not None and wanted.head in object_types(self.box.git, [wanted.head])
        move = HeadMove(repository.branch(), repository.head(), wanted.branch, wanted.head if is_there else None)
        if wanted.branch is None:
            return move if is_there else None
        at = repository.commit_of(wanted.branch)
        if not is_there and at is not None:
            return None
        # No safety checkpoint knows the commits of a branch that has gone on without this folder.
        is_blocked = at not in (None, wanted.head) or is_checked_out_elsewhere(repository, wanted.branch)
        return replace(move, branch_at=at, branch_blocked=is_blocked)


def _new_file(path: str, mode: str, blob: str) -> FileChange:
    kind = ChangeKind.SYMLINK if mode == SYMLINK else ChangeKind.WRITE
    return FileChange(path, kind, None, None, blob, mode)


def _unusable(wanted: WorkspaceFacts, error: WorkspaceError) -> WorkspaceError:
    if not wanted.needs_repo:
        return error
    return WorkspaceError(
        f"The checkpoint holds only what the commit {wanted.head} lacks, and there is no repository with that commit.",
        hint=f"Clone the repository to {wanted.root}, then restore again.",
    )
