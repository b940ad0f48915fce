"""The journal of a restore: all that is needed to finish it, whatever happens to the process.

A folder with `journal.json` is a restore past the point of no return; without, nothing has been
changed yet. `done.json` is the result of one that is finished.
"""

import json
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from hive_tui.domain.errors import WorkspaceError
from hive_tui.domain.workspaces import AppliedRestore, ChangeKind, FileChange, HeadMove, WorkspaceKind

JOURNAL = "journal.json"
DONE = "done.json"
DISPLACED = "displaced"
STAGED = "staged"
CONTENTS = "contents"
PACKS = "packs"


@dataclass(frozen=True, slots=True)
class Piece:
    """Where a blob's content lies in the contents file."""

    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Journal:
    """What a restore does, step by step."""

    id: str
    root: str
    object_format: str
    changes: tuple[FileChange, ...]
    pieces: Mapping[str, Piece]
    """By blob id."""
    head: HeadMove | None
    private_refs: Mapping[str, str] = field(default_factory=dict)
    index_changed_ns: int = 0
    kept_folders: tuple[str, ...] = ()
    """Folders that stay even if they are empty, since somebody works in them."""
    folders: Mapping[str, int] = field(default_factory=dict)
    """Folders that were missing when the restore began, with the permissions that they get."""
    kind: WorkspaceKind = WorkspaceKind.GIT
    warnings: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> Self:
        """Read what `asdict` made of one.

        Raises:
            KeyError, TypeError, ValueError: It is something else.
        """
        changes = [FileChange(**item | {"kind": ChangeKind(item["kind"])}) for item in saved["changes"]]
        return cls(
            **dict(saved)
            | {
                "changes": tuple(changes),
                "pieces": {name: Piece(**piece) for name, piece in saved["pieces"].items()},
                "head": HeadMove(**saved["head"]) if saved["head"] else None,
                "kept_folders": tuple(saved["kept_folders"]),
                "warnings": tuple(saved["warnings"]),
                "kind": WorkspaceKind(saved.get("kind", WorkspaceKind.GIT)),
            }
        )


@dataclass(frozen=True, slots=True)
class JournalFolder:
    """The files of one restore."""

    path: Path

    @property
    def staged(self) -> Path:
        """What is needed only until the restore is finished."""
        return self.path / STAGED

    @property
    def displaced(self) -> Path:
        """Copies of files that would have been lost."""
        return self.path / DISPLACED

    def is_used(self) -> bool:
        """Whether a restore here has passed the point of no return, finished or not."""
        return (self.path / JOURNAL).exists() or (self.path / DONE).exists()

    def displaced_files(self) -> tuple[str, ...]:
        """The files that were copied aside, also before a crash."""
        found = (path for path in self.displaced.rglob("*") if path.is_symlink() or not path.is_dir())
        return tuple(sorted(str(path.relative_to(self.displaced)) for path in found))

    def commit(self, journal: Journal) -> None:
        """Pass the point of no return: everything staged is durable, then the journal is."""
        for folder, _, names in os.walk(self.staged):
            for name in names:
                sync(Path(folder) / name)
            sync(Path(folder))
        self._write(JOURNAL, asdict(journal))

    def read(self) -> Journal | None:
        """The journal; None before the point of no return.

        Raises:
            WorkspaceError: It cannot be read.
        """
        try:
            return Journal.from_json(json.loads((self.path / JOURNAL).read_text()))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise WorkspaceError(
                f"The journal {self.path / JOURNAL} cannot be read: {error!r}.",
                hint="Restore the safety checkpoint that was taken before this restore.",
            ) from error

    def finish(self, result: AppliedRestore) -> None:
        """Note the result and drop what is not needed any more; displaced files stay."""
        self._write(DONE, asdict(result))
        (self.path / JOURNAL).unlink(missing_ok=True)
        self.discard()

    def result(self) -> AppliedRestore | None:
        """The result of a restore that is finished."""
        with suppress(OSError, ValueError, TypeError):
            saved = json.loads((self.path / DONE).read_text())
            lists = {name: tuple(value) for name, value in saved.items() if isinstance(value, list)}
            return AppliedRestore(**saved | lists)
        return None

    def discard(self) -> None:
        """Drop what was staged."""
        shutil.rmtree(self.staged, ignore_errors=True)

    def _write(self, name: str, content: Mapping[str, Any]) -> None:
        """Write a file in one step that survives a power cut."""
        self.staged.mkdir(exist_ok=True, mode=0o700)
        temporary = self.staged / name
        temporary.write_text(json.dumps(content))
        sync(temporary)
        temporary.replace(self.path / name)
        sync(self.path)


def sync(path: Path) -> None:
    """Make a file's content, or a folder's entries, durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
