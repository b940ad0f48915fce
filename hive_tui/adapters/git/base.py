"""What an earlier capture has packed, as a bundle that later captures hold unchanged.

A pack lies in the order of paths, so that one more file moves every byte behind it, and a checkpoint could take
little over from the one before. What is new since goes into a small pack of its own instead, until that has grown.
"""

import hashlib
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hive_tui.adapters.files.link import link_or_copy
from hive_tui.adapters.git.bundle import (
    BASE,
    BASE_INDEX,
    BUNDLE,
    BUNDLE_INDEX,
    HASH_BYTES,
    PIECE_BYTES,
    Selection,
    header_bytes,
    read_header,
)
from hive_tui.adapters.git.command import Git, GitFailed
from hive_tui.adapters.git.commits import BLOBS_REF, INDEX_REF, WORKTREE_REF
from hive_tui.domain.ports import Progress

WORTH_BYTES = 4 << 20
"""What is smaller than one frame of a checkpoint is packed anew."""
MOST_APART = 4
"""Packed anew is what has a quarter of its bytes of no use any more, or has got as much beside it that is new."""
LONGEST_NS = 24 * 3600 * 1_000_000_000
"""So long what is of no use any more, such as a file that was deleted, may stay in new checkpoints."""
_FANOUT, _HEAD_BYTES = 256, 8


@dataclass(frozen=True, slots=True)
class Base:
    """A bundle of an earlier capture of the same work tree, and the index of its pack."""

    bundle: Path
    index: Path
    digests: Mapping[str, str] = field(default_factory=dict)
    """What the SHA-256 of each of the two must be, by its name."""

    @classmethod
    def in_memory(cls, folder: Path, now_ns: int) -> "Base | None":
        """The one that a capture has left behind, or the pack of that capture itself; None if neither is worth it.

        Args:
            folder: Holds what is remembered of the capture.
            now_ns: The time of the file system.
        """
        own = cls(folder / BASE, folder / BASE_INDEX)
        packed = cls(folder / BUNDLE, folder / BUNDLE_INDEX)
        found = own if own.bundle.exists() else packed
        status = found.bundle.stat()
        has_grown = found is own and packed.bundle.stat().st_size * MOST_APART > status.st_size
        is_old = not 0 <= now_ns - status.st_mtime_ns < LONGEST_NS
        return None if has_grown or is_old or status.st_size < WORTH_BYTES else found

    def is_whole(self, head: str | None) -> bool:
        """Whether it was packed on HEAD's history; not one of a damaged repository, which may lack anything."""
        needed, _ = read_header(self.bundle)
        return bool(needed) == (head is not None)

    def moved(self, folder: Path, digests: Sequence[str]) -> "Base":
        """The same files in a folder of ours, and what their hashes must be."""
        self.put_into(folder)
        return Base(folder / BASE, folder / BASE_INDEX, dict(zip((BASE, BASE_INDEX), digests, strict=True)))

    def if_sound(self, git: Git, progress: Progress | None) -> "Base | None":
        """Itself, unless a disk has spoilt it.

        Raises:
            Cancelled: The person has stopped the work.
        """
        if progress is not None:
            progress.step("verify what is packed already", self.bundle.stat().st_size)
        found = {path.name: digest_of(path, git, progress) for path in (self.bundle, self.index)}
        return self if found == self.digests else None

    def commits(self) -> list[str]:
        """The commits that its reader has with it."""
        _, refs = read_header(self.bundle)
        return [name for ref, name in refs.items() if ref in (INDEX_REF, WORKTREE_REF, BLOBS_REF)]

    def stands_on(self, git: Git, head: str | None) -> bool:
        """Whether a reader of HEAD's history can read it, too."""
        needed, _ = read_header(self.bundle)
        try:
            for commit in needed:
                git.run("merge-base", "--is-ancestor", commit, head or "")
        except GitFailed:
            return False
        return True

    def lacks(self, listed: Sequence[bytes], tips: Iterable[str], hash_bytes: int) -> list[bytes] | None:
        """The objects of a list that are not in it, and the tips; None if too much in it is of no use any more.

        Args:
            listed: Lines that begin with an id, as `rev-list --objects` prints them.
            tips: Objects that a bundle offers, which must be in its own pack.
            hash_bytes: Length of an id.

        Raises:
            ValueError: The index is none that can be read here.
        """
        sizes = packed_sizes(self.index, hash_bytes, self.bundle.stat().st_size - header_bytes(self.bundle))
        own = {tip.encode() for tip in tips}
        ids = [line[: 2 * hash_bytes] for line in listed]
        used = sum(sizes.get(bytes.fromhex(name.decode()), 0) for name in ids)
        if (sum(sizes.values()) - used) * MOST_APART > sum(sizes.values()):
            return None
        return [
            line
            for name, line in zip(ids, listed, strict=True)
            if name in own or bytes.fromhex(name.decode()) not in sizes
        ]

    def put_into(self, folder: Path) -> None:
        """The same files under their names in a capture."""
        link_or_copy(self.bundle, folder / BASE)
        link_or_copy(self.index, folder / BASE_INDEX)


