"""Reads what git prints about an index, a work tree and the differences of trees."""

import os
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from hive_tui.adapters.git.command import Git
from hive_tui.adapters.git.index_file import IndexFile, parse
from hive_tui.domain.workspaces import GITLINK, Difference

STAGES = {"0": 0, "1": 1, "2": 2, "3": 3}
LISTED = ("--stage", "-v", "-z")


class Entry(NamedTuple):
    """One entry of an index."""

    path: bytes
    mode: str
    blob: str
    stage: int
    """0, or 1 to 3 in a conflict: the common ancestor, ours, theirs."""
    tag: str
    """As `ls-files -v` prints it: S skip-worktree, lower case assume-unchanged."""


class Index:
    """All entries of an index.

    Args:
        listed: The entries, if git has printed them.
        file: The file that they are in, if it was read here; an Entry is made only of those that are asked for.
    """

    def __init__(self, listed: Sequence[Entry] = (), file: IndexFile | None = None) -> None:
        self.file = file
        self.paths = file.paths if file is not None else [entry.path for entry in listed]
        """Of all entries, in their order."""
        self.blobs = file.blobs if file is not None else [entry.blob for entry in listed]
        """Of all entries, in their order."""
        self._listed = listed

    @cached_property
    def entries(self) -> Sequence[Entry]:
        """All entries, in their order."""
        return [self.at(position) for position in range(len(self.paths))] if self.file is not None else self._listed

    def at(self, position: int) -> Entry:
        """The entry at a place."""
        file = self.file
        if file is None:
            return self._listed[position]
        stage, is_skipped, is_assumed = file.flags(position)
        tag = "M" if stage else "S" if is_skipped else "H"
        tag = tag.lower() if is_assumed else tag
        return Entry(file.paths[position], f"{file.modes[position]:06o}", file.blobs[position], stage, tag)

    def file_at(self, path: bytes) -> Entry | None:
        """The entry of a file without a conflict."""
        position = bisect_left(self.paths, path)  # git keeps them in this order, and looks them up so, too
        if position == len(self.paths) or self.paths[position] != path:
            return None
        entry = self.at(position)
        return None if entry.stage or entry.mode == GITLINK else entry

    @cached_property
    def submodules(self) -> dict[bytes, Entry]:
        """Entries that name a commit of another repository."""
        return {entry.path: entry for entry in self.special if entry.mode == GITLINK}

    @cached_property
    def conflicts(self) -> set[bytes]:
        """Paths with a conflict."""
        return {entry.path for entry in self.special if entry.stage}

    @cached_property
    def hidden(self) -> list[Entry]:
        """Entries whose files git does not look at."""
        return [entry for entry in self.special if entry.tag == "S" or entry.tag.islower()]

    @cached_property
    def special(self) -> list[Entry]:
        """Entries that are no plain files; there are few."""
        if self.file is not None:
            return [self.at(position) for position in self.file.special]
        return [entry for entry in self._listed if entry.stage or entry.tag != "H" or entry.mode == GITLINK]

    def files(self) -> Iterable[bytes]:
        """Paths of files without a conflict, in their order."""
        other = self.conflicts | self.submodules.keys()
        return [path for path in self.paths if path not in other]


def read_index(git: Git) -> Index:
    """The index that `git` uses, and nobody else.

    Raises:
        GitFailed: Git cannot read it.
    """
    assert git.index is not None
    if not git.index.exists():
        return Index()
    file = parse(git.index.read_bytes())
    if file is None:
        anywhere = git.at(cwd=git.home, work_tree=git.home)  # any folder will do, but git wants one
        anywhere.run("update-index", "--no-split-index", "--index-version=2", "--force-write-index")
        file = parse(git.index.read_bytes())
    if file is None:
        return Index([_entry(record) for record in git.records("ls-files", *LISTED)])
    return Index(file=file)


