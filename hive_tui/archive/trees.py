"""How a whole folder goes into the archive: what is copied from the generation before, what is read."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from pathlib import Path, PurePath

from hive_tui.archive.format import GROUP_BYTES, Kind, Member, unsafe_link, unsafe_name
from hive_tui.archive.layout import is_large
from hive_tui.archive.previous import Previous
from hive_tui.archive.sources import Entry, Skipped, skip_reason
from hive_tui.archive.tar import BLOCK
from hive_tui.domain.errors import CheckpointError

RUN_BYTES = 2 * 1024 * 1024
"""Frames that follow each other are copied together up to this size."""


@dataclass(frozen=True, slots=True)
class Read:
    """Small files that share a frame."""

    entries: Sequence[Entry]


@dataclass(frozen=True, slots=True)
class ReadLarge:
    """One large file."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class Copy:
    """Unchanged small files, in frames that follow each other in the generation before."""

    members: list[Member]
    entries: list[Entry]


@dataclass(frozen=True, slots=True)
class CopyLarge:
    """One unchanged large file."""

    member: Member
    entry: Entry


Step = Read | ReadLarge | Copy | CopyLarge


class Tree:
    """A folder of which these files are wanted.

    Each is looked at only when its turn comes, so that others are copied meanwhile.
    """

    def __init__(self, prefix: str, root: Path, files: Iterable[str | PurePath], note: Callable[[str], object]) -> None:
        """Take the names alone.

        Args:
            prefix: What stands before the members' names; may be empty.
            root: The folder.
            files: Paths within it.
            note: Called once with the name of each that is in the archive; may refuse it.

        Raises:
            CheckpointError: A name is there twice.
        """
        self._above = f"{root}/"
        self._cut = len(prefix) + 1 if prefix else 0
        self._note = note
        within = list(map(str, files))
        names = [f"{prefix}/{file}" for file in within] if prefix else within
        self._left = dict.fromkeys(names)
        self.skipped: list[Skipped] = []
        if len(self._left) != len(names):
            raise CheckpointError(f"The checkpoint has two members called {Counter(names).most_common(1)[0][0]!r}.")

    def take(self, members: Iterable[Member]) -> list[Entry]:
        """Those that are wanted, and were not taken yet.

        Raises:
            OSError: The folder cannot be read.
        """
        left = self._left
        found = []
        for member in members:
            name = member.name
            if name in left:
                del left[name]
                found.append(name)
        return self._look(found)

    def rest(self) -> list[Entry]:
        """All that were not taken yet.

        Raises:
            OSError: The folder cannot be read.
        """
        names = list(self._left)
        self._left.clear()
        return self._look(names)

    def _look(self, names: Iterable[str]) -> list[Entry]:
        entries: list[Entry] = []
        for name in names:
            within = name[self._cut :]
            entry = _look_at(name, self._above + within, within)
            if isinstance(entry, Entry):
                self._note(name)
                entries.append(entry)
            else:
                self.skipped.append(entry)
        return entries


def _look_at(name: str, path: str, within: str) -> Entry | Skipped:
    reason = unsafe_name(within)
    if reason is not None:
        return Skipped(name, reason)
    try:
        entry = Entry(name, path, os.lstat(path))
        if entry.kind is Kind.LINK:
            reason = unsafe_link(within, str(os.readlink(path)))  # noqa: PTH115
    except OSError as error:
        reason = skip_reason(error)
        if reason is None:
            raise
        return Skipped(name, reason)
    if entry.kind is None:
        reason = "it is a socket, a pipe or a device"
    return entry if reason is None else Skipped(name, reason)


def plan(tree: Tree, previous: Previous | None) -> Iterator[Step]:
    """What is to be done, in the order of the new file: that of the old one, then what is new by name.

    Raises:
        OSError: The folder cannot be read.
    """
    loose: list[Entry] = []
    if previous is not None:
        yield from _known(tree, previous, loose)
    yield from _fresh(sorted([*loose, *tree.rest()], key=lambda entry: entry.name))


def _known(tree: Tree, previous: Previous, loose: list[Entry]) -> Iterator[Step]:
    """Take from the tree what the generation before knows; what would fill no frame goes to `loose`."""
    run = Copy([], [])
    run_bytes = 0
    for number, group in groupby(previous.manifest.members, key=attrgetter("frame")):
        members = list(group)
        entries = tree.take(members)
        if not entries:
            continue
        clean = len(entries) == len(members) and all(map(previous.unchanged, entries))
        small = clean and members[0].frames == 1
        if run.members and (not small or number != run.members[-1].frame + 1 or run_bytes > RUN_BYTES):
            yield run
            run, run_bytes = Copy([], []), 0
        if small:
            run.members.extend(members)
            run.entries.extend(entries)
            run_bytes += previous.manifest.frames[number].size_bytes
        elif clean:
            yield CopyLarge(members[0], entries[0])
        else:
            yield from _changed(entries, loose)
    if run.members:
        yield run


def _changed(entries: Sequence[Entry], loose: list[Entry]) -> Iterator[Step]:
    """Files that shared a frame share one again, if they still fill it about."""
    steps = list(_fresh(entries))
    if len(steps) == 1 and sum(map(_weight, entries)) < GROUP_BYTES // 2:
        loose += entries
    else:
        yield from steps


def _fresh(entries: Iterable[Entry]) -> Iterator[Step]:
    group: list[Entry] = []
    group_bytes = 0
    for entry in entries:
        if entry.kind is Kind.FILE and is_large(entry.status.st_size):
            yield ReadLarge(entry)
            continue
        weight = _weight(entry)
        if group and group_bytes + weight > GROUP_BYTES:
            yield Read(group)
            group, group_bytes = [], 0
        group.append(entry)
        group_bytes += weight
    if group:
        yield Read(group)


def _weight(entry: Entry) -> int:
    return BLOCK + (entry.status.st_size if entry.kind is Kind.FILE else 0)


def runs(previous: Previous, member: Member) -> Iterator[range]:
    """The frames of a large member, in pieces to copy."""
    first, size = member.frame, 0
    for number in range(member.frame, member.frame + member.frames):
        size += previous.manifest.frames[number].size_bytes
        if size >= RUN_BYTES:
            yield range(first, number + 1)
            first, size = number + 1, 0
    if first < member.frame + member.frames:
        yield range(first, member.frame + member.frames)
