"""Restore drills: a checkpoint is restored into a scratch folder and compared with what was recorded.

No agent is started, and nothing outside the scratch folder is touched.
"""

import json
import shutil
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from hive_tui.adapters.files.room import too_little
from hive_tui.adapters.locks import FileLock
from hive_tui.adapters.reading import being_read
from hive_tui.archive import reader
from hive_tui.domain.checkpoints import Checkpoint
from hive_tui.domain.contents import FILES
from hive_tui.domain.drills import DrillPolicy, due_drill
from hive_tui.domain.durations import counted
from hive_tui.domain.errors import AgentBusy, Cancelled, CheckpointError, DiskFull, HiveError, WorkspaceError
from hive_tui.domain.events import HEARTBEAT, Actor, Event, EventKind, Severity
from hive_tui.domain.ports import Clock, Progress, Workspaces
from hive_tui.domain.progress import Unwatched
from hive_tui.services.hub import Hub
from hive_tui.services.validation import Scratch, Validator, transcript_errors
from hive_tui.store import agents as agent_store
from hive_tui.store import checkpoints, journal
from hive_tui.store.database import Database

ROOM = 3
"""So many times the content must be free: unpacked, its objects, and the work tree."""
REBUILT = ("git", "folder")
"""Kinds of workspaces that a checkpoint holds the files of."""
RESERVE_BYTES = 1_000_000_000
"""Left free in any case, so that no checkpoint fails for a drill."""


@dataclass(frozen=True, slots=True)
class DrillResult:
    """What a drill found."""

    checkpoint: Checkpoint
    is_proven: bool
    note: str
    """What was restored and compared, or what was wrong."""
    took_s: float

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "checkpoint_id": self.checkpoint.id,
            "generation": self.checkpoint.generation,
            "is_proven": self.is_proven,
            "note": self.note,
            "took_seconds": round(self.took_s, 3),
        }


