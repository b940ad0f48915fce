"""How a whole folder goes into the archive: what is copied from the generation before, what is read."""

import os
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from pathlib import PurePath
from typing import TypeGuard

from msgspec import Struct

from hive_tui.archive.beneath import Beneath
from hive_tui.archive.format import GROUP_BYTES, Kind, Member, unsafe_name
from hive_tui.archive.layout import is_large
from hive_tui.archive.previous import Previous
from hive_tui.archive.sources import Entry, Skipped, skip_reason
from hive_tui.archive.tar import BLOCK
from hive_tui.domain.errors import CheckpointError

RUN_BYTES = 2 * 1024 * 1024
"""Frames that follow each other are copied together up to this size."""


READ_BYTES = 512 * 1024
"""Small files are read together up to this size: one frame at a time would cost more for the asking."""


class Read(Struct, frozen=True):
    """Small files, those that share a frame in one group."""

    groups: list[Sequence[Entry]]
    size_bytes: int


class ReadLarge(Struct, frozen=True):
    """One large file."""

    entry: Entry


class Copy(Struct, frozen=True):
    """Unchanged small files, in frames that follow each other in the generation before."""

    members: list[Member]


class CopyLarge(Struct, frozen=True):
    """One unchanged large file."""

    member: Member
    entry: Entry


class Taken(Struct, frozen=True):
    """What the files are that one frame was made of, or one large file."""

    is_clean: bool
    """They are all there, and as they were."""
    entries: list[Entry]
    """What is there; empty where clean small files need no look at their content."""


Step = Read | ReadLarge | Copy | CopyLarge


class Tree:
    """A folder of which these files are wanted.

    Each is looked at only when its turn comes, so that others are copied meanwhile.
    """

    def __init__(self, prefix: str, folder: Beneath, files: Iterable[str | PurePath]) -> None:
        """Take the names alone.

        Args:
            prefix: What stands before the members' names; may be empty.
            folder: What the files are below.
            files: Paths within it.

        Raises:
            CheckpointError: A name is there twice.
        """
        self._folder = folder
        self._cut = len(prefix) + 1 if prefix else 0
        within = list(map(str, files))
        names = [f"{prefix}/{file}" for file in within] if prefix else within
        self._left = dict.fromkeys(names)
        self.skipped: list[Skipped] = []
        if len(self._left) != len(names):
            raise CheckpointError(f"The checkpoint has two members called {Counter(names).most_common(1)[0][0]!r}.")

    @property
    def names(self) -> Collection[str]:
        """Those of the members that were not taken yet."""
        return self._left.keys()

    def take(self, members: Sequence[Member], previous: Previous) -> Taken:
        """Those of these that are wanted, and were not taken yet: all in one if they are as they were.

        Raises:
            OSError: The folder cannot be read.
        """
        left, cut, status = self._left, self._cut, self._folder.status
        found: list[tuple[Member, os.stat_result]] = []
        is_clean = True
        for member in members:
            name = member.name
            if name not in left:
                is_clean = False
                continue
            del left[name]
            try:
                seen = status(name[cut:])
            except OSError as error:
                is_clean = False
                self._skip(name, error)
                continue
            found.append((member, seen))
            is_clean = is_clean and previous.is_unchanged(member, seen)
        return Taken(is_clean, [] if is_clean and members[0].frames == 1 else self._entries(found))

    def rest(self) -> list[Entry]:
        """All that were not taken yet.

        Raises:
            OSError: The folder cannot be read.
        """
        names = list(self._left)
        self._left.clear()
        found = map(self.look, names)
        return [entry for entry in found if self._is_entry(entry)]

    def look(self, name: str) -> Entry | Skipped:
        """What is there now.

        Raises:
            OSError: The folder cannot be read.
        """
        within = name[self._cut :]
        reason = unsafe_name(within)
        if reason is not None:
            return Skipped(name, reason)
        try:
            entry = Entry(name, within, self._folder.status(within), folder=self._folder)
        except OSError as error:
            reason = skip_reason(error)
            if reason is None:
                raise
            return Skipped(name, reason)
        return entry if entry.kind is not None else Skipped(name, "it is a socket, a pipe or a device")

    def _entries(self, found: Iterable[tuple[Member, os.stat_result]]) -> list[Entry]:
        entries = [Entry(member.name, member.name[self._cut :], seen, folder=self._folder) for member, seen in found]
        special = [entry for entry in entries if entry.kind is None]
        self.skipped += [Skipped(entry.name, "it is a socket, a pipe or a device") for entry in special]
        return [entry for entry in entries if entry.kind is not None]

    def _is_entry(self, found: Entry | Skipped) -> TypeGuard[Entry]:
        if isinstance(found, Skipped):
            self.skipped.append(found)
            return False
        return True

    def _skip(self, name: str, error: OSError) -> None:
        reason = skip_reason(error)
        if reason is None:
            raise error
        self.skipped.append(Skipped(name, reason))


def plan(tree: Tree, previous: Previous | None) -> Iterator[Step]:
    """What is to be done, in the order of the new file: that of the old one, then what is new by name.

    Raises:
        OSError: The folder cannot be read.
    """
    loose: list[Entry] = []
    if previous is not None:
        yield from _together(_known(tree, previous, loose))
    yield from _together(_fresh(sorted([*loose, *tree.rest()], key=lambda entry: entry.name)))


def _together(steps: Iterable[Step]) -> Iterator[Step]:
    """The same, with what is read one after the other in one step."""
    read = Read([], 0)
    for step in steps:
        if isinstance(step, Read):
            read = Read(read.groups + step.groups, read.size_bytes + step.size_bytes)
            if read.size_bytes < READ_BYTES:
                continue
        if read.groups:
            yield read
            read = Read([], 0)
        if not isinstance(step, Read):
            yield step
    if read.groups:
        yield read


def _known(tree: Tree, previous: Previous, loose: list[Entry]) -> Iterator[Step]:
    """Take from the tree what the generation before knows; what would fill no frame goes to `loose`."""
    run = Copy([])
    run_bytes = 0
    for number, group in groupby(previous.manifest.members, key=attrgetter("frame")):
        members = list(group)
        taken = tree.take(members, previous)
        if not taken.entries and not taken.is_clean:
            continue
        small = taken.is_clean and members[0].frames == 1
        if run.members and (not small or number != run.members[-1].frame + 1 or run_bytes > RUN_BYTES):
            yield run
            run, run_bytes = Copy([]), 0
        if small:
            run.members.extend(members)
            run_bytes += previous.manifest.frames[number].size_bytes
        elif taken.is_clean:
            yield CopyLarge(members[0], taken.entries[0])
        else:
            yield from _changed(taken.entries, loose)
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
            yield Read([group], group_bytes)
            group, group_bytes = [], 0
        group.append(entry)
        group_bytes += weight
    if group:
        yield Read([group], group_bytes)


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
