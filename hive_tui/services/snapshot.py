"""Takes a checkpoint of an agent: collects its members, writes the file, enters it into the catalog."""

import dataclasses
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from msgspec import Struct

from hive_tui.adapters.files.room import require_room
from hive_tui.adapters.files.temporary import clear_away, process_runs, work_folder
from hive_tui.adapters.git.sandbox import PREFIX as GIT_PREFIX
from hive_tui.adapters.reading import being_read
from hive_tui.adapters.sqlite_copy import copy_database, empty_tables
from hive_tui.archive.sources import GONE
from hive_tui.archive.writer import ArchiveWriter, Written, sweep, writing
from hive_tui.domain.agents import Agent
from hive_tui.domain.checkpoints import Checkpoint, CheckpointReason
from hive_tui.domain.contents import FILES, left_out
from hive_tui.domain.errors import Cancelled, HiveError, TmuxError
from hive_tui.domain.events import Actor, Event, EventKind, Severity
from hive_tui.domain.panes import topology
from hive_tui.domain.ports import Clock, Panes, Progress, Workspaces
from hive_tui.domain.secrets import is_auth_file
from hive_tui.domain.tasks import ancestry
from hive_tui.domain.workspaces import WorkspaceFacts, WorkspaceKind
from hive_tui.kinds.catalog import Kinds
from hive_tui.kinds.kind import SessionFile
from hive_tui.services.hub import Hub
from hive_tui.services.streams import Streams
from hive_tui.store import agents as agent_store
from hive_tui.store import checkpoints, journal, tasks, wakeups
from hive_tui.store.database import Database

SCROLLBACK_LINES = 20_000


