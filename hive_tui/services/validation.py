"""Validates checkpoints, and keeps what it finds in the catalog."""

import json
import sqlite3
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Protocol

from hive_tui.archive import reader
from hive_tui.domain.checkpoints import Checkpoint, Defect, ValidationError
from hive_tui.domain.errors import CheckpointError, DiskFull, WorkspaceError
from hive_tui.domain.events import HEARTBEAT, Actor, Event, EventKind, Severity
from hive_tui.domain.ports import Clock, Workspaces
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

    def __init__(self, database: Database, scratch: Scratch, workspaces: Workspaces, clock: Clock, hub: Hub) -> None:
        self._database = database
        self._scratch = scratch
        self._workspaces = workspaces
        self._clock = clock
        self._hub = hub

    def check(
        self, checkpoint: Checkpoint, *, deep: bool = False, actor: Actor = HEARTBEAT
    ) -> Sequence[ValidationError]:
        """Everything that is wrong with a checkpoint; the catalog and the events keep it.

        Args:
            checkpoint: The catalog's entry.
            deep: Beyond the hashes: are transcripts well-formed, is the git bundle whole?
            actor: Who asked.
        """
        errors = reader.verify(Path(checkpoint.path), checkpoint.sha256)
        if deep and not errors:
            errors = self._deep(checkpoint)
        self._record(checkpoint, errors, actor)
        return errors

    def log(self, event: Event) -> None:
        """Put an event about a checkpoint into the log."""
        self._database.write(journal.log, event, now=self._clock.now())

    def _deep(self, checkpoint: Checkpoint) -> list[ValidationError]:
        errors: list[ValidationError] = []
        with self._scratch.scratch() as folder:
            try:
                names = reader.extract(Path(checkpoint.path), folder)
            except DiskFull:
                raise  # that says nothing about the checkpoint
            except CheckpointError as error:
                return [ValidationError(Defect.UNREADABLE, error.what)]
            for name in names:
                if name.startswith("session/") and name.endswith(".jsonl"):
                    errors += _transcript_errors(folder / name, name)
            for member in ("workspace/repo.bundle", "workspace/files.json"):
                if (folder / member).exists():
                    try:
                        self._workspaces.check(folder / "workspace")
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


def _transcript_errors(path: Path, name: str) -> list[ValidationError]:
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                json.loads(line)
            except ValueError:
                return [ValidationError(Defect.BAD_TRANSCRIPT, f"line {number} is no JSON", name)]
    return []
