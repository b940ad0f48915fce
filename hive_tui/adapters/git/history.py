"""Decides how much of the history goes into the bundle of a capture, and writes it."""

from collections.abc import Callable, Iterable, Mapping
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
class Past:
    """The history of HEAD with all that leads to it."""

    limit_bytes: int
    """A larger one stays out of a checkpoint, so that the repository is needed."""
    kept: Path | None = None
    """A folder that may have it already."""

    def is_kept(self, begin: bytes) -> bool:
        """Whether the bundle that begins so is there."""
        if self.kept is None:
            return False
        bundle = self.kept / HISTORY
        try:
            with bundle.open("rb") as file:
                return file.read(len(begin)) == begin and bundle.stat().st_size <= self.limit_bytes + len(begin)
        except OSError:
            return False


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
        return past_refs(self.head, self.extras)

    @property
    def present(self) -> dict[str, str]:
        """What the bundle of the captured state offers."""
        named = {INDEX_REF: self.commits.index.commit, WORKTREE_REF: self.commits.worktree.commit}
        return named | ({BLOBS_REF: self.commits.loose_blobs} if self.commits.loose_blobs else {})


def past_refs(head: str | None, extras: Iterable[str]) -> dict[str, str]:
    """What the bundle of a history offers."""
    named = {f"{EXTRA_REF}{number}": name for number, name in enumerate(sorted(set(extras)))}
    return ({HEAD_REF: head} if head else {}) | named


def pack_past(refs: Mapping[str, str], box: Sandbox, repository: Repository, past: Past) -> Path | None:
    """Pack the whole history, unless it is kept from an earlier time, or is surely too large.

    Needs nothing of the work tree, so that it can be done while that is looked at.

    Raises:
        GitFailed: The repository lacks an object.
    """
    if HEAD_REF not in refs or past.is_kept(header(repository.object_format, refs)):
        return None
    if repository.is_partial() or repository.packed_bytes() > WORTH_A_TRY * past.limit_bytes:
        return None
    require_room(box.folder, min(repository.packed_bytes(), past.limit_bytes))
    return pack(box.git, Selection(tips=list(refs.values())), box.folder)


def write_history(
    history: History,
    box: Sandbox,
    repository: Repository,
    into: Path,
    past: Past,
    packed_past: Callable[[], Path | None],
) -> bool:
    """Write the captured state, and beside it the whole history of HEAD if it is small; True if it is not.

    Args:
        history: What is written.
        box: Where all objects can be read.
        repository: Where they come from.
        into: Gets the bundles.
        past: How large the history may be, and where it may be already.
        packed_past: Waits for what `pack_past` makes.

    Raises:
        GitFailed: The repository lacks an object.
    """
    is_whole = history.head is not None and _write_past(history, repository, into, past, packed_past)
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
    history: History, repository: Repository, into: Path, past: Past, packed_past: Callable[[], Path | None]
) -> bool:
    """Write the bundle of the history; False if it is too large."""
    begin = header(repository.object_format, history.past)
    packed = packed_past()
    if packed is None and past.kept is not None and past.is_kept(begin):
        for name in (HISTORY, HISTORY_INDEX):
            link_or_copy(past.kept / name, into / name)
        return True
    if packed is None or packed.stat().st_size > past.limit_bytes:
        return False
    write_bundle(packed, into / HISTORY, begin)
    return True


def write_files_only(commits: Commits, box: Sandbox, repository: Repository, into: Path) -> None:
    """Write the bundle of a repository that lacks objects: the files that are there, and no history."""
    refs = History(None, commits, ()).present
    packed = pack(box.git, Selection(list(refs.values()), lenient=True), box.folder)
    write_bundle(packed, into / BUNDLE, header(repository.object_format, refs))


def needed_by_operations(box: Sandbox, copied: Path) -> set[str]:
    """Objects that are there and that the copied files of operations in progress mention."""
    found = object_types(box.git, mentioned_ids(copied))
    return {name for name, (kind, _) in found.items() if kind != "blob"}
