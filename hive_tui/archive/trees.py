"""How a whole folder goes into the archive: what is copied from the generation before, what is read."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path, PurePath

from hive_tui.archive.format import GROUP_BYTES, Kind, Member, unsafe_link, unsafe_name
from hive_tui.archive.layout import is_large
from hive_tui.archive.previous import Previous
from hive_tui.archive.sources import Entry, Skipped, skip_reason
from hive_tui.archive.tar import BLOCK

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

    members: Sequence[Member]
    entries: Sequence[Entry]


@dataclass(frozen=True, slots=True)
class CopyLarge:
    """One unchanged large file."""

    member: Member
    entry: Entry


Step = Read | ReadLarge | Copy | CopyLarge


def look(prefix: str, root: Path, files: Iterable[str | PurePath]) -> tuple[list[Entry], list[Skipped]]:
    """What the file system says of each; what cannot be archived, with the reason.

    Raises:
        OSError: The folder cannot be read.
    """
    entries: list[Entry] = []
    skipped: list[Skipped] = []
    above = f"{root}/"
    for file in files:
        name = f"{prefix}/{file}" if prefix else str(file)
        entry = _look_at(name, f"{above}{file}", str(file))
        if isinstance(entry, Entry):
            entries.append(entry)
        else:
            skipped.append(entry)
    return entries, skipped


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


def plan(entries: Sequence[Entry], previous: Previous | None) -> Iterator[Step]:
    """What is to be done, in the order of the new file: that of the old one, then what is new by name."""
    left = {entry.name: entry for entry in entries}
    loose: list[Entry] = []
    if previous is not None:
        yield from _known(left, previous, loose)
    yield from _fresh(sorted([*loose, *left.values()], key=lambda entry: entry.name))


def _known(left: dict[str, Entry], previous: Previous, loose: list[Entry]) -> Iterator[Step]:
    """Take from `left` what the generation before knows; what would fill no frame goes to `loose`."""
    run: list[tuple[Member, Entry]] = []
    run_bytes = 0
    for number, group in groupby(previous.manifest.members, key=lambda member: member.frame):
        members = list(group)
        entries = [left.pop(member.name) for member in members if member.name in left]
        if not entries:
            continue
        clean = len(entries) == len(members) and all(map(previous.unchanged, entries))
        small = clean and members[0].frames == 1
        if run and (not small or number != run[-1][0].frame + 1 or run_bytes > RUN_BYTES):
            yield Copy(*zip(*run, strict=True))
            run, run_bytes = [], 0
        if small:
            run += zip(members, entries, strict=True)
            run_bytes += previous.manifest.frames[number].size_bytes
        elif clean:
            yield CopyLarge(members[0], entries[0])
        else:
            yield from _changed(entries, loose)
    if run:
        yield Copy(*zip(*run, strict=True))


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
