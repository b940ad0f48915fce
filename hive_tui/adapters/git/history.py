"""Decides how much of the history goes into the bundle of a capture, and writes it."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from hive_tui.adapters.files.link import link_or_copy
from hive_tui.adapters.files.room import require_room
from hive_tui.adapters.git.bundle import BUNDLE, HISTORY, HISTORY_INDEX, Selection, header, pack, write_bundle
from hive_tui.adapters.git.command import GitFailed
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
    """What bundles are made of."""

    head: str | None
    commits: Commits
    extras: Iterable[str]
    """Commits, tags and trees that operations in progress need."""

    @property
    def past(self) -> dict[str, str]:
        """What the bundle of the history offers."""
        extras = {f"{EXTRA_REF}{number}": name for number, name in enumerate(sorted(set(self.extras)))}
        return ({HEAD_REF: self.head} if self.head else {}) | extras

    @property
    def present(self) -> dict[str, str]:
        """What the bundle of the captured state offers."""
        named = {INDEX_REF: self.commits.index.commit, WORKTREE_REF: self.commits.worktree.commit}
        return named | ({BLOBS_REF: self.commits.loose_blobs} if self.commits.loose_blobs else {})


def write_history(
    history: History, box: Sandbox, repository: Repository, into: Path, limit_bytes: int, kept: Path | None
) -> bool:
    """Write the captured state, and beside it the whole history of HEAD if it is small; True if it is not.

    Args:
        history: What is written.
        box: Where all objects can be read.
        repository: Where they come from.
        into: Gets the bundles.
        limit_bytes: A larger history stays out, so that the repository is needed.
        kept: A folder that may have the history already.

    Raises:
        GitFailed: The repository lacks an object.
    """
    is_whole = history.head is not None and _write_past(history, box, repository, into, limit_bytes, kept)
    refs = history.present | ({} if is_whole else history.past)
    without = [history.head] if history.head else []
    try:
        packed = pack(box.git, Selection(list(refs.values()), without, lenient=repository.is_partial()), box.folder)
    except GitFailed:
        for name in (HISTORY, HISTORY_INDEX):
            (into / name).unlink(missing_ok=True)
        raise
    write_bundle(packed, into / BUNDLE, header(repository.object_format, refs, without))
    return history.head is not None and not is_whole


def _write_past(
    history: History, box: Sandbox, repository: Repository, into: Path, limit_bytes: int, kept: Path | None
) -> bool:
    """Write the bundle of the history; False if it is too large."""
    begin = header(repository.object_format, history.past)
    if kept is not None and _begins_with(kept / HISTORY, begin, limit_bytes):
        for name in (HISTORY, HISTORY_INDEX):
            link_or_copy(kept / name, into / name)
        return True
    if repository.is_partial() or repository.packed_bytes() > WORTH_A_TRY * limit_bytes:
        return False
    require_room(box.folder, min(repository.packed_bytes(), limit_bytes))
    packed = pack(box.git, Selection(tips=list(history.past.values())), box.folder)
    if packed.stat().st_size > limit_bytes:
        return False
    write_bundle(packed, into / HISTORY, begin)
    return True


def _begins_with(bundle: Path, begin: bytes, limit_bytes: int) -> bool:
    try:
        with bundle.open("rb") as file:
            return file.read(len(begin)) == begin and bundle.stat().st_size <= limit_bytes + len(begin)
    except OSError:
        return False


def write_files_only(commits: Commits, box: Sandbox, repository: Repository, into: Path) -> None:
    """Write the bundle of a repository that lacks objects: the files that are there, and no history."""
    refs = History(None, commits, ()).present
    packed = pack(box.git, Selection(list(refs.values()), lenient=True), box.folder)
    write_bundle(packed, into / BUNDLE, header(repository.object_format, refs))


def needed_by_operations(box: Sandbox, copied: Path) -> set[str]:
    """Objects that are there and that the copied files of operations in progress mention."""
    found = object_types(box.git, mentioned_ids(copied))
    return {name for name, (kind, _) in found.items() if kind != "blob"}
