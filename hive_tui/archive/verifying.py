"""Compares all that is in a checkpoint file with its hashes."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from hashlib import sha256

from hive_tui.archive.format import CHUNK_BYTES, Manifest, Member
from hive_tui.archive.frames import BadFrame, FrameFile
from hive_tui.archive.index import Index
from hive_tui.archive.layout import Span, spans
from hive_tui.archive.members import BadMember, check_hash, check_header, split
from hive_tui.archive.pipeline import Pipeline
from hive_tui.domain.checkpoints import Defect, Depth, ValidationError

READ_BYTES = 2 * 1024 * 1024


def errors_in(
    file: FrameFile, index: Index, expected: str | None, depth: Depth, advance: Callable[[int], None]
) -> list[ValidationError]:
    """What is wrong with a file whose manifest can be true."""
    if depth is Depth.FAST:
        if expected is not None and file_hash(file, advance) == expected:
            return []
        found = _Check(file, index.manifest, advance).frames()
        return found if expected is None else [_OTHER_FILE, *found]
    with ThreadPoolExecutor(1) as beside:
        hashing = beside.submit(file_hash, file) if expected is not None else None
        found = _Check(file, index.manifest, advance).members()
        return [_OTHER_FILE, *found] if hashing and hashing.result() != expected else found


_OTHER_FILE = ValidationError(Defect.HASH_MISMATCH, "the file is not the one that was written")


def file_hash(file: FrameFile, advance: Callable[[int], None] = lambda _: None) -> str:
    """SHA-256 of the whole file."""
    whole = sha256()
    for at in range(0, file.size_bytes, READ_BYTES):
        block = file.read(at, min(READ_BYTES, file.size_bytes - at))
        whole.update(block)
        advance(len(block))
    return whole.hexdigest()


class _Check:
    """One pass over all frames, on several cores."""

    def __init__(self, file: FrameFile, manifest: Manifest, advance: Callable[[int], None]) -> None:
        self._file = file
        self._manifest = manifest
        self._advance = advance
        self._pipeline = Pipeline()
        self._errors: list[ValidationError] = []

    def frames(self) -> list[ValidationError]:
        """Those of single frames: they cover every byte before the manifest."""
        return self._run(self._submit_frames)

    def members(self) -> list[ValidationError]:
        """Those of members too."""
        return self._run(self._submit_members)

    def _run(self, submit: Callable[[], None]) -> list[ValidationError]:
        try:
            submit()
            self._pipeline.drain()
        finally:
            self._pipeline.stop()
        return self._errors

    def _submit_frames(self) -> None:
        run: list[Span] = []
        size = 0
        for span in spans(self._manifest):
            run.append(span)
            size += self._size(span)
            if size >= READ_BYTES:
                self._pipeline.submit(READ_BYTES, partial(self._check_frames, run, size), self._note)
                run, size = [], 0
        self._pipeline.submit(READ_BYTES, partial(self._check_frames, run, size), self._note)

    def _check_frames(self, run: list[Span], size: int) -> tuple[int, list[ValidationError]]:
        errors: list[ValidationError] = []
        for span in run:
            try:
                for number in range(span.first, span.first + span.count):
                    self._file.frame(self._manifest.frames[number])
            except BadFrame as error:
                errors += _damaged(span, error)
        return size, errors

    def _submit_members(self) -> None:
        for span in spans(self._manifest):
            if span.is_large:
                self._submit_large(span)
            else:
                content = self._manifest.frames[span.first].content_bytes
                self._pipeline.submit(content, partial(self._check_small, span), self._note)

    def _check_small(self, span: Span) -> tuple[int, list[ValidationError]]:
        frame = self._manifest.frames[span.first]
        try:
            for _ in split(self._file.content(frame), span.members):
                pass
        except BadFrame as error:
            return frame.size_bytes, _damaged(span, error)
        except BadMember as error:
            return frame.size_bytes, [error.error]
        return frame.size_bytes, []

    def _submit_large(self, span: Span) -> None:
        """Pieces are unpacked at once, and hashed in order."""
        (member,) = span.members
        digest = sha256()
        damage: list[ValidationError] = []

        def deliver(piece: tuple[bytes, BadFrame | None]) -> None:
            content, error = piece
            digest.update(content)
            damage[:] = damage or (_damaged(span, error) if error else [])

        def end(checked: list[ValidationError]) -> None:
            found = damage or checked or _wrong_hash(member, digest.hexdigest())
            self._note((self._size(span), found))

        for number in range(span.count - 1):
            self._pipeline.submit(CHUNK_BYTES, partial(self._chunk, span, number), deliver)
        self._pipeline.submit(0, partial(self._check_header, span), end)

    def _check_header(self, span: Span) -> list[ValidationError]:
        try:
            check_header(memoryview(self._file.content(self._manifest.frames[span.first])), 0, span.members[0])
        except BadFrame as error:
            return _damaged(span, error)
        except BadMember as error:
            return [error.error]
        return []

    def _chunk(self, span: Span, number: int) -> tuple[bytes, BadFrame | None]:
        """One piece of a large member without its padding, or what is wrong with it."""
        try:
            content = self._file.content(self._manifest.frames[span.first + 1 + number])
        except BadFrame as error:
            return b"", error
        size = min(CHUNK_BYTES, span.members[0].size_bytes - number * CHUNK_BYTES)
        return content[:size], BadFrame("there is more than it says") if any(content[size:]) else None

    def _size(self, span: Span) -> int:
        return sum(frame.size_bytes for frame in self._manifest.frames[span.first : span.first + span.count])

    def _note(self, checked: tuple[int, list[ValidationError]]) -> None:
        self._errors += checked[1]
        self._advance(checked[0])


def _damaged(span: Span, error: BadFrame) -> list[ValidationError]:
    return [ValidationError(Defect.HASH_MISMATCH, str(error), member.name) for member in span.members]


def _wrong_hash(member: Member, found: str) -> list[ValidationError]:
    try:
        check_hash(member, found)
    except BadMember as error:
        return [error.error]
    return []
