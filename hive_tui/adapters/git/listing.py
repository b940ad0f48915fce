"""Reads what git prints about an index, a work tree and the differences of trees."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from hive_tui.adapters.git.command import Git
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


@dataclass(frozen=True)
class Index:
    """All entries of an index."""

    entries: tuple[Entry, ...]

    @cached_property
    def files(self) -> dict[bytes, Entry]:
        """Entries of files without a conflict."""
        return {entry.path: entry for entry in self.entries if entry.stage == 0 and entry.mode != GITLINK}

    @cached_property
    def submodules(self) -> dict[bytes, Entry]:
        """Entries that name a commit of another repository."""
        return {entry.path: entry for entry in self.entries if entry.mode == GITLINK}

    @cached_property
    def conflicts(self) -> set[bytes]:
        """Paths with a conflict."""
        return {entry.path for entry in self.entries if entry.stage}

    @cached_property
    def blobs(self) -> set[str]:
        """Blobs of all entries."""
        return {entry.blob for entry in self.entries if entry.mode != GITLINK}

    @cached_property
    def hidden(self) -> list[Entry]:
        """Entries whose files git does not look at."""
        return [entry for entry in self.entries if entry.tag == "S" or entry.tag.islower()]


def read_index(git: Git) -> Index:
    """The index that `git` uses.

    Raises:
        GitFailed: Git cannot read it.
    """
    return Index(tuple(_entry(record) for record in git.records("ls-files", *LISTED)))


def read_sparse_index(git: Git) -> Index:
    """The index that `git` uses, with an entry for each folder that it does not list in full; mode 040000."""
    # Otherwise git would complete the index on its own, and touch objects in the user's repository by that.
    settings = ("-c", "core.sparseCheckout=true", "-c", "core.sparseCheckoutCone=true", "-c", "index.sparse=true")
    return Index(tuple(_entry(record) for record in git.records(*settings, "ls-files", "--sparse", *LISTED)))


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
    printed = git.run("cat-file", "--batch-check", "--buffer", stdin=asked.encode())
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
