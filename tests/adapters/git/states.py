"""What a person can be in the middle of: clean, busy, merging, in a linked worktree."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tests.adapters.git.conftest import Repo

Scene = Callable[[Repo], Repo]
"""Brings a repository with one commit into a state; returns the work tree that is meant."""

STATES: list[Scene] = []


def state(function: Scene) -> Scene:
    STATES.append(function)
    return function


@state
def clean(repo: Repo) -> Repo:
    return repo


@state
def busy(repo: Repo) -> Repo:
    """Staged, modified, deleted, renamed, untracked, ignored: all at once."""
    repo.write("old.txt", "old\n" * 20)
    repo.write("gone.txt", "gone\n")
    repo.write("both.txt", "one\n")
    repo.commit("second")
    repo.git("mv", "old.txt", "new.txt")
    repo.write("both.txt", "two\n")
    repo.git("add", "both.txt")
    repo.write("both.txt", "three\n")
    (repo.root / "gone.txt").unlink()
    repo.write("src/main.py", "print('changed')\n")
    repo.write("notes/today.md", "untracked\n")
    (repo.root / "README.md").chmod(0o755)
    return repo


@state
def empty(repo: Repo) -> Repo:
    """No commit, no index, no file."""
    return another(repo, "empty")


@state
def unborn(repo: Repo) -> Repo:
    other = another(repo, "unborn")
    other.write("staged.txt", "staged\n")
    other.git("add", "staged.txt")
    other.write("untracked.txt", "untracked\n")
    return other


@state
def detached(repo: Repo) -> Repo:
    repo.commit("second")
    repo.git("checkout", "-q", "--detach", "HEAD~1")
    repo.write("src/main.py", "detached\n")
    return repo


@state
def merging(repo: Repo) -> Repo:
    _diverge(repo)
    repo.git("merge", "other", ok=False)
    return repo


@state
def rebasing(repo: Repo) -> Repo:
    _diverge(repo)
    repo.git("rebase", "other", ok=False)
    return repo


@state
def applying(repo: Repo) -> Repo:
    _diverge(repo)
    repo.git("rebase", "--apply", "other", ok=False)
    return repo


@state
def picking(repo: Repo) -> Repo:
    _diverge(repo)
    repo.write("later.txt", "later\n")
    repo.commit("later")
    repo.git("checkout", "-q", "other")
    repo.git("cherry-pick", "main~1", "main", ok=False)
    return repo


@state
def reverting(repo: Repo) -> Repo:
    repo.write("src/main.py", "two\n")
    second = repo.commit("second")
    repo.write("src/main.py", "three\n")
    repo.commit("third")
    repo.git("revert", "--no-edit", second, ok=False)
    return repo


@state
def bisecting(repo: Repo) -> Repo:
    first = repo.line("rev-parse", "HEAD")
    for number in range(6):
        repo.write("counter", f"{number}\n")
        repo.commit(f"number {number}")
    repo.git("bisect", "start", "HEAD", first)
    return repo


@state
def linked(repo: Repo) -> Repo:
    repo.git("worktree", "add", "-q", "-b", "side", repo.root.parent / "linked")
    other = replace(repo, root=repo.root.parent / "linked")
    other.write("src/main.py", "linked\n")
    other.git("add", "src/main.py")
    other.write("side.txt", "untracked\n")
    return other


@state
def with_submodule(repo: Repo) -> Repo:
    library = another(repo, "library")
    library.write("lib.c", "int one;\n")
    library.commit("library")
    repo.git("submodule", "--quiet", "add", library.root, "vendor/lib")
    repo.commit("vendor")
    return repo


@state
def borrowing(repo: Repo) -> Repo:
    """Its objects are in another repository."""
    repo.git("clone", "-q", "--shared", repo.root, repo.root.parent / "borrowing")
    other = replace(repo, root=repo.root.parent / "borrowing")
    other.write("src/main.py", "changed\n")
    return other


@state
def shallow(repo: Repo) -> Repo:
    for number in range(3):
        repo.write("counter", f"{number}\n")
        repo.commit(f"number {number}")
    repo.git("clone", "-q", "--depth=2", f"file://{repo.root}", repo.root.parent / "shallow")
    other = replace(repo, root=repo.root.parent / "shallow")
    other.write("src/main.py", "changed\n")
    return other


@state
def packed(repo: Repo) -> Repo:
    repo.git("stash", "push", "-q", "--include-untracked", ok=False)
    repo.write("src/main.py", "stashed\n")
    repo.git("stash", "push", "-q")
    repo.git("gc", "-q")
    repo.write("src/main.py", "changed\n")
    return repo


def _diverge(repo: Repo) -> None:
    """Two branches that change the same lines, and a file that only one of them keeps."""
    repo.write("kept.txt", "one\n")
    repo.commit("base")
    repo.git("checkout", "-q", "-b", "other")
    repo.write("src/main.py", "print('theirs')\n")
    (repo.root / "kept.txt").unlink()
    repo.commit("theirs")
    repo.git("checkout", "-q", "main")
    repo.write("src/main.py", "print('ours')\n")
    repo.write("kept.txt", "two\n")
    repo.commit("ours")


def another(repo: Repo, name: str, *options: str | Path) -> Repo:
    made = Repo(repo.root.parent / name)
    made.root.mkdir()
    made.git("init", "-q", "--template=", *options)
    return made