def pack_beyond(base: Base, git: Git, selection: Selection, folder: Path, object_format: str) -> Path | None:
    """Pack what a base lacks of a selection; None if the base is of no use for it.

    Raises:
        GitFailed: An object is missing.
    """
    try:
        without = [f"^{name}" for name in selection.without]
        listed = git.run("rev-list", "--objects", *selection.tips, *without).splitlines()
        lacking = base.lacks(listed, selection.tips, HASH_BYTES[object_format])
    except (OSError, ValueError):  # it cannot be read: that costs time alone
        return None
    if lacking is None:
        return None
    given = b"".join(line + b"\n" for line in lacking)
    name = git.run("pack-objects", "--quiet", "--delta-base-offset", folder / "pack", stdin=given).decode().strip()
    return folder / f"pack-{name}.pack"


def digest_of(path: Path, git: Git, progress: Progress | None = None) -> str:
    """The SHA-256 of a file, unless the work that `git` does is stopped meanwhile."""
    sha256 = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            git.stop_if_asked()
            sha256.update(piece)
            if progress is not None:
                progress.advance(len(piece))
    return sha256.hexdigest()


def packed_sizes(index: Path, hash_bytes: int, pack_bytes: int) -> Mapping[bytes, int]:
    """How many bytes each object takes in a pack, by its id.

    Args:
        index: Of that pack.
        hash_bytes: Length of an id.
        pack_bytes: Size of the pack.

    Raises:
        ValueError: It is no index of the second version.

    Source: gitformat-pack(5), "pack-*.idx files", version 2.
    """
    raw = index.read_bytes()
    if raw[:_HEAD_BYTES] != b"\xfftOc\x00\x00\x00\x02":
        raise ValueError("not an index of version 2")
    at = _HEAD_BYTES + 4 * (_FANOUT - 1)
    (count,) = struct.unpack_from(">I", raw, at)
    names = at + 4
    offsets_at = names + count * (hash_bytes + 4)
    large_at = offsets_at + 4 * count
    large_bytes = len(raw) - large_at - 2 * hash_bytes
    if large_bytes < 0 or large_bytes % 8:
        raise ValueError("the index is cut off")
    short = struct.unpack_from(f">{count}I", raw, offsets_at)
    long = struct.unpack_from(f">{large_bytes // 8}Q", raw, large_at)
    offsets = [long[one & 0x7FFFFFFF] if one >> 31 else one for one in short]
    ids = [raw[names + number * hash_bytes : names + (number + 1) * hash_bytes] for number in range(count)]
    order = sorted(range(count), key=offsets.__getitem__)
    ends = [*(offsets[one] for one in order[1:]), pack_bytes - hash_bytes]
    return {ids[one]: end - offsets[one] for one, end in zip(order, ends, strict=False)}
