"""Looks at a work tree and decides which of its files have to be read."""

import os
import stat
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hive_tui.adapters.files.tree import Tree, mode_of
from hive_tui.adapters.git.command import Git
from hive_tui.adapters.git.listing import Entry, Index
from hive_tui.adapters.git.repository import Repository
from hive_tui.adapters.git.sandbox import Sandbox, personal_file, sandbox
from hive_tui.domain.workspaces import GITLINK, Skipped

CONVERTERS = ("filter", "working-tree-encoding")
"""Attributes under which a file may have the size of its blob and still other bytes."""

MAX_ATTRIBUTES_BYTES = 1 << 20


@dataclass(slots=True)
class Survey:
    """The tracked files as they are on disk."""

    lost: set[str]
    """Blobs of the index that git does not have any more."""
    to_read: list[bytes] = field(default_factory=list)
    """Files that may hold other bytes than the index."""
    gone: list[bytes] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    letters: Mapping[bytes, str] = field(default_factory=dict)
    """What git says of files that do not look as the index says."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """What the sizes of blobs tell."""

    lost: set[str]
    doubtful: dict[Entry, int | None]
    """Files whose size on disk may not be that of their blob, which is given; None for a lost one."""


def weigh(git: Git, index: Index, *, believing: bool) -> Weighed:
    """Ask for the sizes of all blobs of an index.

    An index says what size a file had when it was last the same as its blob, after git has converted
    it; that git finds it unchanged since then is told elsewhere.

    Args:
        believing: Believe the sizes that the index says; else every file is doubtful.
    """
    asked = "\n".join([*index.blobs, ""]).encode()
    answer = git.run("cat-file", "--batch-check=%(objectsize)", "--buffer", stdin=asked)
    known = [b"%d" % size for size in index.file.sizes] if believing and index.file is not None else None
    if known is not None and b"\n".join([*known, b""]) == answer:  # all at once, since that is the rule
        return Weighed(set(), {})
    printed = answer.splitlines()
    wrong: Iterable[int] = range(len(printed))
    if known is not None:
        wrong = [position for position, pair in enumerate(zip(known, printed, strict=True)) if pair[0] != pair[1]]
    sizes = {index.at(position): int(said) if (said := printed[position]).isdigit() else None for position in wrong}
    lost = {entry.blob for entry, size in sizes.items() if size is None and entry.mode != GITLINK}
    return Weighed(lost, {entry: size for entry, size in sizes.items() if not entry.stage and entry.mode != GITLINK})


def survey_tracked(
    root: Path, index: Index, converted: set[bytes], weighed: Weighed, letters: Mapping[bytes, str]
) -> Survey:
    """Compare the tracked files with the index, without reading them.

    Git is believed that a file is unchanged if it has the size and mode of its blob too, so that a
    file whose line ends git has converted is read.

    Args:
        root: Where the files are.
        index: What git knows of them.
        converted: Files to be read in any case.
        weighed: What the sizes of blobs tell.
        letters: What git says of files that do not look as the index says.
    """
    survey = Survey(weighed.lost, letters=letters)
    suspects = {path for path in letters.keys() | converted if index.file_at(path)} | index.conflicts
    doubtful = {entry.path: (entry.mode, size) for entry, size in weighed.doubtful.items()}
    with Tree(root) as tree:
        # In the order of the index, folder after folder.
        for path, found in tree.stats(sorted(suspects | doubtful.keys())):
            if isinstance(found, OSError):
                survey.skipped.append(Skipped(os.fsdecode(path), f"cannot be read: {found.strerror}"))
                continue
            if found is None or stat.S_ISDIR(found.st_mode):
                survey.gone.append(path)
                continue
            mode = mode_of(found)
            if mode is None:
                survey.skipped.append(Skipped(os.fsdecode(path), "no plain file"))
            elif path in suspects or (mode, found.st_size) != doubtful[path]:
                survey.to_read.append(path)
    return survey


def converted_files(git: Git, box: Sandbox, repository: Repository, paths: Collection[bytes]) -> set[bytes]:
    """Those of the files that go through a filter program or change their encoding on the way into git.

    Args:
        git: Works on the files.
        box: Where a second sandbox may be, in which the user's attributes hold.
        paths: Tracked and untracked files.
    """
    root = repository.root
    if root is None or not any(_names_converter(path) for path in _attribute_files(repository, root, paths)):
        return set()
    asked = b"".join(path + b"\0" for path in paths)
    with sandbox(box.folder, git) as other:
        other.create(repository.object_format, repository, converting=True)
        arguments = ("check-attr", "--stdin", "-z", *CONVERTERS)
        said = other.over(root).run(*arguments, stdin=asked, env={"GIT_ATTR_NOSYSTEM": "0"}).split(b"\0")[:-1]
    return {path for path, value in zip(said[::3], said[2::3], strict=True) if value not in (b"unspecified", b"unset")}


def _attribute_files(repository: Repository, root: Path, paths: Collection[bytes]) -> Iterable[Path]:
    named = [path for path in paths if path.endswith(b".gitattributes")]
    yield from (root / os.fsdecode(path) for path in named if path.rpartition(b"/")[2] == b".gitattributes")
    yield repository.common_dir / "info" / "attributes"
    yield personal_file(repository, "core.attributesfile", "attributes")
    yield Path("/etc/gitattributes")


def _names_converter(path: Path) -> bool:
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            text = file.read(MAX_ATTRIBUTES_BYTES)
    except OSError:
        return False
    return any(name.encode() in text for name in CONVERTERS)
