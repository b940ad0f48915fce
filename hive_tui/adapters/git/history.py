"""Decides how much of the history goes into the bundle of a capture, and writes it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hive_tui.adapters.files.link import link_or_copy
from hive_tui.adapters.files.room import require_room
from hive_tui.adapters.git.base import Base, pack_beyond
from hive_tui.adapters.git.bundle import BUNDLE, HISTORY, HISTORY_INDEX, Selection, header, pack, write_bundle
from hive_tui.adapters.git.commits import BLOBS_REF, HEAD_REF, INDEX_REF, WORKTREE_REF, Commits
from hive_tui.adapters.git.growth import Growth
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
    # What waits for nobody's answer stands back behind what looks at the work tree, which others wait for.
    return pack(box.git.standing_back(), Selection(tips=list(refs.values())), box.folder)


def write_history(
    history: History,
    growth: Growth,
    repository: Repository,
    into: Path,
    past: Past,
    packed_past: Callable[[], Path | None],
    base: Base | None = None,
) -> bool:
    """Write the captured state, and beside it the whole history of HEAD if it is small; True if it is not.

    Args:
        history: What is written.
        growth: Shows how far it is, in the sandbox where all objects can be read.
        repository: Where they come from.
        into: Gets the bundles.
        past: How large the history may be, and where it may be already.
        packed_past: Waits for what `pack_past` makes.
        base: What an earlier capture has packed; if it is of use, only what it lacks is packed.

    Raises:
        GitFailed: The repository lacks an object.
    """
    without = [history.head] if history.head else []
    if repository.is_partial() or (base is not None and not base.stands_on(growth.watched.git, history.head)):
        base = None

    def packed(refs: Mapping[str, str]) -> Present:
        selection = Selection(list(refs.values()), without, lenient=repository.is_partial())
        return pack_present(selection, growth, base, repository.object_format)

    refs = history.present
    captured = packed(refs)  # while the past may still be under way
    is_whole = history.head is not None and _write_past(history, growth, repository, into, past, packed_past)
    if not is_whole:
        refs |= history.past
        captured = packed(refs) if history.past.keys() - {HEAD_REF} else captured
    if captured.base is not None:
        captured.base.put_into(into)
        without += captured.base.commits()
    write_bundle(captured.pack, into / BUNDLE, header(repository.object_format, refs, without), growth)
    return history.head is not None and not is_whole


@dataclass(frozen=True, slots=True)
class Present:
    """The pack of a captured state."""

    pack: Path
    base: Base | None = None
    """What holds the rest of it."""


def pack_present(
    selection: Selection, growth: Growth, base: Base | None = None, object_format: str = "sha1"
) -> Present:
    """Pack the captured state, or what a base of this object format lacks of it, and show how far that is."""
    box = growth.watched
    if base is not None:
        growth.step("pack what is new")
        packed = pack_beyond(base, box.git, selection, box.folder, object_format)
        if packed is not None:
            return Present(packed, base)
    growth.step("pack what is not committed", growth.present_bytes)
    return Present(pack(box.git, selection, box.folder))


def _write_past(
    history: History,
    growth: Growth,
    repository: Repository,
    into: Path,
    past: Past,
    packed_past: Callable[[], Path | None],
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
    write_bundle(packed, into / HISTORY, begin, growth)
    return True


def write_files_only(commits: Commits, growth: Growth, repository: Repository, into: Path) -> None:
    """Write the bundle of a repository that lacks objects: the files that are there, and no history."""
    refs = History(None, commits, ()).present
    packed = pack_present(Selection(list(refs.values()), lenient=True), growth)
    write_bundle(packed.pack, into / BUNDLE, header(repository.object_format, refs), growth)


def needed_by_operations(box: Sandbox, copied: Path) -> set[str]:
    """Objects that are there and that the copied files of operations in progress mention."""
    found = object_types(box.git, mentioned_ids(copied))
    return {name for name, (kind, _) in found.items() if kind != "blob"}