def read_sparse_index(git: Git) -> Index:
    """The index that `git` uses, with an entry for each folder that it does not list in full; mode 040000."""
    # Otherwise git would complete the index on its own, and touch objects in the user's repository by that.
    settings = ("-c", "core.sparseCheckout=true", "-c", "core.sparseCheckoutCone=true", "-c", "index.sparse=true")
    return Index([_entry(record) for record in git.records(*settings, "ls-files", "--sparse", *LISTED)])


def differing_files(git: Git) -> dict[bytes, str]:
    """Files that do not look as the index says, by path, with git's letter: A for an intent to add, D, M, T, U."""
    found = git.records("diff-files", "--name-status", "-z", "--ignore-submodules=all")
    return {path: letter.decode() for letter, path in zip(found[::2], found[1::2], strict=True)}


def tree_differences(git: Git, *arguments: str) -> list[Difference]:
    """What a `diff-tree` or `diff-index` command with these arguments finds."""
    quiet = ("--no-renames", "--no-ext-diff", "--ignore-submodules=none", "--ita-invisible-in-index")
    found = git.records(arguments[0], "--raw", "-z", "--no-abbrev", *quiet, *arguments[1:])
    return [_difference(head, path) for head, path in zip(found[::2], found[1::2], strict=True)]


def line_counts(git: Git, old: str, new: str) -> dict[str, tuple[int, int]]:
    """Lines added and removed by path between two trees; none for binary files."""
    quiet = ("--no-renames", "--no-ext-diff", "--no-textconv")
    counts: dict[str, tuple[int, int]] = {}
    for record in git.records("diff-tree", "-r", "-z", "--numstat", *quiet, old, new):
        added, removed, path = record.split(b"\t", 2)
        if added != b"-":
            counts[os.fsdecode(path)] = (int(added), int(removed))
    return counts


def object_sizes(git: Git, objects: Iterable[str]) -> dict[str, int]:
    """Sizes in bytes of those of the objects that are there."""
    names = list(objects)
    asked = "\n".join([*names, ""]).encode()
    printed = git.run("cat-file", "--batch-check=%(objectsize)", "--buffer", stdin=asked).split(b"\n")
    return {name: int(size) for name, size in zip(names, printed, strict=False) if size.isdigit()}


def object_types(git: Git, objects: Iterable[str]) -> dict[str, tuple[str, int]]:
    """Type and size of those of the objects that are there, by full id; short ids may be asked for."""
    asked = "".join(f"{name}\n" for name in objects)
    printed = git.run("cat-file", "--batch-check", "--buffer", stdin=asked.encode()) if asked else b""
    lines = (line.split() for line in printed.decode().splitlines())
    return {words[0]: (words[1], int(words[2])) for words in lines if len(words) == 3}


def tree_files(git: Git, tree: str) -> Mapping[str, tuple[str, str]]:
    """Mode and blob of every file in a tree, by path; no submodules."""
    entries = read_tree(git, tree)
    return {os.fsdecode(entry.path): (entry.mode, entry.blob) for entry in entries if entry.mode != GITLINK}


def read_tree(git: Git, tree: str) -> list[Entry]:
    """A tree as index entries, submodules too."""
    found: list[Entry] = []
    for record in git.records("ls-tree", "-r", "-z", "--full-tree", tree):
        head, _, path = record.partition(b"\t")
        mode, _kind, blob = head.decode().split()
        found.append(Entry(path, mode, blob, 0, "H"))
    return found


def _entry(record: bytes) -> Entry:
    head, _, path = record.partition(b"\t")
    tag, mode, blob, stage = head.decode().split(" ")
    return Entry(path, mode, blob, STAGES[stage], tag)


def _difference(head: bytes, path: bytes) -> Difference:
    old_mode, new_mode, old_id, new_id, _letter = head[1:].decode().split(" ")
    old = (None, None) if old_mode == "000000" else (old_id, old_mode)
    new = (None, None) if new_mode == "000000" else (new_id, new_mode)
    return Difference(os.fsdecode(path), *old, *new)
