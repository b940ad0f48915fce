"""HEAD, its branch and the refs of one work tree: who else uses a branch, and moving them."""

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from hive_tui.adapters.git.repository import Repository
from hive_tui.domain.workspaces import HeadMove

REASON = "hive restore"
BEING_REBASED = ("rebase-merge/head-name", "rebase-apply/head-name")


def is_checked_out_elsewhere(repository: Repository, branch: str) -> bool:
    """Whether another worktree has the branch checked out, or is rebasing it."""
    ref = f"refs/heads/{branch}"
    folders = [repository.common_dir, *sorted((repository.common_dir / "worktrees").glob("*"))]
    return any(_uses(repository, folder, ref) for folder in folders if folder.resolve() != repository.git_dir)


def move_head(repository: Repository, move: HeadMove) -> list[str]:
    """Move HEAD and its branch, without hooks; what could not be done as planned.

    May be repeated. A branch that is neither where it was nor where it shall be has been moved by
    somebody else: it stays, and HEAD is detached.
    """
    git = repository.git
    if move.to_branch is None or move.branch_blocked:
        _detach(repository, move)
        return []
    at = repository.commit_of(move.to_branch)
    if at not in (move.branch_at, move.to_commit):
        _detach(repository, move)
        return [f"The branch {move.to_branch} has moved meanwhile, so it stays where it is and HEAD is detached."]
    ref = f"refs/heads/{move.to_branch}"
    if at != move.to_commit and move.to_commit is not None:
        nothing = "0" * len(move.to_commit)
        git.run("update-ref", "--create-reflog", "-m", REASON, ref, move.to_commit, at or nothing)
    elif at is not None and move.to_commit is None:
        git.run("update-ref", "-m", REASON, "-d", ref, at)
    if repository.branch() != move.to_branch:
        git.run("symbolic-ref", "-m", REASON, "HEAD", ref)
    return []


def put_private_refs(repository: Repository, wanted: Mapping[str, str]) -> None:
    """Make the refs that belong to this work tree alone those that are wanted."""
    there = repository.private_refs()
    lines = [f"update {name} {commit}\n" for name, commit in wanted.items() if there.get(name) != commit]
    lines += [f"delete {name}\n" for name in there if name not in wanted]
    if lines:
        repository.git.run("update-ref", "-m", REASON, "--stdin", stdin=os.fsencode("".join(lines)))


def _uses(repository: Repository, folder: Path, ref: str) -> bool:
    git = repository.git.at(git_dir=folder)
    if folder == repository.common_dir and git.line("rev-parse", "--is-bare-repository") == "true":
        return False
    if git.line("symbolic-ref", "--quiet", "HEAD") == ref:
        return True
    for name in BEING_REBASED:
        with suppress(OSError):
            if os.fsdecode((folder / name).read_bytes()).strip() == ref:
                return True
    return False


def _detach(repository: Repository, move: HeadMove) -> None:
    if move.to_commit and (repository.branch() is not None or repository.head() != move.to_commit):
        repository.git.run("update-ref", "--no-deref", "--create-reflog", "-m", REASON, "HEAD", move.to_commit)
