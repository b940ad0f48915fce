"""A folder as the second place: another disk, a network mount, or one that some program keeps in sync."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hive_tui.adapters.copying import CHUNK_BYTES, hash_of, new_private, put_in_place
from hive_tui.domain.errors import HiveError, OffsiteError
from hive_tui.domain.ports import Progress

MARKER = ".hive-offsite"
"""A file whose text tells this place from an empty mount point, and from another disk that is mounted there."""
PART = ".part"


class FolderPlace:
    """Makes folders below its own, but never its own: a disk that is not mounted must not be filled beneath."""

    def __init__(self, folder: Path) -> None:
        self.description = str(folder)
        self._folder = folder

    def check(self, expected: str | None) -> str:
        """Raise unless the folder is there and has the marker; the first time, the marker is put there."""
        with self._errors("reach"):
            if not self._folder.is_dir():
                raise OffsiteError(f"The second place {self._folder} is not there.", hint="Mount it, or make it.")
            marker = self._folder / MARKER
            found = marker.read_text().strip() if marker.exists() else None
            if expected is not None and found != expected:
                what = "has no mark of this hive" if found is None else "is another one"
                raise OffsiteError(
                    f"The second place {self._folder} {what}: what is mounted there is not what was used before.",
                    hint="Mount the right disk. `hive-tui offsite --adopt` takes this one from now on.",
                )
            if found is None:
                found = uuid.uuid4().hex
                self._write_marker(marker, found)
            return found

    def put(self, source: Path, name: str, progress: Progress) -> None:
        """Copy, flush, rename."""
        target = self._folder / name
        part = target.with_name(target.name + PART)
        with self._errors("write"):
            self._make_folder(target.parent)
            part.unlink(missing_ok=True)  # of an attempt that was interrupted; one process alone works here
            try:
                with source.open("rb") as read, new_private(part) as written:
                    while block := read.read(CHUNK_BYTES):
                        written.write(block)
                        progress.advance(len(block))
                put_in_place(part, target, overwrite=True)
            except BaseException:
                with suppress(OSError):
                    part.unlink(missing_ok=True)  # stopped, or the place is full: a half copy takes its room
                raise

    def digest(self, name: str, progress: Progress) -> tuple[int, str]:
        """Of the file."""
        path = self._folder / name
        with self._errors("read"):
            sha256 = hash_of(path, progress)
            return path.stat().st_size, sha256

    def get(self, name: str, target: Path, progress: Progress) -> None:
        """Copy it back."""
        with self._errors("read"), (self._folder / name).open("rb") as read, new_private(target) as written:
            while block := read.read(CHUNK_BYTES):
                written.write(block)
                progress.advance(len(block))

    def remove(self, name: str) -> None:
        """Unlink it, and its folder once that is empty."""
        path = self._folder / name
        with self._errors("write"):
            path.unlink(missing_ok=True)
            path.with_name(path.name + PART).unlink(missing_ok=True)
            with suppress(OSError):
                path.parent.rmdir()

    def _make_folder(self, folder: Path) -> None:
        self._folder.stat()  # raises if it has vanished since it was checked
        folder.mkdir(mode=0o700, exist_ok=True)

    def _write_marker(self, marker: Path, text: str) -> None:
        part = marker.with_name(MARKER + PART)
        part.write_text(text + "\n")
        put_in_place(part, marker, overwrite=True)

    @contextmanager
    def _errors(self, verb: str) -> Iterator[None]:
        try:
            yield
        except HiveError:
            raise
        except OSError as error:
            raise OffsiteError(
                f"The second place {self._folder} cannot be used ({verb}): {error.strerror or error}.",
                hint=f"Look at {error.filename or self._folder}, and at the free space there.",
            ) from error
