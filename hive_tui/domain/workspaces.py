"""The folder that an agent works in: what a checkpoint knows of it, and how it is put back.

Paths are text relative to the folder's root, with `/`; bytes that are no UTF-8 stand as surrogates.
Object ids are hex, as git prints them.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

from hive_tui.domain.durations import counted

SECRET_NAMES = (
    *(".env", ".env.*", "*.pem", "*.key", "id_rsa*", "id_ed25519*", "*.p12", "*.pfx"),
    *(".netrc", "credentials.json", ".npmrc", ".pypirc"),
)
"""Names of untracked files that are left out of a checkpoint."""

HARMLESS_NAMES = (".env.example", ".env.sample", ".env.template")

GITLINK = "160000"
SYMLINK = "120000"
EXECUTABLE = "100755"


class WorkspaceKind(StrEnum):
    """What is around the folder."""

    GIT = "git"
    FOLDER = "folder"
    """No repository: the files themselves are captured."""
    NONE = "none"
    """Nothing is captured."""
    MISSING = "missing"
    """The folder is not there."""
    BARE = "bare"
    """A repository without a work tree here: nothing is captured."""


class IndexState(StrEnum):
    """What was found where git keeps the index."""

    OK = "ok"
    ABSENT = "absent"
    CORRUPT = "corrupt"
    """Git cannot read it; the captured index is that of HEAD."""


class ChangeKind(StrEnum):
    """What a restore does to one file."""

    WRITE = "write"
    DELETE = "delete"
    SYMLINK = "symlink"
    MODE = "mode"
    """Only the executable bit changes."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that is there and was not captured. A restore never deletes it."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Files and folders that were left out for one reason. What is in a folder is neither counted nor weighed."""

    reason: str
    files: int
    folders: int
    size_bytes: int
    """Of the files."""
    first: tuple[str, ...]
    """The paths that were found first."""

    def __str__(self) -> str:
        """For a person."""
        what = [f"{counted(self.files, 'file')} ({counted(self.size_bytes, 'byte')})"] if self.files else []
        what += [counted(self.folders, "folder")] if self.folders else []
        more = ", ..." if self.files + self.folders > len(self.first) else ""
        return f"{self.reason}: {' and '.join(what)}: {', '.join(map(repr, self.first))}{more}"


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A file, link or folder below the root as it was found. The content of a file is read later."""

    path: str
    mode: str
    """As in git, with all permission bits: 100644, 100600, 120000 for a link, 040755 for a folder."""
    source: str = ""
    """Absolute path of a file whose content is to be read."""
    size_bytes: int = 0
    changed_ns: int = 0
    """Time stamp of its last change."""
    target: str = ""
    """Where a link points."""

    @property
    def permissions(self) -> int:
        """The permission bits."""
        return int(self.mode[-3:], 8)


@dataclass(frozen=True, slots=True)
class NestedRepository:
    """A repository inside the work tree; its content is not captured."""

    path: str
    commit: str | None
    """What the index records for a submodule; None for a repository that nobody tracks."""


@dataclass(frozen=True, slots=True)
class CapturedTree:
    """A tree of files, and the commit in the bundle that holds it."""

    commit: str
    tree: str


