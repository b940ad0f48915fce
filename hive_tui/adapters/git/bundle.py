"""Writes git bundles with the index of their pack beside them, and opens them again.

A bundle is a short text and a pack. With the pack's index at hand, opening one is a copy, where
`git bundle unbundle` computes every object of the whole history anew.
"""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from hive_tui.adapters.files.room import require_room
from hive_tui.adapters.git.command import Git, GitFailed
from hive_tui.adapters.git.growth import Growth
from hive_tui.adapters.git.sandbox import Sandbox
from hive_tui.domain.errors import WorkspaceError

HISTORY = "history.bundle"
"""HEAD with all that leads to it; the same as long as HEAD is."""
BASE = "base.bundle"
"""What HEAD lacks of an earlier captured state, where most of that still holds; the same until it does not."""
BUNDLE = "repo.bundle"
"""The captured state: what HEAD and the base lack."""
BUNDLES = (HISTORY, BASE, BUNDLE)
"""In the order in which they need each other."""
HISTORY_INDEX, BASE_INDEX, BUNDLE_INDEX = "history.idx", "base.idx", "repo.idx"
MAX_LINE_BYTES = 1 << 16
PIECE_BYTES = 1 << 20
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


def header(object_format: str, refs: Mapping[str, str], prerequisites: Sequence[str] = ()) -> bytes:
    """How a bundle begins.

    Args:
        object_format: `sha1` or `sha256`.
        refs: What the bundle offers.
        prerequisites: Commits that the reader must have.
    """
    lines = ["# v2 git bundle"] if object_format == "sha1" else ["# v3 git bundle", f"@object-format={object_format}"]
    lines += [f"-{commit} " for commit in prerequisites] + [f"{commit} {name}" for name, commit in refs.items()]
    return "".join(f"{line}\n" for line in [*lines, ""]).encode()


def write_bundle(packed: Path, place: Path, begin: bytes, growth: Growth) -> None:
    """Write a bundle of a pack, and the pack's index beside it.

    Args:
        packed: The pack.
        place: The bundle's path.
        begin: Its header.
        growth: Is told of the bytes, and may stop the writing.

    Raises:
        DiskFull: It does not fit.
        Cancelled: The person has stopped the work.
    """
    size = packed.stat().st_size
    require_room(place.parent, size)
    growth.step(f"write {place.name}", size)
    with place.open("wb") as target, packed.open("rb") as source:
        target.write(begin)
        while piece := source.read(PIECE_BYTES):
            target.write(piece)
            growth.advance(len(piece))
    shutil.copyfile(packed.with_suffix(".idx"), place.with_suffix(".idx"))


def open_bundles(folder: Path, sandbox: Sandbox, object_format: str) -> list[Path]:
    """Make the objects of a snapshot readable in the sandbox; the paths of their packs.

    Raises:
        WorkspaceError: A bundle cannot be read.
    """
    there = [name for name in BUNDLES if name == BUNDLE or (folder / name).exists()]
    return [_open(folder / name, sandbox, object_format) for name in there]


def _open(bundle: Path, sandbox: Sandbox, object_format: str) -> Path:
    loose = sandbox.packs / "opened.pack"
    if sandbox.plain.room is not None:
        require_room(sandbox.plain.room, bundle.stat().st_size if bundle.exists() else 0)
    try:
        with bundle.open("rb") as source, loose.open("wb") as target:
            _skip_header(source)
            while piece := source.read(PIECE_BYTES):
                sandbox.plain.stop_if_asked()
                target.write(piece)
        with loose.open("rb") as written:
            written.seek(-HASH_BYTES[object_format], 2)
            place = sandbox.packs / f"pack-{written.read().hex()}.pack"
        loose.rename(place)
        _place_index(bundle.with_suffix(".idx"), place, sandbox.git)
    except (OSError, ValueError, GitFailed) as error:
        raise WorkspaceError(
            f"The git bundle {bundle} cannot be read: {error}.",
            hint="Validate the checkpoint, then try an older generation.",
        ) from error
    return place


def _place_index(saved: Path, place: Path, git: Git) -> None:
    if saved.exists():
        shutil.copyfile(saved, place.with_suffix(".idx"))
    else:
        git.run("index-pack", place)


def read_header(bundle: Path) -> tuple[list[str], dict[str, str]]:
    """The commits that a bundle needs, and the refs that it offers.

    Raises:
        OSError: It cannot be read.
        ValueError: It is no bundle.
    """
    with bundle.open("rb") as source:
        lines = [line.decode() for line in _header_lines(source)]
    needed = [line[1:].split(" ")[0].strip() for line in lines if line.startswith("-")]
    offered = [line.rstrip("\n").split(" ", 1) for line in lines if line[:1] not in ("-", "@")]
    return needed, {ref: name for name, ref in offered}


def header_bytes(bundle: Path) -> int:
    """Where the pack in a bundle begins; raises as `read_header` does."""
    with bundle.open("rb") as source:
        _skip_header(source)
        return source.tell()


def _skip_header(source: IO[bytes]) -> None:
    for _ in _header_lines(source):
        pass


def _header_lines(source: IO[bytes]) -> Iterator[bytes]:
    if not source.readline(MAX_LINE_BYTES).endswith(b" git bundle\n"):
        raise ValueError("it does not begin like one")
    while (line := source.readline(MAX_LINE_BYTES)) not in (b"\n", b""):
        yield line
