"""Reads checkpoint files of format 1, which have no trailer: one zstd frame, from beginning to end.

Also says what is wrong with files of today's format whose end is missing.
"""

import errno
import hashlib
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import zstandard

from hive_tui.archive.format import (
    CHUNK_BYTES,
    MANIFEST,
    MANIFEST_LIMIT_BYTES,
    BadManifest,
    Manifest,
    NewerFormat,
    unsafe_name,
)
from hive_tui.domain.checkpoints import Defect, ValidationError
from hive_tui.domain.errors import MAKE_ROOM, CheckpointError, DiskFull


def verify(path: Path, sha256: str | None = None) -> list[ValidationError]:
    """Everything that is wrong with the file; empty if it is good.

    Args:
        path: The checkpoint file.
        sha256: Hash of the whole file, as the catalog knows it.
    """
    if not path.exists():
        return [ValidationError(Defect.MISSING_FILE, f"the file {path} is not there")]
    try:
        found = _file_hash(path) if sha256 is not None else None
        errors = (
            [ValidationError(Defect.HASH_MISMATCH, "the file is not the one that was written")]
            if found != sha256
            else []
        )
        return errors + _verify_members(path)
    except OSError as error:
        return [ValidationError(Defect.UNREADABLE, f"the file cannot be read: {error.strerror or error}")]


def read_manifest(path: Path) -> Manifest:
    """The manifest.

    Raises:
        CheckpointError: The file is damaged.
    """
    with _as_checkpoint_error(path), _open(path) as tar:
        for info in tar:
            if info.name == MANIFEST:
                return Manifest.from_bytes(_content(tar, info))
    raise CheckpointError(f"The checkpoint {path.name} has no manifest.")


def read_member(path: Path, name: str) -> bytes:
    """Content of one member.

    Raises:
        CheckpointError: The file is damaged, or has no such member.
    """
    with _as_checkpoint_error(path), _open(path) as tar:
        for info in tar:
            if info.name == name:
                return _content(tar, info)
    raise CheckpointError(f"The checkpoint {path.name} has no member {name!r}.")


def extract(path: Path, into: Path, wanted: Callable[[str], bool]) -> list[str]:
    """Unpack members as regular files below `into`, an empty private folder; their names.

    Only what the manifest lists is kept, and only if its hash is right.

    Raises:
        DiskFull: There is not enough space below `into`.
        CheckpointError: The file is damaged; what was unpacked must not be used.
    """
    try:
        errors = _verify_members(path, into, wanted)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(
                f"The disk is full: the checkpoint {path.name} could not be unpacked.",
                hint=MAKE_ROOM,
            ) from error
        raise CheckpointError(
            f"The checkpoint {path.name} could not be unpacked: {error.strerror or error}.",
            hint=f"Look at {error.filename or into}.",
        ) from error
    if errors:
        raise CheckpointError(
            f"The checkpoint {path.name} is damaged: {errors[0]}.", hint="Try an older generation of this agent."
        )
    return [str(file.relative_to(into)) for file in sorted(into.rglob("*")) if file.is_file()]


def _verify_members(
    path: Path, into: Path | None = None, wanted: Callable[[str], bool] = lambda _: True
) -> list[ValidationError]:
    """Read the whole file once: hash each member, unpack it if wanted, and compare with the manifest."""
    hashes: dict[str, tuple[int, str]] = {}
    errors: list[ValidationError] = []
    manifest: Manifest | None = None
    try:
        with _open(path) as tar:
            for info in tar:
                problem = _problem(info, hashes, has_manifest=manifest is not None)
                if problem is not None:
                    return [problem]
                if info.name == MANIFEST:
                    manifest = Manifest.from_bytes(_content(tar, info))
                    continue
                target = into / info.name if into is not None and wanted(info.name) else None
                hashes[info.name] = (info.size, _hash_member(tar, info, target))
    except NewerFormat as error:
        return [ValidationError(Defect.NEWER_FORMAT, f"written by a newer hive-tui: {error}")]
    except BadManifest as error:
        return [ValidationError(Defect.BAD_MANIFEST, f"the manifest cannot be read: {error}", MANIFEST)]
    except (tarfile.ReadError, EOFError):
        size = path.stat().st_size
        return [ValidationError(Defect.TRUNCATED, f"the file is cut off: it ends after {size} bytes")]
    except (zstandard.ZstdError, tarfile.TarError, ValueError) as error:
        return [ValidationError(Defect.UNREADABLE, f"the file is damaged: {error}")]
    if manifest is None:
        return [ValidationError(Defect.TRUNCATED, "the file ends before its manifest")]
    if manifest.format_version != 1:
        return [ValidationError(Defect.TRUNCATED, "the file ends before its trailer, or has another")]
    return errors + _compare(manifest, hashes)


def _problem(info: tarfile.TarInfo, seen: dict[str, tuple[int, str]], *, has_manifest: bool) -> ValidationError | None:
    reason = unsafe_name(info.name)
    if reason is None and (not info.isreg() or info.issparse()):
        reason = "it is not a regular file"
    if reason is None and info.name in seen:
        reason = "it is there twice"
    if reason is None and has_manifest:
        reason = "it stands behind the manifest"
    return None if reason is None else ValidationError(Defect.UNSAFE_MEMBER, reason, info.name)


def _compare(manifest: Manifest, found: dict[str, tuple[int, str]]) -> list[ValidationError]:
    errors: list[ValidationError] = []
    listed = {member.name: member for member in manifest.members}
    for name, member in listed.items():
        if name not in found:
            errors.append(ValidationError(Defect.MISSING_MEMBER, "it is not in the file", name))
            continue
        size, sha256 = found[name]
        if size != member.size_bytes:
            errors.append(ValidationError(Defect.SIZE_MISMATCH, f"{size} bytes instead of {member.size_bytes}", name))
        elif sha256 != member.sha256:
            errors.append(ValidationError(Defect.HASH_MISMATCH, "its content is not what was written", name))
    extra = sorted(found.keys() - listed.keys())
    return errors + [ValidationError(Defect.EXTRA_MEMBER, "the manifest does not know it", name) for name in extra]


def _hash_member(tar: tarfile.TarFile, info: tarfile.TarInfo, target: Path | None) -> str:
    content = tar.extractfile(info)
    assert content is not None
    sha256 = hashlib.sha256()
    if target is None:
        while block := content.read(CHUNK_BYTES):
            sha256.update(block)
        return sha256.hexdigest()
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with target.open("xb") as file:
        while block := content.read(CHUNK_BYTES):
            sha256.update(block)
            file.write(block)
    target.chmod(info.mode & 0o777)
    return sha256.hexdigest()


def _content(tar: tarfile.TarFile, info: tarfile.TarInfo) -> bytes:
    if not info.isreg() or info.size > MANIFEST_LIMIT_BYTES:
        raise BadManifest(f"{info.name} is no regular file, or too large")
    content = tar.extractfile(info)
    assert content is not None
    return content.read()


@contextmanager
def _open(path: Path) -> Iterator[tarfile.TarFile]:
    with path.open("rb") as raw, _decompressed(raw) as stream, tarfile.open(fileobj=stream, mode="r|") as tar:
        yield tar


def _decompressed(raw: BinaryIO) -> zstandard.ZstdDecompressionReader:
    # A frame may end anywhere; without read_across_frames the rest would be left out silently.
    return zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True)


@contextmanager
def _as_checkpoint_error(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, zstandard.ZstdError, tarfile.TarError, EOFError, BadManifest) as error:
        raise CheckpointError(f"The checkpoint {path} cannot be read: {error}.", hint="Validate it.") from error


def _file_hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
