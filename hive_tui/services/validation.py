"""Validates checkpoints, and keeps what it finds in the catalog."""

import json
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Protocol

from msgspec import structs

from hive_tui.adapters.reading import being_read
from hive_tui.adapters.sqlite_copy import database_errors
from hive_tui.archive import reader
from hive_tui.domain.checkpoints import Checkpoint, Defect, Depth, ValidationError
from hive_tui.domain.contents import FILES
from hive_tui.domain.errors import Cancelled, CheckpointError, DiskFull, HiveError, WorkspaceError
from hive_tui.domain.events import HEARTBEAT, Actor, Event, EventKind, Severity
from hive_tui.domain.ports import Clock, Progress, Workspaces
from hive_tui.domain.progress import Unwatched
from hive_tui.services.hub import Hub
from hive_tui.store import checkpoints, journal
from hive_tui.store.database import Database


class Scratch(Protocol):
    """Gives private folders that vanish."""

    def scratch(self) -> AbstractContextManager[Path]:
        """One of them."""
        ...


class Validator:
    """Reads checkpoints back."""

    def __init__(
        self,
        database: Database,
        scratch: Scratch,
        workspaces: Workspaces,
        clock: Clock,
        hub: Hub,
        bring_back: Callable[[Checkpoint, Progress], bool] = lambda *_: False,
    ) -> None:
        """Make it; `bring_back` fetches a file that is gone or damaged from the second place, if it is there."""
        self._bring_back = bring_back
        self._database = database
        self._scratch = scratch
        self._workspaces = workspaces
        self._clock = clock
        self._hub = hub

    def check(
        self,
        checkpoint: Checkpoint,
        *,
        deep: bool = False,
        actor: Actor = HEARTBEAT,
        progress: Progress | None = None,
    ) -> Sequence[ValidationError]:
        """Everything that is wrong with a checkpoint; the catalog and the events keep it.

        Args:
            checkpoint: The catalog's entry.
            deep: Beyond the hashes: are transcripts well-formed, is the git bundle whole?
            actor: Who asked.
            progress: Told how far it is; may stop it.

        Raises:
            Cancelled: `progress` was cancelled; the catalog keeps what it knew.
        """
        progress = progress or Unwatched()
        progress.step("reading it back", checkpoint.size_bytes)
        path, depth = Path(checkpoint.path), Depth.DEEP if deep else Depth.FAST
        with being_read(path):
            errors = reader.verify(path, checkpoint.sha256, depth=depth, advance=progress.advance)
        if errors:
            is_back, trouble = self._fetched(checkpoint, progress)
            if is_back:
                progress.step("reading it back", checkpoint.size_bytes)
                errors = reader.verify(path, checkpoint.sha256, depth=depth, advance=progress.advance)
            elif trouble:
                errors = [structs.replace(errors[0], detail=f"{errors[0].detail}; {trouble}"), *errors[1:]]
                if not checkpoint.is_local:
                    return errors  # a place that cannot be reached now says nothing about the checkpoint
        if deep and not errors:
            with being_read(path):
                errors = self._deep(checkpoint, progress)
        self._record(checkpoint, errors, actor)
        return errors

    def _fetched(self, checkpoint: Checkpoint, progress: Progress) -> tuple[bool, str]:
        """Whether the file was fetched anew, and why it was not although there is a copy of it."""
        try:
            return self._bring_back(checkpoint, progress), ""
        except Cancelled:
            raise
        except HiveError as error:
            return False, error.what

    def log(self, event: Event) -> None:
        """Put an event about a checkpoint into the log."""
        self._database.write(journal.log, event, now=self._clock.now())

    def _deep(self, checkpoint: Checkpoint, progress: Progress) -> list[ValidationError]:
        errors: list[ValidationError] = []
        progress.step("unpacking it", checkpoint.content_bytes)
        with self._scratch.scratch() as folder:
            try:
                names = reader.extract(Path(checkpoint.path), folder, free_links=FILES, advance=progress.advance)
            except DiskFull:
                raise  # that says nothing about the checkpoint
            except CheckpointError as error:
                return [ValidationError(Defect.UNREADABLE, error.what)]
            progress.step("reading its conversations")
            for name in names:
                if name.startswith("session/") and name.endswith(".jsonl"):
                    errors += transcript_errors(folder / name, name, progress)
                elif name.startswith("session/") and _is_database(folder / name):
                    errors += [
                        ValidationError(Defect.BAD_DATABASE, why, name) for why in database_errors(folder / name)
                    ]
            for member in ("workspace/repo.bundle", "workspace/files.json"):
                if (folder / member).exists():
                    progress.step("looking into its workspace", (folder / member).stat().st_size)
                    try:
                        self._workspaces.check(folder / "workspace", progress)
                    except WorkspaceError as error:
                        errors.append(ValidationError(Defect.BAD_BUNDLE, error.what, member))
        return errors

    def _record(self, checkpoint: Checkpoint, errors: Sequence[ValidationError], actor: Actor) -> None:
        event = None
        if errors and checkpoint.is_valid:
            event = Event(
                EventKind.CHECKPOINT_INVALID,
                f"A checkpoint (generation {checkpoint.generation}) is damaged: {errors[0]}",
                checkpoint.agent_id,
                actor,
                Severity.FAILURE,
                {"checkpoint_id": checkpoint.id, "errors": [error.to_json() for error in errors[:20]]},
            )
        self._database.write(_record, checkpoint, errors, event, now=self._clock.now())
        self._hub.publish(event)


def _record(
    db: sqlite3.Connection,
    checkpoint: Checkpoint,
    errors: Sequence[ValidationError],
    event: Event | None,
    *,
    now: datetime,
) -> None:
    checkpoints.set_validity(db, checkpoint.id, errors, now=now)
    if event is not None:
        journal.log(db, event, now=now)


def transcript_errors(path: Path, name: str, progress: Progress) -> list[ValidationError]:
    """What is wrong with a transcript: every line must be JSON."""
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                json.loads(line)
            except ValueError:
                return [ValidationError(Defect.BAD_TRANSCRIPT, f"line {number} is no JSON", name)]
            progress.advance(len(line))
    return []


def _is_database(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(16) == b"SQLite format 3\0"
