"""Works out what a restore would change, before it changes anything."""

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from hive_tui.adapters.files.state import read_state
from hive_tui.adapters.git.bundle import open_bundles
from hive_tui.adapters.git.command import Git, GitFailed
from hive_tui.adapters.git.index import load_index
from hive_tui.adapters.git.listing import line_counts, object_types, tree_differences, tree_files
from hive_tui.adapters.git.refs import is_checked_out_elsewhere
from hive_tui.adapters.git.repository import Repository, require_repository
from hive_tui.adapters.git.sandbox import Sandbox, sandbox
from hive_tui.domain.errors import WorkspaceError
from hive_tui.domain.workspaces import (
    GITLINK,
    CapturedTree,
    Difference,
    HeadMove,
    IndexState,
    LeftCommits,
    RestorePlan,
    WorkspaceFacts,
    changes_to_make,
    is_safe_path,
    parents,
)

MOST_SHOWN = 5
FORMAT = ("--format=%h %s", f"--max-count={MOST_SHOWN}")


def plan_restore(
    git: Git, checkpoint: Path, current: Path, root: Path, made: Mapping[str, str] | None = None
) -> RestorePlan:
    """What turns the work tree `root`, as captured in `current`, into what `checkpoint` holds.

    Raises:
        WorkspaceError: One of the two cannot be read, or the repository is not there.
    """
    wanted, there = read_state(checkpoint), read_state(current)
    if wanted.worktree is None:
        return RestorePlan(str(root), warnings=("The checkpoint holds no files of this folder.", *wanted.notes))
    if there.worktree is None:
        raise WorkspaceError(
            f"{root} is not the work tree of a git repository any more.",
            hint="Move the folder away; a restore then builds it again.",
        )
    if wanted.object_format != there.object_format:
        raise WorkspaceError(
            f"The repository in {root} is another one than in the checkpoint: its object ids are of another kind.",
            hint="Move the folder away; a restore then builds it again.",
        )
    with sandbox(current.parent, git) as box:
        repository = require_repository(box.plain, root)
        box.create(there.object_format, repository)
        for folder in (checkpoint, current):
            open_bundles(folder, box, there.object_format)
        try:
            return _Comparison(box, repository, wanted, there).plan(current, made)
        except GitFailed as error:
            raise _unusable(wanted, error) from error


def _unusable(wanted: WorkspaceFacts, error: GitFailed) -> WorkspaceError:
    if not wanted.needs_repo:
        return error
    return WorkspaceError(
        f"The checkpoint holds only what the commit {wanted.head} lacks, and the repository does not have that commit.",
        hint="Fetch the commit into the repository, then try again.",
    )


