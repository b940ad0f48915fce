"""The generation before: which of its frames still say what is true."""

import os
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path

from hive_tui.archive.format import BadManifest, Manifest, Member
from hive_tui.archive.frames import BadFrame, FrameFile, opened
from hive_tui.archive.index import read_index
from hive_tui.archive.layout import problems
from hive_tui.archive.sources import Entry, stamp_of

_FINE_NS, _COARSE_NS = 50_000_000, 2_000_000_000
"""How long a file system may give the same time to two changes, by whether its times have fractions."""


def open_previous(path: Path, stack: ExitStack, reread_after: int) -> "Previous | None":
    """An older checkpoint, if it can be used: not one that is damaged, or after which all is to be read again."""
    try:
        file = stack.enter_context(opened(path, direct=True))
        index = read_index(file)
    except (OSError, BadFrame, BadManifest):
        return None
    if index is None or index.manifest.since_reread + 1 >= reread_after or problems(index.manifest, index.end):
        return None
    return Previous(file, index.manifest)


class Previous:
    """An older checkpoint file, open for reading."""

    def __init__(self, file: FrameFile, manifest: Manifest) -> None:
        self.file = file
        self.manifest = manifest
        self.damaged: set[int] = set()
        """Numbers of frames that turned out to be damaged."""
        self._members = {member.name: member for member in manifest.members}
        self._by_content = {frame.content_id: number for number, frame in enumerate(manifest.frames)}

    def unchanged(self, entry: Entry) -> Member | None:
        """The member that this file was, if it has not been changed since."""
        member = self._members.get(entry.name)
        return member if member is not None and self.is_unchanged(member, entry.status) else None

    def is_unchanged(self, member: Member, status: os.stat_result) -> bool:
        """Whether a file that is now described so still is what the member holds.

        A file that changed about when the older checkpoint was written may have
        changed once more after it was read, within one tick of the file system's
        clock: nobody can tell, so it counts as changed.
        """
        stamp = stamp_of(status)
        if member.stamp != stamp:
            return False
        _, mtime_ns, ctime_ns, _, _ = stamp
        tick_ns = _FINE_NS if ctime_ns % 1_000_000 else _COARSE_NS
        return max(mtime_ns, ctime_ns) < self.manifest.began_ns - tick_ns

    def with_content(self, content_id: str) -> bytes | None:
        """A frame that holds this content; None if there is none that is good."""
        number = self._by_content.get(content_id)
        return None if number is None else self.frame(number)

    def frame(self, number: int) -> bytes | None:
        """A frame as it stands in the file; None if it is damaged."""
        try:
            return self.file.frame(self.manifest.frames[number])
        except (BadFrame, OSError):
            self.damaged.add(number)
            return None

    def run(self, numbers: range) -> bytes | None:
        """Frames that follow each other; None if one of them is damaged."""
        frames = [self.manifest.frames[number] for number in numbers]
        start = frames[0].offset
        try:
            data = self.file.read(start, frames[-1].end - start)
        except (BadFrame, OSError):
            self.damaged.update(numbers if len(numbers) == 1 else ())
            return None
        view = memoryview(data)
        damaged = {
            number
            for number, frame in zip(numbers, frames, strict=True)
            if sha256(view[frame.offset - start : frame.end - start]).hexdigest() != frame.sha256
        }
        self.damaged |= damaged
        return None if damaged else data
