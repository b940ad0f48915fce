"""Finds the repository around a folder and reads what it says about itself; runs nothing of it."""

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from hive_tui.adapters.git.command import Git, GitFailed
from hive_tui.domain.errors import WorkspaceError
from hive_tui.domain.workspaces import without_credentials

PRIVATE_REFS = ("refs/bisect/", "refs/rewritten/", "refs/worktree/")
"""Refs that each work tree has for itself."""

MAX_ALTERNATES = 5
"""How deep git follows object folders that point to others."""


@dataclass(frozen=True)
class Repository:
    """A repository, and the work tree in it that is meant. All paths are absolute and without links."""

    root: Path | None
    """The work tree; None in a bare repository."""
    git_dir: Path
    common_dir: Path
    object_format: str
    plain: Git
    """Git with no repository chosen."""

    @property
    def objects(self) -> Path:
        """Where its objects are."""
        return self.common_dir / "objects"

    @property
    def is_linked(self) -> bool:
        """Whether this is a linked worktree."""
        return self.git_dir != self.common_dir

    @property
    def git(self) -> Git:
        """Git in this repository; for commands that read refs or change them, none that looks at files."""
        return self.plain.at(cwd=self.git_dir, git_dir=self.git_dir)

    @cached_property
    def config(self) -> Mapping[str, list[str]]:
        """The user's settings as they hold here; empty if git cannot read them. Git prints keys in lower case."""
        home = {name: os.environ[name] for name in ("HOME", "XDG_CONFIG_HOME") if name in os.environ}
        if "XDG_CONFIG_HOME" not in home and "HOME" in home:
            home["XDG_CONFIG_HOME"] = str(Path(home["HOME"]) / ".config")
        try:
            listed = self.git.run("config", "--list", "-z", env=home | {"GIT_CONFIG_NOSYSTEM": "0"})
        except GitFailed:
            return {}
        found: dict[str, list[str]] = {}
        for record in os.fsdecode(listed).split("\0")[:-1]:
            key, _, value = record.partition("\n")
            found.setdefault(key, []).append(value if "\n" in record else "true")
        return found

    def setting(self, key: str) -> str | None:
        """The value that holds for a key in lower case."""
        return self.config[key][-1] if key in self.config else None

    def head(self) -> str | None:
        """The commit that HEAD points to; None while its branch is unborn."""
        return self.git.line("rev-parse", "--quiet", "--verify", "HEAD")

    def branch(self) -> str | None:
        """The branch that HEAD is on, without `refs/heads/`; None if it is detached."""
        found = self.git.line("symbolic-ref", "--quiet", "HEAD") or self._written_head()
        return found.removeprefix("refs/heads/") if found.startswith("refs/heads/") else None

    def position(self) -> tuple[str | None, str | None]:
        """The commit and the branch of HEAD, asked for at once where it is on a branch with commits."""
        try:
            commit, _, name = os.fsdecode(self.git.run("rev-parse", "HEAD", "--symbolic-full-name", "HEAD")).partition(
                "\n"
            )
        except GitFailed:
            commit = name = ""
        if commit and name.startswith("refs/heads/"):
            return commit, name.removesuffix("\n").removeprefix("refs/heads/")
        return self.head(), self.branch()

    def _written_head(self) -> str:
        """The ref that the file HEAD names; git itself is silent about one that points to a damaged ref."""
        named = os.fsdecode(read_plain(self.git_dir / "HEAD")).strip().removeprefix("ref: ")
        return "" if named.endswith("/.invalid") else named  # so it stands where refs are in no files

    def commit_of(self, branch: str) -> str | None:
        """Where a branch points; None if it is not there."""
        return self.git.line("rev-parse", "--quiet", "--verify", f"refs/heads/{branch}")

    def tips(self) -> list[str]:
        """What all refs and HEAD point to."""
        listed = self.git.line("for-each-ref", "--format=%(objectname)") or ""
        head = self.head()
        return sorted({*listed.split(), *([head] if head else [])})

    def private_refs(self) -> dict[str, str]:
        """Refs that belong to this work tree alone, with what they point to."""
        listed = self.git.line("for-each-ref", "--format=%(objectname) %(refname)", *PRIVATE_REFS) or ""
        return {name: commit for commit, _, name in (line.partition(" ") for line in listed.splitlines())}

    def shallow(self) -> tuple[str, ...]:
        """Commits whose parents are cut off."""
        return tuple(read_plain(self.common_dir / "shallow").decode(errors="replace").split())

    def is_partial(self) -> bool:
        """Whether objects are fetched only when needed."""
        return any(re.fullmatch(r"extensions\.partialclone|remote\..*\.promisor", key) for key in self.config)

    def trusts_modes(self) -> bool:
        """Whether git tells by its mode that a file is executable or a link, as on all but a few file systems."""
        keys = ("core.filemode", "core.symlinks")
        return all((self.setting(key) or "true").lower() in ("true", "yes", "on", "1") for key in keys)

    def remotes(self) -> dict[str, str]:
        """Addresses by name, without credentials."""
        found: dict[str, str] = {}
        for key in self.config:
            name = re.fullmatch(r"remote\.(.+)\.url", key)
            address = without_credentials(self.config[key][0]) if name else None
            if name and address:
                found[name[1]] = address
        return found

    def packed_bytes(self) -> int:
        """Size of all packs that it can read from."""
        return _packed_bytes(self.objects, MAX_ALTERNATES)


