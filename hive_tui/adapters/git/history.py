"""Decides how much of the history goes into the bundle of a capture, and writes it."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from hive_tui.adapters.git.bundle import Selection, pack, write_bundle
from hive_tui.adapters.git.commits import BLOBS_REF, HEAD_REF, INDEX_REF, WORKTREE_REF, Commits
from hive_tui.adapters.git.in_progress import mentioned_ids
from hive_tui.adapters.git.listing import object_types
from hive_tui.adapters.git.repository import Repository
from hive_tui.adapters.git.sandbox import Sandbox

EXTRA_REF = "refs/hive/extra/"
"""Commits that an operation in progress needs, numbered."""

WORTH_A_TRY = 4
"""A repository this many times larger than the limit is not packed just to see how large HEAD's history is."""


@dataclass(frozen=True, slots=True)
class History:
    """What a bundle is made of."""

    head: str | None
    commits: Commits
    extras: Iterable[str]
    """Commits, tags and trees that operations in progress need."""

    @property
    def refs(self) -> dict[str, str]:
        """What the bundle offers."""
        named = {INDEX_REF: self.commits.index.commit, WORKTREE_REF: self.commits.worktree.commit}
        if self.head:
            named[HEAD_REF] = self.head
        if self.commits.loose_blobs:
            named[BLOBS_REF] = self.commits.loose_blobs
        return named | {f"{EXTRA_REF}{number}": name for number, name in enumerate(sorted(set(self.extras)))}


def write_history(history: History, box: Sandbox, repository: Repository, into: Path, limit_bytes: int) -> bool:
    """Write the bundle with the whole history of HEAD, or with what HEAD lacks; True if the repository is needed.

    Raises:
        GitFailed: The repository lacks an object.
    """
    refs = history.refs
    ours = repository_bytes(box.packs)
    if not repository.is_partial() and repository.packed_bytes() <= WORTH_A_TRY * limit_bytes:
        packed = pack(box.git, Selection(tips=list(refs.values())), box.folder)
        if history.head is None or packed.stat().st_size - ours <= limit_bytes:
            write_bundle(packed, into, repository.object_format, refs, ())
            return False
    without = [history.head] if history.head else []
    packed = pack(box.git, Selection(list(refs.values()), without, lenient=repository.is_partial()), box.folder)
    write_bundle(packed, into, repository.object_format, refs, without)
    return bool(without)


def write_files_only(commits: Commits, box: Sandbox, repository: Repository, into: Path) -> None:
    """Write the bundle of a repository that lacks objects: the files that are there, and no history."""
    refs = History(None, commits, ()).refs
    packed = pack(box.git, Selection(list(refs.values()), lenient=True), box.folder)
    write_bundle(packed, into, repository.object_format, refs, ())


def needed_by_operations(box: Sandbox, copied: Path) -> set[str]:
    """Objects that are there and that the copied files of operations in progress mention."""
    found = object_types(box.git, mentioned_ids(copied))
    return {name for name, (kind, _) in found.items() if kind != "blob"}


def repository_bytes(packs: Path) -> int:
    """Size of the packs in a folder."""
    return sum(path.stat().st_size for path in packs.glob("*.pack"))
