"""Whether a manifest can be true, from the manifest alone: before anything is unpacked or written."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from msgspec import Struct

from hive_tui.archive.format import (
    CHUNK_BYTES,
    FRAME_LIMIT_BYTES,
    MANIFEST,
    Frame,
    Kind,
    Manifest,
    Member,
    leads_out,
    unsafe_name,
)
from hive_tui.archive.tar import header_bytes, member_bytes, padding
from hive_tui.domain.checkpoints import Defect, ValidationError


class Span(Struct):
    """Frames that can be unpacked without the others, and the members in them: several small ones, or one large."""

    first: int
    count: int
    members: list[Member] = []

    @property
    def is_large(self) -> bool:
        """Whether it is one member, whose header has a frame of its own."""
        return self.count > 1


def spans(manifest: Manifest) -> list[Span]:
    """All of them, in the order of the file."""
    found: list[Span] = []
    for member in manifest.members:
        if not found or found[-1].first != member.frame:
            found.append(Span(member.frame, member.frames))
        found[-1].members.append(member)
    return found


def is_large(size_bytes: int) -> bool:
    """Whether a file of this size has frames of its own, one a chunk."""
    return size_bytes > CHUNK_BYTES


def chunks(size_bytes: int) -> int:
    """In how many pieces a large file is stored."""
    return -(-size_bytes // CHUNK_BYTES)


def problems(manifest: Manifest, end: int) -> list[ValidationError]:
    """Everything in the manifest that cannot be, or must not be unpacked.

    Args:
        manifest: Of format 2.
        end: Where the last frame must end.
    """
    unsafe = list(_unsafe(manifest.members))
    if unsafe:
        return unsafe
    reason = _bad_frames(manifest.frames, end) or _bad_order(manifest.members, manifest.frames)
    return [ValidationError(Defect.BAD_MANIFEST, reason, MANIFEST)] if reason else []


def links_out(manifest: Manifest, free: str) -> Iterator[ValidationError]:
    """Links that could lead out of the folder that the archive is unpacked into, but for those below `free`."""
    for member in manifest.members:
        if member.kind is Kind.LINK and not (free and member.name.startswith(free + "/")):
            reason = leads_out(member.name, member.target)
            if reason is not None:
                yield ValidationError(Defect.UNSAFE_MEMBER, reason, member.name)


def _unsafe(members: Sequence[Member]) -> Iterator[ValidationError]:
    seen: set[str] = {MANIFEST}
    leaves = {member.name for member in members if member.kind is not Kind.FOLDER}
    parents: dict[str, bool] = {}
    for member in members:
        reason = unsafe_name(member.name) or _unsafe_kind(member)
        if reason is None and member.name in seen:
            reason = "it is there twice"
        if reason is None and _is_below(member.name, leaves, parents):
            reason = "it lies below something that is no folder"
        if reason is not None:
            yield ValidationError(Defect.UNSAFE_MEMBER, reason, member.name)
        seen.add(member.name)


def _unsafe_kind(member: Member) -> str | None:
    if member.mode > 0o7777:
        return "its mode is none"
    if member.kind is Kind.LINK:
        if not member.target or "\0" in member.target:
            return "the link leads nowhere"
        return "a link has content" if member.size_bytes else None
    if member.target:
        return "it leads elsewhere and is no link"
    return "a folder has content" if member.kind is Kind.FOLDER and member.size_bytes else None


def _is_below(name: str, leaves: set[str], known: dict[str, bool]) -> bool:
    """Whether a folder above it is a file or a link."""
    parent = name.rpartition("/")[0]
    if not parent:
        return False
    if parent not in known:
        known[parent] = parent in leaves or _is_below(parent, leaves, known)
    return known[parent]


def _bad_frames(frames: Sequence[Frame], end: int) -> str | None:
    """Frames follow each other from the first byte on, without a gap or an overlap."""
    if (frames[0].offset if frames else end) != 0:
        return "the first frame does not begin the file"
    if any(before.end != after.offset for before, after in pairwise(frames)) or (frames and frames[-1].end != end):
        return "frames overlap, or leave a gap"
    sizes = ((frame.size_bytes, frame.content_bytes) for frame in frames)
    if any(not (0 < size <= 2 * FRAME_LIMIT_BYTES and 0 < content <= FRAME_LIMIT_BYTES) for size, content in sizes):
        return "a frame is empty, or too large"
    return None


def _bad_order(members: Sequence[Member], frames: Sequence[Frame]) -> str | None:
    """Members fill the frames exactly, one after the other."""
    at, left = -1, 0
    for member in members:
        if not left:
            at += 1
            left = frames[at].content_bytes if at < len(frames) else 0
        if member.frame != at:
            return f"{member.name!r} is not where it is said to be"
        if is_large(member.size_bytes):
            if not _is_chunked(member, frames[at : at + member.frames]):
                return f"{member.name!r} does not fill its frames"
            at += member.frames - 1
            left = 0
            continue
        left -= member_bytes(member)
        if left < 0 or member.frames != 1:
            return f"{member.name!r} does not fit into its frame"
    return None if not left and at == len(frames) - 1 else "there is more in the frames than members"


def _is_chunked(member: Member, frames: Sequence[Frame]) -> bool:
    if not len(frames) == member.frames == chunks(member.size_bytes) + 1:
        return False
    rest = member.size_bytes - (member.frames - 2) * CHUNK_BYTES
    expected = [header_bytes(member), *[CHUNK_BYTES] * (member.frames - 2), rest + len(padding(rest))]
    return [frame.content_bytes for frame in frames] == expected
