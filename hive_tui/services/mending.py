"""Finds checkpoint files without rows and rows without files, and brings the two together again."""

import hashlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from msgspec import structs

from hive_tui.archive import reader
from hive_tui.domain.agents import Agent, new_name
from hive_tui.domain.checkpoints import Checkpoint, Defect, ValidationError
from hive_tui.domain.errors import AgentBusy, HiveError
from hive_tui.domain.events import Actor, Event, EventKind
from hive_tui.domain.ports import Clock, Locks
from hive_tui.kinds.catalog import Kinds
from hive_tui.services.described import Described, describe
from hive_tui.services.hub import Hub
from hive_tui.store import agents as agent_store
from hive_tui.store import checkpoints, journal, offsite
from hive_tui.store.database import Database


@dataclass(frozen=True, slots=True)
class Strays:
    """What does not fit together."""

    files: tuple[Path, ...]
    """Files that no row knows."""
    rows: tuple[Checkpoint, ...]
    """Rows that count as valid, whose file is not there and of which there is no good copy elsewhere."""


class Mender:
    """May be run again at any time, and then finds nothing more."""

    def __init__(self, home: Path, database: Database, locks: Locks, kinds: Kinds, clock: Clock, hub: Hub) -> None:
        self._folder = home / "checkpoints"
        self._database = database
        self._locks = locks
        self._kinds = kinds
        self._clock = clock
        self._hub = hub

    def strays(self) -> Strays:
        """What does not fit; reads names only."""
        catalog = self._database.read(checkpoints.everything)
        copies = self._database.read(offsite.by_checkpoint)
        known = {one.path for one in catalog}
        lost = [
            one
            for one in catalog
            if one.is_valid and not Path(one.path).exists() and not (one.id in copies and copies[one.id].is_good)
        ]
        return Strays(tuple(path for path in self._files() if str(path) not in known), tuple(lost))

    def mend(self, actor: Actor) -> list[str]:
        """Enter files again, and mark rows whose file is gone; what was done, in words."""
        found = self.strays()
        for one in self._database.read(checkpoints.everything):
            if not one.is_local and Path(one.path).exists():  # thinned out, and interrupted before the file went
                self._database.write(checkpoints.set_local, one.id, True)
        done = [self._mark_missing(one, actor) for one in found.rows]
        for path in found.files:
            try:
                done.append(self._enter(path, actor))
            except AgentBusy:
                done.append(f"{path.name} is left: its checkpoint is just being taken")
            except HiveError as error:
                done.append(f"{path} is left as it is: {error.what}")
        return done

    def _files(self) -> Iterator[Path]:
        """Finished files; a leading dot marks those that are being written."""
        if self._folder.is_dir():
            yield from (path for path in sorted(self._folder.glob("*/*.tar.zst")) if not path.name.startswith("."))

    def _mark_missing(self, one: Checkpoint, actor: Actor) -> str:
        error = ValidationError(Defect.MISSING_FILE, f"the file {one.path} is not there")
        text = f"A checkpoint of {one.created_at:%Y-%m-%d %H:%M} UTC counts as damaged now: its file is gone"
        event = Event(EventKind.CATALOG_MENDED, text, one.agent_id, actor, payload={"checkpoint_id": one.id})
        self._database.write(_mark, one.id, error, event, now=self._clock.now())
        self._hub.publish(event)
        return text

    def _enter(self, path: Path, actor: Actor) -> str:
        errors = reader.verify(path)
        if errors:
            return f"{path} is left as it is: {errors[0]}"
        now = self._clock.now()
        described = describe(path, now=now)
        owner = self._database.read(_owner, described)
        agent_id, name = (owner.id, owner.name) if owner else (described.agent_id, described.agent_name)
        # A checkpoint that is just being taken has its file before its row; its taker holds this lock.
        with self._locks.agent(agent_id, purpose="doctor"), path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            text = f"{path.name} is in the catalog again, as a checkpoint of {name}"
            event = Event(EventKind.CATALOG_MENDED, text, agent_id, actor, payload={"path": str(path)})
            row = described.row(path, sha256, agent_id, now=now)
            if not self._database.write(_enter, row, described, self._kinds, event, now=now):
                return f"{path} is a second copy of a checkpoint that is there, so nothing is lost if you remove it"
            self._hub.publish(event)
            return text


def _mark(db: sqlite3.Connection, checkpoint_id: str, error: ValidationError, event: Event, *, now: datetime) -> None:
    checkpoints.set_validity(db, checkpoint_id, [error], now=now)
    journal.log(db, event, now=now)


def _enter(
    db: sqlite3.Connection, row: Checkpoint, described: Described, kinds: Kinds, event: Event, *, now: datetime
) -> bool:
    """Enter the file, and its agent where the registry was lost; False if the same file is known elsewhere."""
    if any(one.path == row.path for one in checkpoints.everything(db)):
        return True
    known = checkpoints.with_hash(db, row.sha256)
    if known is not None:
        if Path(known.path).exists():
            return False
        checkpoints.move(db, known.id, row.path)
        checkpoints.set_validity(db, known.id, [], now=now)
        journal.log(db, event, now=now)
        return True
    made = _lost_agent(db, row.agent_id, described, kinds, now)
    if made is not None:
        agent_store.add(db, made, now=now)
    checkpoints.insert_by_age(db, row)
    if made is not None or _starts_older(db, row):
        agent_store.set_checkpoint(db, row.agent_id, row.id)
    journal.log(db, event, now=now)
    return True


def _owner(db: sqlite3.Connection, described: Described) -> Agent | None:
    """The agent of the registry that the file is of; None if it must be made.

    After the registry was lost an agent that runs is found anew, under another id. A second one with the same
    conversation would let a wake start it twice.
    """
    agents = agent_store.everyone(db)
    if checkpoints.knows_agent(db, described.agent_id):
        return next((one for one in agents if one.id == described.agent_id), None)
    kind, cwd = described.saved_agent.get("kind"), described.saved_agent.get("cwd")
    alike = [one for one in agents if one.kind == kind and one.cwd == cwd]
    same = [one for one in alike if one.session_id is not None and one.session_id == described.session_id]
    return next(iter(same or (one for one in alike if one.name == described.agent_name)), None)


def _lost_agent(
    db: sqlite3.Connection, agent_id: str, described: Described, kinds: Kinds, now: datetime
) -> Agent | None:
    if checkpoints.knows_agent(db, agent_id):
        return None
    taken = {agent.name: agent.kind for agent in agent_store.everyone(db)}
    made = described.agent(agent_id, described.agent_name, kinds, now=now, trusted=True)
    return structs.replace(made, name=new_name(made.name, made.kind, taken))


def _starts_older(db: sqlite3.Connection, row: Checkpoint) -> bool:
    """Whether the agent was entered from files too, by this very run, and this one is newer."""
    agent = next((one for one in agent_store.everyone(db) if one.id == row.agent_id), None)
    if agent is None or agent.checkpoint_id is None or not agent.reason.startswith("entered from its checkpoint"):
        return False
    mine = checkpoints.of_agent(db, row.agent_id)
    return mine[0].id == row.id
