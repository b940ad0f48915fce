"""Compares a work tree with what a checkpoint holds."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from hive_tui.adapters.files.ondisk import Advance, Found, differences, look, unwatched
from hive_tui.adapters.files.state import read_state
from hive_tui.adapters.files.tree import Tree
from hive_tui.adapters.git.bundle import open_bundles
from hive_tui.adapters.git.capture import IN_PROGRESS
from hive_tui.adapters.git.command import Git
from hive_tui.adapters.git.in_progress import files_in
from hive_tui.adapters.git.index import copy_index, load_index
from hive_tui.adapters.git.listing import Index, tree_files
from hive_tui.adapters.git.repository import Repository, require_repository
from hive_tui.adapters.git.sandbox import Sandbox, sandbox
from hive_tui.domain.ports import Progress
from hive_tui.domain.workspaces import IndexState, WorkspaceFacts

Files = Mapping[str, tuple[str, str]]


def find_differences(git: Git, checkpoint: Path, root: Path, progress: Progress | None = None) -> list[str]:
    """A sentence for everything in which the work tree differs from the checkpoint; files that it does not know aside.

    Raises:
        WorkspaceError: The checkpoint or the repository cannot be read.
    """
    wanted = read_state(checkpoint)
    if wanted.worktree is None:
        return []
    with sandbox(checkpoint.parent, git, is_sparing=False) as box:
        repository = require_repository(box.plain, root)
        box.create(wanted.object_format, repository)
        open_bundles(checkpoint, box, wanted.object_format)
        files = tree_files(box.git, wanted.worktree.tree)
        expected = _index(box, checkpoint, wanted.index_state)
        return [
            *_files_that_differ(root, files, wanted, progress.advance if progress else unwatched),
            *_files_too_many(root, files, expected, wanted),
            *_git_differences(box, repository, expected, wanted),
            *_operation_differences(repository.git_dir, checkpoint / IN_PROGRESS),
        ]


def _files_that_differ(root: Path, files: Files, wanted: WorkspaceFacts, advance: Advance) -> Iterator[str]:
    with Tree(root) as tree:
        expected = {path: Found(*file) for path, file in files.items()}
        yield from differences(tree, expected, wanted.object_format, advance)


def _files_too_many(root: Path, files: Files, index: Index, wanted: WorkspaceFacts) -> Iterator[str]:
    """Files that were tracked and not on disk."""
    skipped = {item.path for item in wanted.skipped}
    with Tree(root) as tree:
        for path in sorted(index.files()):
            name = os.fsdecode(path)
            if name in files or name in skipped:
                continue
            found = look(tree, path, wanted.object_format)
            if found is not None and found.is_file:
                yield f"{name!r} was deleted then and is there."


def _git_differences(box: Sandbox, repository: Repository, index: Index, wanted: WorkspaceFacts) -> Iterator[str]:
    if repository.head() != wanted.head:
        yield f"HEAD is {repository.head()}, not {wanted.head}."
    if repository.branch() != wanted.branch:
        yield f"The branch is {repository.branch()}, not {wanted.branch}."
    if wanted.index_state is not IndexState.CORRUPT:
        now = box.folder / "now"
        now.mkdir()
        found = set(_index(box, now, copy_index(repository.git_dir, now)).entries)
        for entry in sorted(set(index.entries) ^ found):
            yield f"The index differs in {os.fsdecode(entry.path)!r}."


def _operation_differences(git_dir: Path, expected: Path) -> Iterator[str]:
    names = {*files_in(git_dir), *(files_in(expected) if expected.is_dir() else ())}
    for name in sorted(names):
        there, then = git_dir / name, expected / name
        if not there.is_file() or not then.is_file() or there.read_bytes() != then.read_bytes():
            yield f"{str(name)!r} of the operation in progress differs."


def _index(box: Sandbox, captured: Path, state: IndexState) -> Index:
    if state is not IndexState.OK:
        return Index()
    return load_index(box, captured, box.git, None)[0]
