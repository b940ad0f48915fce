"""Checkpoint files of today's format that the writer would never make: every hash in them is right."""

from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path

from msgspec.structs import replace

from hive_tui.archive.format import MANIFEST, Frame, Manifest, Member, Trailer
from hive_tui.archive.frames import compress
from hive_tui.archive.reader import read_manifest
from hive_tui.archive.tar import END, header, padding


def sealed(path: Path, body: bytes, manifest: bytes) -> Path:
    """The frames, this as manifest, and a trailer that fits."""
    content = header(Member(MANIFEST, len(manifest), "", 0o600)) + manifest + padding(len(manifest)) + END
    return ended(path, body, compress(content))


def ended(path: Path, body: bytes, last: bytes, **facts: int) -> Path:
    """The frames, this as last frame, and a trailer that fits unless `facts` say otherwise."""
    trailer = replace(Trailer(len(body), len(last), sha256(last).digest()), **facts)
    path.write_bytes(body + last + trailer.to_bytes())
    return path


def body_of(path: Path) -> bytes:
    """All frames but the manifest's."""
    frames = read_manifest(path).frames
    return path.read_bytes()[: frames[-1].end if frames else 0]


def changed(path: Path, change: Callable[[Manifest], Manifest]) -> Path:
    """The same frames with another manifest."""
    return sealed(path, body_of(path), change(read_manifest(path)).to_bytes())


def rebuilt(path: Path, members: Sequence[tuple[Member, bytes]]) -> Path:
    """A file with these members in one frame; their tar headers fit too."""
    content = b"".join(header(member) + data + padding(len(data)) for member, data in members)
    frame = compress(content)
    listed = tuple(replace(member, sha256=sha256(data).hexdigest() if data else "") for member, data in members)
    manifest = Manifest(listed, {}, frames=(Frame(0, len(frame), len(content), sha256(frame).hexdigest(), ""),))
    return sealed(path, frame, manifest.to_bytes())
