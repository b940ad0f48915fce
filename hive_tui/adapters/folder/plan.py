"""Works out what a restore of a folder would change, before it changes anything."""

import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from hive_tui.adapters.files.ondisk import Found
from hive_tui.adapters.files.state import read_state
from hive_tui.adapters.files.tree import Tree
from hive_tui.adapters.folder.listing import FILES, contents, read_listing
from hive_tui.domain.errors import WorkspaceError
from hive_tui.domain.workspaces import (
    SYMLINK,
    ChangeKind,
    Difference,
    FileChange,
    RestorePlan,
    WorkspaceKind,
    changes_to_make,
    parents,
)

MAX_COUNTED_BYTES = 2_000_000
"""In larger files no lines are counted."""


def plan_restore(checkpoint: Path, current: Path, root: Path, made: Mapping[str, str] | None = None) -> RestorePlan:
    """What turns the folder `root`, as captured in `current`, into what `checkpoint` holds.

    Without contents in `current`, they are read from `root`.

    Raises:
        WorkspaceError: One of the two cannot be read, or the folder is not one any more.
    """
    wanted_facts = read_state(checkpoint)
    if read_state(current).kind is not WorkspaceKind.FOLDER:
        raise WorkspaceError(
            f"{root} is not the folder without a repository that it was.",
            hint="Move the folder away; a wake then builds it again.",
        )
    then, now = checkpoint / FILES, current / FILES if (current / FILES).is_dir() else root
    wanted = contents(read_listing(checkpoint), then)
    there = contents(read_listing(current), now)
    protected = {item.path for item in wanted_facts.skipped}
    changes, kept = changes_to_make(_differences(wanted, there), tracked=(), protected=protected, made=made)
    counts = [_lines(change, now, then) for change in changes]
    return RestorePlan(
        root=str(root),
        changes=changes,
        kept=kept,
        insertions=sum(added for added, _ in counts),
        deletions=sum(removed for _, removed in counts),
        warnings=(*_in_the_way(wanted, kept), *wanted_facts.notes),
    )


def _differences(wanted: Mapping[str, Found], there: Mapping[str, Found]) -> list[Difference]:
    found: list[Difference] = []
    for path in sorted(wanted.keys() | there.keys()):
        old, new = there.get(path), wanted.get(path)
        if old != new:
            found.append(Difference(path, *_half(old), *_half(new)))
    return found


def _half(found: Found | None) -> tuple[str | None, str | None]:
    return (None, None) if found is None else (found.id, found.mode)


def _in_the_way(wanted: Mapping[str, Found], kept: tuple[str, ...]) -> list[str]:
    folders = sorted({folder for path in kept for folder in parents(path)} & wanted.keys())
    return [f"{path!r} cannot be written: a folder with files that stay is in its place." for path in folders]


def _lines(change: FileChange, now: Path, then: Path) -> tuple[int, int]:
    """Lines that come and go; those that only move are not counted."""
    if change.kind is ChangeKind.MODE or SYMLINK in (change.old_mode, change.new_mode):
        return 0, 0
    old = _text(now, change.path) if change.old_id else b""
    new = _text(then, change.path) if change.new_id else b""
    if old is None or new is None:
        return 0, 0
    before, after = Counter(old.splitlines()), Counter(new.splitlines())
    return (after - before).total(), (before - after).total()


def _text(place: Path, path: str) -> bytes | None:
    """A file's content; None for one that is binary, large or gone."""
    try:
        with Tree(place) as tree, os.fdopen(tree.open(os.fsencode(path)), "rb") as file:
            content = file.read(MAX_COUNTED_BYTES + 1)
    except OSError:
        return None
    return None if len(content) > MAX_COUNTED_BYTES or b"\0" in content else content