def find_repository(plain: Git, cwd: Path) -> Repository | None:
    """The repository around a folder; None if there is none.

    Raises:
        WorkspaceError: The folder is not there, or git cannot read the repository.
    """
    git = plain.at(cwd=cwd)
    try:
        said = git.run("rev-parse", "--show-object-format", "--is-inside-work-tree", "--absolute-git-dir")
    except GitFailed as error:
        if "not a git repository" in error.said:
            return None
        raise _unreadable(cwd, error) from error
    object_format, inside, git_dir = os.fsdecode(said).removesuffix("\n").split("\n", 2)
    root = Path(git.line("rev-parse", "--show-toplevel") or cwd) if inside == "true" else None
    place = Path(git_dir).resolve()
    return Repository(root.resolve() if root else None, place, common_folder(place), object_format, plain)


def common_folder(git_dir: Path) -> Path:
    """Where the objects and branches of a repository are, given the folder of one of its work trees."""
    named = os.fsdecode(read_plain(git_dir / "commondir")).removesuffix("\n")
    return (git_dir / named).resolve() if named else git_dir


def marker_around(cwd: Path) -> Path | None:
    """The innermost `.git` at or above a folder, whether git can use it or not."""
    return next((folder / ".git" for folder in (cwd, *cwd.parents) if os.path.lexists(folder / ".git")), None)


def read_plain(path: Path) -> bytes:
    """The content of a file; empty if there is none, or if it is a pipe that would make us wait."""
    with suppress(OSError):
        return path.read_bytes() if path.is_file() else b""
    return b""


def require_repository(plain: Git, root: Path) -> Repository:
    """The repository whose work tree is exactly `root`.

    Raises:
        WorkspaceError: There is none.
    """
    found = find_repository(plain, root)
    if found is None or found.root != root.resolve():
        raise WorkspaceError(
            f"{root} is not the work tree of a git repository.",
            hint="If its files are gone, move the folder away; a restore then builds it again.",
        )
    return found


def _unreadable(cwd: Path, error: GitFailed) -> WorkspaceError:
    if "dubious ownership" in error.said or "unsafe repository" in error.said:
        return WorkspaceError(
            f"The repository around {cwd} belongs to another user, so git does not read it.",
            hint=f"If you trust it: git config --global --add safe.directory {cwd}",
        )
    return WorkspaceError(f"Git cannot read the repository around {cwd}: {error.what}", hint=error.hint)


def _packed_bytes(objects: Path, depth: int) -> int:
    total = 0
    with suppress(OSError):
        total = sum(pack.stat().st_size for pack in (objects / "pack").glob("*.pack"))
    named = read_plain(objects / "info" / "alternates") if depth else b""
    others = (objects / os.fsdecode(line) for line in named.splitlines() if line and not line.startswith(b"#"))
    return total + sum(_packed_bytes(other, depth - 1) for other in others)