class _Comparison:
    def __init__(self, box: Sandbox, repository: Repository, wanted: WorkspaceFacts, there: WorkspaceFacts) -> None:
        self._box = box
        self._repository = repository
        self._wanted = wanted
        self._there = there

    def plan(self, current: Path, made: Mapping[str, str] | None) -> RestorePlan:
        old, new = _tree(self._there.worktree), _tree(self._wanted.worktree)
        differences = tree_differences(self._box.git, "diff-tree", "-r", old, new)
        safe = [item for item in differences if is_safe_path(item.path)]
        protected = {item.path for item in self._wanted.skipped}
        changes, kept = changes_to_make(safe, tracked=self._tracked(current), protected=protected, made=made)
        counts = line_counts(self._box.git, old, new)
        lines = [counts.get(change.path, (0, 0)) for change in changes]
        head, head_warnings = self._head_move()
        return RestorePlan(
            root=str(self._repository.root),
            changes=changes,
            kept=kept,
            head=head,
            left=self._left(head),
            insertions=sum(added for added, _ in lines),
            deletions=sum(removed for _, removed in lines),
            warnings=(*self._warn_of_files(differences, kept), *head_warnings),
        )

    def _tracked(self, current: Path) -> set[str]:
        """Paths that git knows now, in the index or in HEAD."""
        paths: set[str] = set()
        if self._there.head:
            with suppress(GitFailed):  # a damaged repository
                paths |= tree_files(self._box.git, self._there.head).keys()
        if self._there.index_state is IndexState.OK:
            index, _ = load_index(self._box, current, self._box.git, None)
            paths |= {os.fsdecode(path) for path in index.paths}
        return paths

    def _head_move(self) -> tuple[HeadMove | None, list[str]]:
        """Where HEAD goes, and what a person should know about that."""
        wanted, there = self._wanted, self._there
        if (wanted.branch, wanted.head) == (there.branch, there.head):
            return None, []
        if wanted.head and wanted.head not in object_types(self._box.git, [wanted.head]):
            return None, [f"HEAD stays, since the commit {wanted.head} is neither here nor in the checkpoint."]
        move = HeadMove(there.branch, there.head, wanted.branch, wanted.head)
        if wanted.branch is None:
            return move, []
        at = there.head if wanted.branch == there.branch else self._repository.commit_of(wanted.branch)
        blocked = wanted.branch != there.branch and is_checked_out_elsewhere(self._repository, wanted.branch)
        return _checked(replace(move, branch_at=at, branch_blocked=blocked), is_kept=self._is_kept(at))

    def _left(self, move: HeadMove | None) -> LeftCommits | None:
        """The commits that no longer belong to the branch that moves, or to a HEAD without one."""
        if move is None or move.branch_blocked:
            return None
        of_branch = self._left_by(move.to_branch, move.branch_at, move.to_commit) if move.to_branch else None
        return of_branch or (self._left_by(None, move.from_commit, move.to_commit) if not move.from_branch else None)

    def _left_by(self, branch: str | None, was: str | None, will_be: str | None) -> LeftCommits | None:
        if was is None:
            return None
        gone = [was, *([f"^{will_be}"] if will_be else [])]
        count = int(self._box.git.line("rev-list", "--count", *gone) or 0)
        if not count:
            return None
        shown = self._box.git.run("log", "--no-show-signature", "--no-color", "--abbrev=10", *FORMAT, *gone, "--")
        lines = tuple(printable(line) for line in shown.decode(errors="replace").splitlines())
        return LeftCommits(branch, count, lines, self._is_kept(was), has_reflog=not (branch and will_be is None))

    def _is_kept(self, commit: str | None) -> bool:
        """Whether the safety checkpoint has a commit."""
        if commit is None or self._there.needs_repo or self._there.head is None:
            return False
        return self._box.git.line("merge-base", "--is-ancestor", commit, self._there.head) is not None

    def _warn_of_files(self, differences: Sequence[Difference], kept: Sequence[str]) -> list[str]:
        wanted = {item.path for item in differences if item.new_id}
        in_the_way = sorted({folder for path in kept for folder in parents(path)} & wanted)
        return [
            *(f"{item.path!r} is no path that may be written." for item in differences if not is_safe_path(item.path)),
            *(f"{path!r} cannot be written: a folder with files that stay is in its place." for path in in_the_way),
            *(f"The submodule {item.path!r} stays as it is." for item in differences if _is_submodule(item)),
            *self._wanted.notes,
        ]


def _checked(move: HeadMove, *, is_kept: bool) -> tuple[HeadMove | None, list[str]]:
    """The move without what would lose commits.

    Args:
        is_kept: The safety checkpoint has the commits that `to_branch` has now.
    """
    if move.to_commit is None and move.branch_at is not None and not is_kept:
        return None, [f"HEAD stays: the branch {move.to_branch} had no commits then, and those of now would be lost."]
    if move.branch_blocked:
        return move, [f"The branch {move.to_branch} is checked out in another worktree, so HEAD is detached instead."]
    return move, []


def printable(line: str) -> str:
    """A message's line may hold what a terminal would obey."""
    return "".join(letter if letter.isprintable() else "?" for letter in line)


def _tree(captured: CapturedTree | None) -> str:
    assert captured is not None
    return captured.tree


def _is_submodule(item: Difference) -> bool:
    return GITLINK in (item.old_mode, item.new_mode)
