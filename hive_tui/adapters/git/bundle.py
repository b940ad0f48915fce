"""Writes git bundles with the index of their pack beside them, and opens them again.

A bundle is a short text and a pack. With the pack's index at hand, opening one is a copy, where
`git bundle unbundle` computes every object of the whole history anew.
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from hive_tui.adapters.git.command import Git, GitFailed
from hive_tui.adapters.git.sandbox import Sandbox
from hive_tui.domain.errors import WorkspaceError

BUNDLE = "repo.bundle"
PACK_INDEX = "repo.idx"
MAX_LINE_BYTES = 1 << 16
HASH_BYTES = {"sha1": 20, "sha256": 32}


@dataclass(frozen=True, slots=True)
class Selection:
    """What goes into a pack."""

    tips: Sequence[str]
    """Objects that go in with all that they need."""
    without: Sequence[str] = ()
    """Commits that stay out with all that they need."""
    lenient: bool = False
    """Leave out blobs that are not there, where otherwise that is an error."""


def pack(git: Git, selection: Selection, folder: Path) -> Path:
    """Write a pack and its index into a folder; the path of the pack, the index beside it ends in `.idx`.

    Raises:
        GitFailed: An object is missing.
    """
    asked = [*selection.tips, *(f"^{name}" for name in selection.without)]
    options = ["--quiet", "--revs", "--delta-base-offset", *(["--missing=allow-any"] if selection.lenient else [])]
    lines = "".join(f"{line}\n" for line in asked)
    name = git.run("pack-objects", *options, folder / "pack", stdin=lines.encode()).decode().strip()
    return folder / f"pack-{name}.pack"


def write_bundle(
    packed: Path, into: Path, object_format: str, refs: Mapping[str, str], prerequisites: Sequence[str]
) -> None:
    """Write a bundle of a pack, and the pack's index beside it.

    Args:
        packed: The pack.
        into: The folder that gets both.
        refs: What the bundle offers.
        prerequisites: Commits that the reader must have.
    """
    lines = ["# v2 git bundle"] if object_format == "sha1" else ["# v3 git bundle", f"@object-format={object_format}"]
    lines += [f"-{commit} " for commit in prerequisites] + [f"{commit} {name}" for name, commit in refs.items()]
    with (into / BUNDLE).open("wb") as target, packed.open("rb") as source:
        target.write("".join(f"{line}\n" for line in [*lines, ""]).encode())
        shutil.copyfileobj(source, target, 1 << 20)
    shutil.copyfile(packed.with_suffix(".idx"), into / PACK_INDEX)


def open_bundle(folder: Path, sandbox: Sandbox, object_format: str) -> Path:
    """Make the objects of a bundle readable in the sandbox; the path of the pack.

    Raises:
        WorkspaceError: The bundle cannot be read.
    """
    loose = sandbox.packs / "opened.pack"
    try:
        with (folder / BUNDLE).open("rb") as source, loose.open("wb") as target:
            _skip_header(source)
            shutil.copyfileobj(source, target, 1 << 20)
        with loose.open("rb") as written:
            written.seek(-HASH_BYTES[object_format], 2)
            place = sandbox.packs / f"pack-{written.read().hex()}.pack"
        loose.rename(place)
        _place_index(folder, place, sandbox.git)
    except (OSError, ValueError, GitFailed) as error:
        raise WorkspaceError(
            f"The git bundle in {folder} cannot be read: {error}.",
            hint="Validate the checkpoint, then try an older generation.",
        ) from error
    return place


def _place_index(folder: Path, place: Path, git: Git) -> None:
    if (folder / PACK_INDEX).exists():
        shutil.copyfile(folder / PACK_INDEX, place.with_suffix(".idx"))
    else:
        git.run("index-pack", place)


def _skip_header(source: IO[bytes]) -> None:
    if not source.readline().endswith(b" git bundle\n"):
        raise ValueError("it does not begin like one")
    while source.readline(MAX_LINE_BYTES) not in (b"\n", b""):
        pass
