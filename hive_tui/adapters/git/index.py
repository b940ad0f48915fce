"""The user's index: copied from under git's feet, and put back under git's lock."""

import errno
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from hive_tui.adapters.clock import wait_until
from hive_tui.adapters.files.journal import sync
from hive_tui.adapters.git.command import Git, GitFailed, is_full
from hive_tui.adapters.git.listing import Entry, Index, read_index, read_sparse_index, read_tree
from hive_tui.adapters.git.repository import Repository
from hive_tui.adapters.git.sandbox import Sandbox, sandbox
from hive_tui.domain.errors import WorkspaceError
from hive_tui.domain.ports import Clock
from hive_tui.domain.workspaces import IndexState

SHARED = "sharedindex.*"
"""Files that hold the greater part of a split index."""

SPARSE = b"sdir\0\0\0\0"
"""The mark of an index that has entries for whole folders."""

ONLY_TOP = "/*\n!/*/\n"
FOLDER = "040000"

LOCK_TIMEOUT_S = 10.0

NO_LINKS = (errno.EPERM, errno.EMLINK, errno.ENOSYS, errno.EOPNOTSUPP)
"""How a file system says that it has no hard links."""


def copy_index(git_dir: Path, into: Path) -> IndexState:
    """Copy the raw index, and what a split one refers to; the copy keeps its time stamp.

    Git compares that stamp with those of files: one that was changed in the very moment of the
    last `git add` would look unchanged to an index that is younger.
    """
    for shared in sorted(git_dir.glob(SHARED)):
        with suppress(OSError):
            shutil.copy2(shared, into / shared.name)
    if (git_dir / "index").exists() and not (git_dir / "index").is_file():
        return IndexState.CORRUPT  # a pipe, say, that would make us wait
    try:
        with (git_dir / "index").open("rb") as source, (into / "index").open("wb") as target:
            shutil.copyfileobj(source, target)
            stamp = os.fstat(source.fileno())
    except FileNotFoundError:
        return IndexState.ABSENT
    except OSError:
        (into / "index").unlink(missing_ok=True)
        return IndexState.CORRUPT
    os.utime(into / "index", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    return IndexState.OK


def index_stamp(repository: Repository) -> tuple[int, int, int] | None:
    """What shows that the index was written anew; None if there is none."""
    try:
        found = (repository.git_dir / "index").stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def load_index(
    sandbox: Sandbox, captured: Path, git: Git, head: str | None, meanwhile: Callable[[], None] = lambda: None
) -> tuple[Index, IndexState]:
    """Take a captured index into the sandbox and read it; HEAD stands in for one that git cannot read.

    Args:
        sandbox: Where it is taken to.
        captured: The folder that it was captured into.
        git: Uses the sandbox's index.
        head: The commit.
        meanwhile: Called before it is read, where git can work with it as it is if it can read it at all.
    """
    for path in [captured / "index", *captured.glob(SHARED)]:
        if path.exists():
            shutil.copy2(path, sandbox.git_dir / path.name)
    try:
        if sandbox.index.exists():
            if SPARSE in sandbox.index.read_bytes():
                _complete(sandbox)
            else:
                meanwhile()
            return read_index(git), IndexState.OK
    except GitFailed as error:
        if is_full(error):
            raise
        sandbox.index.unlink(missing_ok=True)
    if head is not None:
        with suppress(GitFailed):
            sandbox.git.run("read-tree", head)
    return read_index(git), IndexState.CORRUPT


def _complete(sandbox: Sandbox) -> None:
    """List every file of an index that leaves out folders; the stat data of the others is lost by that."""
    (sandbox.git_dir / "info" / "sparse-checkout").write_text(ONLY_TOP)
    git = sandbox.over(sandbox.plain.home)  # any folder will do, but git wants one
    entries: list[Entry] = []
    for entry in read_sparse_index(git).entries:
        inside = read_tree(git, entry.blob) if entry.mode == FOLDER else [entry]
        prefix = entry.path if entry.mode == FOLDER else b""
        entries += [item._replace(path=prefix + item.path, tag=entry.tag) for item in inside]
    sandbox.index.unlink()
    lines = [b"%b %b %d\t%b\0" % (item.mode.encode(), item.blob.encode(), item.stage, item.path) for item in entries]
    git.run("update-index", "-z", "--index-info", stdin=b"".join(lines))
    hidden = b"".join(item.path + b"\0" for item in entries if item.tag.upper() == "S")
    git.run("update-index", "--skip-worktree", "-z", "--stdin", stdin=hidden)


def look_everywhere(git: Git, index: Index) -> bool:
    """Clear the bits of an index that keep git from looking at files; whether there were any.

    They are assume-unchanged and skip-worktree.
    """
    hidden = b"".join(entry.path + b"\0" for entry in index.hidden)
    if hidden:
        for option in ("--no-assume-unchanged", "--no-skip-worktree"):
            git.run("update-index", option, "-z", "--stdin", stdin=hidden)
    return bool(hidden)


def put_index(repository: Repository, clock: Clock, staged: Path, changed_ns: int, restore_id: str) -> None:
    """Make a staged index the repository's, or remove the index if none is staged. May be repeated.

    Raises:
        WorkspaceError: Another git holds the lock of the index.
    """
    prepared = repository.git_dir / f"index.hive-{restore_id}"
    lock = repository.git_dir / "index.lock"
    if prepared.exists() and lock.exists() and prepared.samefile(lock):
        lock.unlink()  # ours, from before a crash
    prepared.unlink(missing_ok=True)
    is_wanted = (staged / "index").exists()
    if is_wanted:
        _prepare(repository, staged, changed_ns, prepared)
    else:
        prepared.touch()
    _take_lock(prepared, lock, clock)
    if is_wanted:
        lock.replace(repository.git_dir / "index")
    else:
        (repository.git_dir / "index").unlink(missing_ok=True)
        lock.unlink()
    prepared.unlink()
    sync(repository.git_dir)


def _prepare(repository: Repository, staged: Path, changed_ns: int, prepared: Path) -> None:
    """Write the index with fresh stat data, whole even where it was split, so that `git status` need not read files."""
    with sandbox(staged, repository.plain, is_sparing=False) as box:
        box.create(repository.object_format, repository, converting=True)
        for path in [staged / "index", *staged.glob(SHARED)]:
            shutil.copyfile(path, box.git_dir / path.name)
        os.utime(box.index, ns=(changed_ns, changed_ns))
        if repository.root is not None:
            with suppress(GitFailed):  # git says "some files differ" by an error
                box.over(repository.root).run("update-index", "-q", "--force-write-index", "--refresh")
        shutil.copyfile(box.index, prepared)
    sync(prepared)


def wait_for_lock(git_dir: Path, clock: Clock) -> None:
    """Wait until no git changes the index.

    Raises:
        WorkspaceError: One still does.
    """
    lock = git_dir / "index.lock"
    if not wait_until(lambda: not lock.exists(), timeout_s=LOCK_TIMEOUT_S, clock=clock):
        raise _locked(lock)


def _take_lock(prepared: Path, lock: Path, clock: Clock) -> None:
    """Take git's lock of the index by a link, so that after a crash we know whether it is ours."""

    def is_taken() -> bool:
        try:
            lock.hardlink_to(prepared)
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno not in NO_LINKS:
                raise
            return _copied(prepared, lock)
        return True

    if not wait_until(is_taken, timeout_s=LOCK_TIMEOUT_S, clock=clock):
        raise _locked(lock)


def _copied(prepared: Path, lock: Path) -> bool:
    """Take the lock where the file system knows no links; False if somebody has it."""
    try:
        with prepared.open("rb") as source, lock.open("xb") as target:
            shutil.copyfileobj(source, target)
    except FileExistsError:
        return False
    sync(lock)
    return True


def _locked(lock: Path) -> WorkspaceError:
    return WorkspaceError(
        f"Another git works on the repository: {lock} is there.",
        hint="Wait until it is done, or remove that file if no git runs; then try again.",
    )