@dataclass(frozen=True, slots=True)
class WorkspaceFacts:
    """What `state.json` says: everything about a captured work tree but its content."""

    kind: WorkspaceKind
    root: str
    """Absolute path of the work tree; without one, of the folder that was asked for."""
    cwd: str = "."
    """The folder that was asked for, relative to the root."""
    git_dir: str = ""
    common_dir: str = ""
    """Where objects and branches are; differs from `git_dir` in a linked worktree."""
    object_format: str = "sha1"
    head: str | None = None
    """Commit id; None while the branch is unborn."""
    branch: str | None = None
    """Without `refs/heads/`; None if HEAD is detached."""
    is_linked_worktree: bool = False
    operations: tuple[str, ...] = ()
    """In progress: merge, rebase, cherry-pick, revert, bisect."""
    staged: int = 0
    modified: int = 0
    """Tracked files that git takes for changed, and whose bytes are not those that the index holds."""
    untracked: int = 0
    deleted: int = 0
    conflicted: int = 0
    nested: tuple[NestedRepository, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    index_state: IndexState = IndexState.ABSENT
    index_changed_ns: int = 0
    """Time stamp of the index; git needs it to know which files changed in that very moment."""
    index: CapturedTree | None = None
    worktree: CapturedTree | None = None
    loose_blobs: str | None = None
    """Commit with the blobs of unmerged index entries, each named by its id; None if there are none."""
    extra_refs: Mapping[str, str] = field(default_factory=dict)
    """Refs that belong to this work tree alone (bisect, rebase) and their commits."""
    needs_repo: bool = False
    """The bundle lacks history, so that it is of use only beside the repository."""
    shallow: tuple[str, ...] = ()
    """Commits whose parents are cut off; not empty in a shallow clone only."""
    remotes: Mapping[str, str] = field(default_factory=dict)
    """Addresses by name, without credentials."""
    notes: tuple[str, ...] = ()
    """Sentences on what is not as it should be."""
    left_out: tuple[LeftOut, ...] = ()
    """What a folder holds beside what was captured, by reason."""
    files: tuple[FileEntry, ...] = ()
    """Files and links that the archive takes from where they are, as `files/PATH`; not in `state.json`."""

    def to_json(self) -> dict[str, Any]:
        """As it stands in `state.json`."""
        return {"version": 1, **asdict(replace(self, files=()))}

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote.

        Raises:
            KeyError, TypeError, ValueError: It is something else.
        """
        known = {name: saved[name] for name in cls.__dataclass_fields__ if name in saved}
        known["kind"] = WorkspaceKind(saved["kind"])
        known["index_state"] = IndexState(saved["index_state"])
        known["nested"] = tuple(NestedRepository(**item) for item in saved["nested"])
        known["skipped"] = tuple(Skipped(**item) for item in saved["skipped"])
        known["left_out"] = tuple(
            LeftOut(**item | {"first": tuple(item["first"])}) for item in saved.get("left_out", ())
        )
        known["files"] = ()
        for name in ("index", "worktree"):
            known[name] = CapturedTree(**saved[name]) if saved[name] else None
        for name in ("operations", "shallow", "notes"):
            known[name] = tuple(saved[name])
        return cls(**known)


@dataclass(frozen=True, slots=True)
class Difference:
    """One path that differs between what is there (`old`) and what a checkpoint holds (`new`); None: no file."""

    path: str
    old_id: str | None
    old_mode: str | None
    new_id: str | None
    new_mode: str | None


@dataclass(frozen=True, slots=True)
class FileChange:
    """What a restore does to one file."""

    path: str
    kind: ChangeKind
    old_id: str | None
    old_mode: str | None
    new_id: str | None
    new_mode: str | None
    """As in git: 100644, 100755, 120000. None: no file."""


@dataclass(frozen=True, slots=True)
class HeadMove:
    """Where HEAD and its branch go. A branch of None is a detached HEAD, a commit of None an unborn branch."""

    from_branch: str | None
    from_commit: str | None
    to_branch: str | None
    to_commit: str | None
    branch_at: str | None = None
    """Where `to_branch` points before the restore; None if it is not there."""
    branch_blocked: bool = False
    """Another worktree has `to_branch` checked out, or it moved meanwhile: HEAD is detached instead."""


@dataclass(frozen=True, slots=True)
class LeftCommits:
    """Commits that a branch, or a detached HEAD, has now and will not have after a restore."""

    branch: str | None
    """None for a detached HEAD."""
    count: int
    first: tuple[str, ...]
    """The newest, each with the beginning of its id and the first line of its message."""
    is_safe: bool
    """Whether the safety checkpoint holds them."""
    has_reflog: bool = True
    """Whether the reflog keeps them; it goes with a branch that goes."""

    def lines(self) -> list[str]:
        """For a person."""
        where = "HEAD" if self.branch is None else f"the branch {self.branch}"
        keepers = ["the safety checkpoint"] * self.is_safe + ["the reflog"] * self.has_reflog
        kept = f"{' and '.join(keepers)} {'keep' if len(keepers) > 1 else 'keeps'} them"
        more = [f"    and {self.count - len(self.first)} more"] if self.count > len(self.first) else []
        leave = "commit leaves" if self.count == 1 else "commits leave"
        kept = kept.replace("them", "it") if self.count == 1 else kept
        return [f"{self.count} {leave} {where}; {kept}:", *(f"    {line}" for line in self.first), *more]


@dataclass(frozen=True, slots=True)
class RestorePlan:
    """Everything that a restore would change, before it does."""

    root: str
    changes: tuple[FileChange, ...] = ()
    kept: tuple[str, ...] = ()
    """Files that the checkpoint does not know and that stay."""
    head: HeadMove | None = None
    """None if HEAD and branch are right already."""
    left: LeftCommits | None = None
    """What the branch loses by that; None for nothing."""
    insertions: int = 0
    deletions: int = 0
    warnings: tuple[str, ...] = ()

    @property
    def files(self) -> int:
        """How many files change."""
        return len(self.changes)


@dataclass(frozen=True, slots=True)
class AppliedRestore:
    """What a restore did."""

    root: str
    changed: int = 0
    """Files; after a crash, those that were left to change."""
    displaced: tuple[str, ...] = ()
    """Files that were neither as planned before nor as wanted; copies lie in `displaced/` of the journal."""
    refused: tuple[str, ...] = ()
    """Files that were not written, each with the reason."""
    warnings: tuple[str, ...] = ()


def is_secret(path: str) -> bool:
    """Whether an untracked file looks like one that holds a secret, by its name."""
    name = path.rpartition("/")[2].lower()
    return name not in HARMLESS_NAMES and any(fnmatchcase(name, pattern) for pattern in SECRET_NAMES)


def is_safe_path(path: str) -> bool:
    """Whether a path stays inside its root and outside `.git`."""
    return all(part not in ("", ".", "..") and part.lower() != ".git" for part in path.split("/"))


def without_credentials(address: str) -> str | None:
    """A remote's address that may be kept: no password, no token; None for one that runs a program.

    The user of an ssh address stays, since it is no secret and nothing works without it.
    """
    if "::" in address or address.startswith("-"):
        return None
    if "://" not in address:
        return address
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    user, _, host = parts.netloc.rpartition("@")
    user = user.partition(":")[0] if parts.scheme in ("ssh", "git+ssh", "ssh+git") else ""
    return urlunsplit((parts.scheme, f"{user}@{host}" if user else host, parts.path, "", ""))


def changes_to_make(
    differences: Iterable[Difference],
    *,
    tracked: Collection[str],
    protected: Collection[str],
    made: Mapping[str, str] | None = None,
) -> tuple[tuple[FileChange, ...], tuple[str, ...]]:
    """The changes that turn what is there into what the checkpoint holds, and the files that stay.

    A file that the checkpoint does not know goes if git tracks it now, and stays if nobody does. It goes
    too where it stands in the way of a folder of the checkpoint: the safety checkpoint has it.

    Args:
        tracked: Paths in the index or in HEAD now.
        protected: Files and folders that the checkpoint saw and did not capture; they stay.
        made: Files, and the ids of their contents, that the restore which is undone has made; they go,
            unless somebody has changed them since.
    """
    known = made or {}
    found = [item for item in differences if GITLINK not in (item.old_mode, item.new_mode)]
    folders = {parent for item in found if item.new_id for parent in parents(item.path)}
    changes: list[FileChange] = []
    kept: list[str] = []
    for item in found:
        is_protected = item.path in protected or any(folder in protected for folder in parents(item.path))
        is_ours = item.old_id is not None and known.get(item.path) == item.old_id
        goes = item.path in folders or is_ours or (item.path in tracked and not is_protected)
        if item.new_id is None and not goes:
            kept.append(item.path)
        else:
            changes.append(_change(item))
    return tuple(changes), tuple(kept)


def _change(item: Difference) -> FileChange:
    return FileChange(item.path, _kind(item), item.old_id, item.old_mode, item.new_id, item.new_mode)


def _kind(item: Difference) -> ChangeKind:
    if item.new_id is None:
        return ChangeKind.DELETE
    if item.new_mode == SYMLINK:
        return ChangeKind.SYMLINK
    if item.old_id == item.new_id and item.old_mode != SYMLINK:
        return ChangeKind.MODE
    return ChangeKind.WRITE


def parents(path: str) -> Iterable[str]:
    """The folders that a path lies in, from the inmost out; the root is not among them."""
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path