class Drills:
    """One at a time in the whole hive."""

    def __init__(
        self,
        database: Database,
        validator: Validator,
        scratch: Scratch,
        workspaces: Workspaces,
        lock: FileLock,
        policy: DrillPolicy,
        clock: Clock,
        hub: Hub,
        *,
        timeout_s: float = 600.0,
    ) -> None:
        self._database = database
        self._validator = validator
        self._scratch = scratch
        self._workspaces = workspaces
        self._lock = lock
        self._policy = policy
        self._clock = clock
        self._hub = hub
        self._timeout_s = timeout_s

    def due(self) -> Checkpoint | None:
        """The checkpoint that shall be drilled now, of an agent that is in the registry."""
        catalog = self._database.read(checkpoints.everything)
        for agent in self._database.read(agent_store.everyone):
            mine = sorted((one for one in catalog if one.agent_id == agent.id), key=lambda one: one.generation)
            found = due_drill(mine, self._policy, now=self._clock.now())
            if found is not None:
                return found
        return None

    def prove(self, checkpoint: Checkpoint, actor: Actor, progress: Progress | None = None) -> DrillResult:
        """Restore it for proof; the catalog and the events keep what came of it.

        Raises:
            AgentBusy: Another drill is under way.
            DiskFull: There is not enough room to try.
            Cancelled: The person stopped it, or it took too long.
        """
        if not self._lock.try_take("drill"):
            raise AgentBusy("Another restore drill is under way.", hint="Try again when it is done.")
        try:
            return self._prove(checkpoint, actor, progress or Unwatched())
        finally:
            self._lock.release()

    def prove_due(self) -> DrillResult | None:
        """Drill what is due, for the heartbeat; what could not be tried is a warning and never an error."""
        checkpoint = self.due()
        if checkpoint is None:
            return None
        try:
            return self.prove(checkpoint, HEARTBEAT)
        except AgentBusy:
            return None
        except Exception as error:
            said = error.what if isinstance(error, HiveError) else f"{type(error).__name__}: {error}"
            note = f"could not be tried: {said}"
            with suppress(HiveError):  # the database may be what has failed
                self._record(DrillResult(checkpoint, False, note, 0.0), HEARTBEAT, was_tried=False)
            return None

    def _prove(self, checkpoint: Checkpoint, actor: Actor, progress: Progress) -> DrillResult:
        began = self._clock.monotonic()
        errors = self._validator.check(checkpoint, actor=actor, progress=progress)
        restored = ""
        if not errors:
            with self._time_limit(progress), ExitStack() as opened:
                opened.enter_context(being_read(Path(checkpoint.path)))
                folder = opened.enter_context(self._scratch.scratch())
                self._refuse_without_room(checkpoint, folder)
                restored, problems = self._restore(checkpoint, folder, progress)
        else:
            problems = [str(errors[0])]
        took_s = self._clock.monotonic() - began
        note = problems[0] if problems else restored
        result = DrillResult(checkpoint, not problems, note, took_s)
        self._record(result, actor, was_tried=True)
        return result

    def _restore(self, checkpoint: Checkpoint, folder: Path, progress: Progress) -> tuple[str, Sequence[str]]:
        """What was restored, in words, and what was wrong with it."""
        progress.step("unpacking it", checkpoint.content_bytes)
        saved = folder / "saved"
        saved.mkdir()
        try:
            names = reader.extract(Path(checkpoint.path), saved, free_links=FILES, advance=progress.advance)
        except DiskFull:
            raise  # that says nothing about the checkpoint
        except CheckpointError as error:
            return "", [error.what]
        progress.step("reading the conversation")
        problems = self._conversation_problems(checkpoint, saved, names, progress)
        progress.step("building the workspace")
        what, more = self._rebuild(saved, folder / "root", progress)
        return f"{counted(len(names), 'member')}, {what}", [*problems, *more]

    def _conversation_problems(
        self, checkpoint: Checkpoint, saved: Path, names: Sequence[str], progress: Progress
    ) -> list[str]:
        listed = saved / "session/files.json"
        files = json.loads(listed.read_text())["files"] if listed.exists() else []
        missing = [entry["member"] for entry in files if not (saved / entry["member"]).is_file()]
        problems = [f"{member} is listed and not there" for member in missing]
        if checkpoint.session_id and int(checkpoint.summary.get("transcript_files") or 0) and not files:
            problems.append("it has no conversation in it, although it had one when it was taken")
        for name in names:
            if name.startswith("session/") and name.endswith(".jsonl"):
                problems += [str(error) for error in transcript_errors(saved / name, name, progress)]
        return problems

    def _rebuild(self, saved: Path, root: Path, progress: Progress) -> tuple[str, Sequence[str]]:
        workspace = saved / "workspace"
        state_file = workspace / "state.json"
        state = json.loads(state_file.read_text()) if state_file.exists() else {}
        if state.get("kind") not in REBUILT:
            return "no workspace", []
        try:
            if state.get("needs_repo"):
                self._workspaces.check(workspace, progress)
                return "a bundle that is sound and needs its repository", []
            # A linked worktree would be hung into the user's repository; here it stands alone.
            state_file.write_text(json.dumps(state | {"is_linked_worktree": False}))
            self._workspaces.recreate(workspace, root, progress)
            progress.step("comparing the workspace")
            return "the work tree as it was", self._workspaces.verify(workspace, root, progress)
        except DiskFull:
            raise
        except WorkspaceError as error:
            return "", [error.what]

    def _refuse_without_room(self, checkpoint: Checkpoint, folder: Path) -> None:
        content = max(checkpoint.size_bytes, checkpoint.content_bytes)
        missing = ROOM * content + RESERVE_BYTES - shutil.disk_usage(folder).free
        if missing > 0:
            raise too_little(folder, ROOM * content, missing)

    @contextmanager
    def _time_limit(self, progress: Progress) -> Iterator[None]:
        """Stop the work when its time is over; git looks at this flag too."""
        timer = threading.Timer(self._timeout_s, progress.cancelled.set)
        timer.daemon = True
        timer.start()
        try:
            yield
        except Cancelled as error:
            if timer.is_alive():
                raise
            raise Cancelled(f"The restore drill was stopped after {self._timeout_s:g} s.") from error
        finally:
            timer.cancel()

    def _record(self, result: DrillResult, actor: Actor, *, was_tried: bool) -> None:
        checkpoint = result.checkpoint
        about = f"the checkpoint of {checkpoint.created_at:%Y-%m-%d %H:%M} UTC (generation {checkpoint.generation})"
        if result.is_proven:
            kind, severity = EventKind.CHECKPOINT_PROVEN, Severity.INFO
            text = f"A restore drill proved {about}: {result.note}"
        else:
            kind = EventKind.CHECKPOINT_UNPROVEN
            severity = Severity.FAILURE if was_tried else Severity.WARNING
            text = f"A restore drill of {about} {'failed: ' if was_tried else ''}{result.note}"
        payload = {"checkpoint_id": checkpoint.id, "took_seconds": round(result.took_s, 3)}
        event = Event(kind, text, checkpoint.agent_id, actor, severity, payload)
        self._database.write(_record, result, event, was_tried=was_tried, now=self._clock.now())
        self._hub.publish(event)


def _record(db: sqlite3.Connection, result: DrillResult, event: Event, *, was_tried: bool, now: datetime) -> None:
    checkpoints.set_drilled(db, result.checkpoint.id, result.note, proven=result.is_proven, now=now)
    if was_tried and not result.is_proven:
        checkpoints.withdraw_proof(db, result.checkpoint.id)
    journal.log(db, event, now=now)