class Snapshotter:
    """Changes nothing of the agent's; the caller holds its lock."""

    def __init__(
        self,
        home: Path,
        database: Database,
        panes: Panes,
        workspaces: Workspaces,
        kinds: Kinds,
        streams: Streams,
        clock: Clock,
        hub: Hub,
    ) -> None:
        self._home = home
        self._database = database
        self._panes = panes
        self._workspaces = workspaces
        self._kinds = kinds
        self._streams = streams
        self._clock = clock
        self._hub = hub

    def take(self, agent: Agent, reason: CheckpointReason, actor: Actor, progress: Progress) -> Checkpoint:
        """A verified checkpoint of the agent as it is now, entered as its generation 0.

        Raises:
            CheckpointError, WorkspaceError, BackupError, StreamsError, StoreError: It failed; an event says so,
                and nothing is left behind.
            Cancelled: The person stopped it.
        """
        try:
            return self._take(agent, reason, actor, progress)
        except Cancelled:
            raise
        except HiveError as error:
            self._report_failure(agent, actor, error)
            raise

    def sweep(self, is_running: Callable[[int], bool]) -> list[Path]:
        """Remove what checkpoints that were interrupted left behind."""
        swept = sweep(self._home / "checkpoints", is_running) if (self._home / "checkpoints").is_dir() else []
        for prefix in ("", GIT_PREFIX):
            swept += clear_away(self._home / "scratch", prefix, is_running)
        return swept

    def _take(self, agent: Agent, reason: CheckpointReason, actor: Actor, progress: Progress) -> Checkpoint:
        began = self._clock.monotonic()
        now = self._clock.now()
        path = self._home / "checkpoints" / agent.name / f"{now:%Y%m%dT%H%M%S.%f}Z.tar.zst"
        facts = {"agent_id": agent.id, "agent": agent.name, "created_at": now.isoformat(), "reason": str(reason)}
        sweep(path.parent, process_runs)
        with self.scratch() as folder:
            require_room(folder)
            progress.step("reading the workspace")
            workspace = self._snapshot_workspace(agent, folder, progress)
            in_place = sum(file.size_bytes for file in workspace.files)
            progress.step("writing the checkpoint", in_place + self._bytes_to_write(agent, folder))
            previous = self._previous(agent)
            reading = being_read(previous) if previous else nullcontext()
            with reading, writing(path, facts, advance=progress.advance, previous=previous) as (archive, results):
                archive.add_json("agent.json", _plain(agent))
                self._add_pane(archive, agent)
                summary = self._add_session(archive, agent)
                archive.add_json("queue/wakeups.json", self._queue(agent))
                archive.add_json("queue/tasks.json", self._tasks(agent))
                archive.add_json("queue/effects.json", self._effects(agent))
                summary |= self._streams.add_to(archive, agent)
                archive.add_json("workspace/state.json", workspace.to_json())
                unread = _add_files(archive, workspace)
                for file in sorted(folder.rglob("*")):
                    if file.is_file() and file.name != "state.json":
                        archive.add_file(f"workspace/{file.relative_to(folder)}", file)
                archive.flush()
                progress.step("reading it back")
        summary |= _workspace_summary(workspace, unread)
        checkpoint = _catalogued(agent, results[0], now, reason, self._clock.monotonic() - began, summary)
        event = Event(
            EventKind.CHECKPOINT_TAKEN,
            f"Checkpoint of {agent.name} taken ({reason}, {checkpoint.size_bytes} bytes, read back and verified)",
            agent.id,
            actor,
            payload={"checkpoint_id": checkpoint.id, "reason": str(reason)},
        )
        self._database.write(_enter, checkpoint, event, now=now)
        self._streams.confirm(agent, checkpoint)
        self._hub.publish(event)
        return checkpoint

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A private folder on the disk of the checkpoints, removed at the end; those of dead processes go first."""
        base = self._home / "scratch"
        base.mkdir(parents=True, exist_ok=True, mode=0o700)
        with work_folder(base, "") as folder:
            yield folder

    def _snapshot_workspace(self, agent: Agent, folder: Path, progress: Progress) -> WorkspaceFacts:
        cwd = Path(agent.cwd)
        if not cwd.is_dir():
            return WorkspaceFacts(WorkspaceKind.MISSING, str(cwd), notes=(f"the folder {cwd} is not there",))
        return self._workspaces.snapshot(cwd, folder, progress)

    def _add_pane(self, archive: ArchiveWriter, agent: Agent) -> None:
        """The pane, its scrollback in colour, and the layout around it; a pane that is gone leaves these out."""
        try:
            listed = self._panes.list()
            pane = listed.get(agent.pane)
            if pane is None:
                return
            text = self._panes.capture(pane.id, history_lines=SCROLLBACK_LINES)
        except TmuxError:
            return
        around = topology(
            listed.server, [one for one in listed.panes if one.session_id == pane.session_id], {pane.id: agent.id}
        )
        archive.add_json("tmux/pane.json", _plain(pane))
        archive.add_json("tmux/layout.json", around.to_json())
        archive.add_bytes("tmux/scrollback.ansi", text.encode(errors="surrogateescape"))

    def _add_session(self, archive: ArchiveWriter, agent: Agent) -> dict[str, Any]:
        """The transcript and what belongs to it."""
        files = self._kinds.get(agent.kind).session_files(agent)
        # What counts is the name that the kind gives and the one that a link leads to.
        secret = [file for file in files if is_auth_file(file.member) or is_auth_file(str(file.path.resolve()))]
        listed = [self._add_session_file(archive, file) for file in files if file not in secret]
        archive.add_json(
            "session/files.json", {"session_id": agent.session_id, "config_dir": agent.config_dir, "files": listed}
        )
        total = sum(int(entry["size_bytes"]) for entry in listed)
        facts: dict[str, Any] = {"transcript_files": len(listed), "transcript_bytes": total}
        return facts | ({"left_out": [str(file.path) for file in secret]} if secret else {})

    def _add_session_file(self, archive: ArchiveWriter, file: SessionFile) -> dict[str, Any]:
        member = f"session/{file.member}"
        if file.is_database:
            with self.scratch() as folder:
                copy = folder / "database"
                require_room(folder, file.path.stat().st_size if file.path.exists() else 0)
                copy_database(file.path, copy, self._clock)
                empty_tables(copy, file.empty_tables)
                size = archive.add_file(member, copy)
        else:
            size = archive.add_file(member, file.path, whole_lines=file.path.suffix == ".jsonl")
        return {"member": member, "path": str(file.path), "size_bytes": size, "is_database": file.is_database}

    def _bytes_to_write(self, agent: Agent, folder: Path) -> int:
        """About; files grow and vanish meanwhile."""
        session = [file.path for file in self._kinds.get(agent.kind).session_files(agent)]
        sizes = 0
        for path in (*session, *folder.rglob("*")):
            with suppress(OSError):
                sizes += path.stat().st_size if path.is_file() else 0
        return sizes

    def _previous(self, agent: Agent) -> Path | None:
        """The checkpoint whose unchanged parts the next one takes over; each is verified on the way."""
        known = self._database.read(checkpoints.of_agent, agent.id)
        return next((Path(one.path) for one in known if one.is_valid and one.is_local), None)

    def _queue(self, agent: Agent) -> list[dict[str, Any]]:
        return [_plain(wakeup) for wakeup in self._database.read(wakeups.unfinished_wakes, agent.id)]

    def _tasks(self, agent: Agent) -> dict[str, Any]:
        """What the agent has to do, what for, and how far it is."""
        mine = self._database.read(tasks.everything, agent_id=agent.id)
        chains = [ancestry(one.id, self._database.read(tasks.lineage, one.id)) for one in mine]
        state = self._database.read(tasks.state, agent.id)
        return {"tasks": _plain(mine), "goal_ancestry": _plain(chains), "state": _plain(state)}

    def _effects(self, agent: Agent) -> list[dict[str, Any]]:
        """Its side effects, so that whoever reads the checkpoint knows what has been done."""
        from hive_tui.services import effect_views  # here, since the heartbeat makes us before the first screen

        return self._database.read(effect_views.for_checkpoint, agent.id)

    def _report_failure(self, agent: Agent, actor: Actor, error: HiveError) -> None:
        event = Event(
            EventKind.CHECKPOINT_FAILED,
            f"Checkpoint of {agent.name} failed: {error.what}",
            agent.id,
            actor,
            Severity.FAILURE,
            {"hint": error.hint},
        )
        # The disk that failed the checkpoint may fail the log too; the event still reaches the screen.
        with suppress(HiveError):
            self._database.write(journal.log, event, now=self._clock.now())
        self._hub.publish(event)


def _enter(db: sqlite3.Connection, checkpoint: Checkpoint, event: Event, *, now: datetime) -> None:
    checkpoints.add(db, checkpoint)
    agent_store.set_checkpoint(db, checkpoint.agent_id, checkpoint.id)
    journal.log(db, event, now=now)


def _add_files(archive: ArchiveWriter, workspace: WorkspaceFacts) -> list[str]:
    """Files that the archive takes from where they are; what could not be read of them, in words.

    One that has vanished by now is as if it had gone before.
    """
    files = [file.path for file in workspace.files]
    if not files:
        return []
    skipped = archive.add_tree(FILES, Path(workspace.root), files)
    return [f"{one.name.removeprefix(f'{FILES}/')}: {one.reason}" for one in skipped if one.reason != GONE]


def _catalogued(
    agent: Agent, written: Written, now: datetime, reason: CheckpointReason, took_s: float, summary: dict[str, Any]
) -> Checkpoint:
    return Checkpoint(
        id=str(uuid4()),
        agent_id=agent.id,
        generation=0,
        created_at=now,
        path=str(written.path),
        sha256=written.sha256,
        size_bytes=written.size_bytes,
        is_valid=True,
        reason=reason,
        validated_at=now,
        session_id=agent.session_id,
        took_s=took_s,
        new_bytes=written.new_bytes,
        summary={"content_bytes": written.content_bytes, "members": written.members, **summary},
    )


def _workspace_summary(workspace: WorkspaceFacts, unread: Sequence[str]) -> dict[str, Any]:
    """What lists show of a workspace."""
    wanted = ("branch", "head", "staged", "modified", "untracked", "needs_repo")
    shown: dict[str, Any] = {"kind": str(workspace.kind)}
    if workspace.kind in (WorkspaceKind.GIT, WorkspaceKind.BARE):
        shown |= {key: getattr(workspace, key) for key in wanted}
    if workspace.kind is WorkspaceKind.FOLDER:
        shown["files"] = len(workspace.files)
    return {
        "workspace": shown | {"skipped": len(workspace.skipped) + len(unread), "left_out": left_out(workspace, unread)}
    }


def _plain(value: Any) -> Any:
    """A dataclass or struct as JSON values."""
    if isinstance(value, Struct):
        return {name: _plain(getattr(value, name)) for name in value.__struct_fields__}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return value
