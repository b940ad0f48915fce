"""Unpacks members: each is written only as far as the manifest allows, and must be what was written."""

import errno
import os
import stat
from collections.abc import Callable, Iterable
from functools import partial
from hashlib import sha256
from pathlib import Path

from hive_tui.archive.format import CHUNK_BYTES, Kind, Manifest, Member
from hive_tui.archive.frames import BadFrame, FrameFile
from hive_tui.archive.layout import Span, problems, spans
from hive_tui.archive.members import BadMember, check_hash, check_header, split
from hive_tui.archive.pipeline import Pipeline
from hive_tui.domain.errors import CheckpointError

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def read_content(file: FrameFile, manifest: Manifest, name: str, path: Path) -> bytes:
    """Content of one member.

    Raises:
        CheckpointError: There is none of this name, or it is damaged.
    """
    unsafe = problems(manifest, manifest.frames[-1].end if manifest.frames else 0)
    if unsafe:
        raise CheckpointError(f"The checkpoint {path.name} is damaged: {unsafe[0]}.", hint="Validate it.")
    span = next((span for span in spans(manifest) if any(member.name == name for member in span.members)), None)
    if span is None:
        raise CheckpointError(f"The checkpoint {path.name} has no member {name!r}.")
    try:
        return _read(file, manifest, span, name)
    except (BadFrame, BadMember) as error:
        raise CheckpointError(f"The checkpoint {path} cannot be read: {error}.", hint="Validate it.") from error


def _read(file: FrameFile, manifest: Manifest, span: Span, name: str) -> bytes:
    first = file.content(manifest.frames[span.first])
    if not span.is_large:
        return next(bytes(content) for member, content in split(first, span.members) if member.name == name)
    (member,) = span.members
    check_header(memoryview(first), 0, member)
    pieces = [file.content(manifest.frames[number]) for number in range(span.first + 1, span.first + span.count)]
    pieces[-1] = pieces[-1][: member.size_bytes - CHUNK_BYTES * (len(pieces) - 1)]
    content = b"".join(pieces)
    check_hash(member, sha256(content).hexdigest())
    return content


class Extraction:
    """One unpacking, on several cores. The manifest has been found harmless."""

    def __init__(self, file: FrameFile, manifest: Manifest, into: Path, advance: Callable[[int], None]) -> None:
        self._file = file
        self._manifest = manifest
        self._into = str(into)
        self._advance = advance
        self._pipeline = Pipeline()
        self._open: set[int] = set()

    def run(self, wanted: Callable[[str], bool]) -> list[str]:
        """Unpack what is wanted; the names of files and links.

        Raises:
            BadFrame, BadMember: Something is not what was written.
            OSError: It cannot be written.
        """
        chosen = {member.name: member for member in self._manifest.members if wanted(member.name)}
        self._check_space(chosen.values())
        self._make_folders(chosen.values())
        try:
            for span in spans(self._manifest):
                self._submit(span, chosen)
            self._pipeline.drain()
        finally:
            self._pipeline.stop()
            for descriptor in self._open:
                os.close(descriptor)
        self._finish(chosen.values())
        return sorted(member.name for member in chosen.values() if member.kind is not Kind.FOLDER)

    def _check_space(self, members: Iterable[Member]) -> None:
        Path(self._into).mkdir(parents=True, exist_ok=True, mode=0o700)
        disk = os.statvfs(self._into)
        if sum(member.size_bytes for member in members) > disk.f_bavail * disk.f_frsize:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), self._into)

    def _make_folders(self, members: Iterable[Member]) -> None:
        """All that are needed, private; one that is there already must be a folder itself, not a link to one."""
        needed = {member.name if member.kind is Kind.FOLDER else _parent(member.name) for member in members}
        for name in list(needed):
            while name := _parent(name):
                needed.add(name)
        for name in sorted(needed - {""}):
            path = self._path(name)
            try:
                os.mkdir(path, 0o700)  # noqa: PTH102
            except FileExistsError:
                if not stat.S_ISDIR(os.lstat(path).st_mode):
                    raise

    def _submit(self, span: Span, chosen: dict[str, Member]) -> None:
        files = {member.name for member in span.members if member.kind is Kind.FILE and member.name in chosen}
        if not files:
            return
        if span.is_large:
            self._submit_large(span)
        else:
            content = self._manifest.frames[span.first].content_bytes
            self._pipeline.submit(content, partial(self._write_small, span, files), self._advance)

    def _write_small(self, span: Span, files: set[str]) -> int:
        written = 0
        content = self._file.content(self._manifest.frames[span.first])
        for member, found in split(content, span.members):
            if member.name in files:
                descriptor = os.open(self._path(member.name), _CREATE, 0o600)
                try:
                    _write(descriptor, found, 0)
                    _set_facts(descriptor, member)
                finally:
                    os.close(descriptor)
                written += member.size_bytes
        return written

    def _submit_large(self, span: Span) -> None:
        (member,) = span.members
        descriptor = os.open(self._path(member.name), _CREATE, 0o600)
        self._open.add(descriptor)
        digest = sha256()

        def deliver(data: memoryview) -> None:
            digest.update(data)
            self._advance(len(data))

        def end(_: None) -> None:
            check_hash(member, digest.hexdigest())
            _set_facts(descriptor, member)
            self._open.discard(descriptor)
            os.close(descriptor)

        for number in range(span.count - 1):
            self._pipeline.submit(CHUNK_BYTES, partial(self._write_chunk, span, number, descriptor), deliver)
        self._pipeline.submit(0, partial(self._check_header, span), end)

    def _write_chunk(self, span: Span, number: int, descriptor: int) -> memoryview:
        at = number * CHUNK_BYTES
        content = self._file.content(self._manifest.frames[span.first + 1 + number])
        data = memoryview(content)[: span.members[0].size_bytes - at]
        _write(descriptor, data, at)
        return data

    def _check_header(self, span: Span) -> None:
        head = self._file.content(self._manifest.frames[span.first])
        check_header(memoryview(head), 0, span.members[0])

    def _finish(self, members: Iterable[Member]) -> None:
        """Links and the modes of folders come last: nothing is written through them any more."""
        folders = [member for member in members if member.kind is Kind.FOLDER]
        for member in members:
            if member.kind is Kind.LINK:
                os.symlink(member.target, self._path(member.name))  # noqa: PTH211
        for folder in sorted(folders, key=lambda member: member.name, reverse=True):
            os.chmod(self._path(folder.name), folder.mode & 0o777)  # noqa: PTH101

    def _path(self, name: str) -> str:
        return f"{self._into}/{name}"


def _parent(name: str) -> str:
    return name.rpartition("/")[0]


def _write(descriptor: int, data: memoryview, offset: int) -> None:
    while data:
        written = os.pwrite(descriptor, data, offset)
        data = data[written:]
        offset += written


def _set_facts(descriptor: int, member: Member) -> None:
    if member.mode & 0o777 != 0o600:
        os.fchmod(descriptor, member.mode & 0o777)
    if member.mtime_ns:
        os.utime(descriptor, ns=(member.mtime_ns, member.mtime_ns))
