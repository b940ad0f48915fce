"""Builds the commits of a capture: its index, its work tree and blobs that no tree holds."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hive_tui.adapters.git.command import Git
from hive_tui.adapters.git.contents import STORED, Blob
from hive_tui.adapters.git.sandbox import quoted
from hive_tui.domain.workspaces import CapturedTree

INDEX_REF = "refs/hive/index"
WORKTREE_REF = "refs/hive/worktree"
BLOBS_REF = "refs/hive/blobs"
HEAD_REF = "refs/hive/head"

Changes = Mapping[bytes, Blob | None]
"""What differs from the tree below; None for a file that is not there."""


@dataclass(frozen=True, slots=True)
class Commits:
    """The commits of one capture."""

    index: CapturedTree
    worktree: CapturedTree
    loose_blobs: str | None


def write_commits(git: Git, base: str | None, index: Changes, worktree: Changes, loose_blobs: Iterable[str]) -> Commits:
    """Write the commits into the repository that `git` works in, and refs to them.

    By fast-import, which puts all into a pack of its own: `write-tree` would touch the time stamps
    of objects in the user's repository that it finds to be there already.

    Args:
        base: HEAD's commit, whose tree the index changes; None to begin with nothing.
        index: Changes of the index against the base.
        worktree: Changes of the work tree against the index.
        loose_blobs: Blobs of index entries that no tree can hold.
    """
    named = sorted(set(loose_blobs))
    stream = [*_commit(INDEX_REF, 1, base, index), *_commit(WORKTREE_REF, 2, ":1", worktree)]
    if named:
        stream += _commit(BLOBS_REF, 3, None, {name.encode(): Blob("100644", name) for name in named})
    git.run(*STORED, "fast-import", "--quiet", "--force", "--done", stdin=b"".join([*stream, b"done\n"]))
    refs = (INDEX_REF, WORKTREE_REF, *((BLOBS_REF,) if named else ()))
    asked = [word for ref in refs for word in (ref, f"{ref}^{{tree}}")]
    found = git.run("rev-parse", *asked).decode().split()
    return Commits(
        index=CapturedTree(commit=found[0], tree=found[1]),
        worktree=CapturedTree(commit=found[2], tree=found[3]),
        loose_blobs=found[4] if named else None,
    )


def _commit(ref: str, mark: int, base: str | None, changes: Changes) -> list[bytes]:
    lines = [
        f"reset {ref}\n\ncommit {ref}\nmark :{mark}\ncommitter hive-tui <hive-tui@localhost> 0 +0000\n".encode(),
        b"data 4\nhive\n",
        *([f"from {base}\n".encode()] if base else []),
    ]
    # What is gone goes first, so that a folder can take the place of a file and the other way round.
    lines += [b"D %b\n" % quoted(path) for path, blob in changes.items() if blob is None]
    lines += [
        b"M %b %b %b\n" % (blob.mode.encode(), blob.id.encode(), quoted(path))
        for path, blob in changes.items()
        if blob is not None
    ]
    return [*lines, b"\n"]
