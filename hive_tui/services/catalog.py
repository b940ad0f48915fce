"""What a person does with single checkpoints: export, import, delete."""

import sqlite3
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from hive_tui.adapters.copying import as_error, copy_verified, hash_of
from hive_tui.adapters.offsite.age import is_sealed
from hive_tui.adapters.reading import being_read, nobody_reads
from hive_tui.archive import reader
from hive_tui.domain.agents import Agent, Lifecycle, checked_name
from hive_tui.domain.checkpoints import Checkpoint
from hive_tui.domain.errors import CheckpointError, HiveError, NotFound, StoreFull
from hive_tui.domain.events import Actor, Event, EventKind
from hive_tui.domain.ports import Clock, Locks, Progress, Sealer
from hive_tui.kinds.catalog import Kinds
from hive_tui.services.described import Described, describe
from hive_tui.services.hub import Hub
from hive_tui.services.retention import ROOM_BYTES, empty
from hive_tui.services.snapshot import Snapshotter
from hive_tui.services.validation import Validator
from hive_tui.store import agents as agent_store
from hive_tui.store import checkpoints, journal, offsite
from hive_tui.store.database import Database


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What an import would do; the file was verified, and nothing was changed."""

    described: Described
    agent: Agent | None
    """Whom it goes to; None where a new agent is made."""
    new_name: str
    """Name of the agent that is made; empty for none."""


class Catalog:
    """Every change is entered in one transaction after the file stands, or before it goes."""

    def __init__(
        self,
        home: Path,
        database: Database,
        locks: Locks,
        validator: Validator,
        snapshotter: Snapshotter,
        sealer: Sealer,
        kinds: Kinds,
        clock: Clock,
        hub: Hub,
    ) -> None:
        self._home = home
        self._database = database
        self._locks = locks
        self._validator = validator
        self._snapshotter = snapshotter
        self._sealer = sealer
        self._kinds = kinds
        self._clock = clock
        self._hub = hub

    def export(self, checkpoint: Checkpoint, target: Path, actor: Actor, progress: Progress, *, force: bool) -> Path:
        """Write a verified copy of a checkpoint; its path. A folder gets one with a name of its own.

        Raises:
            CheckpointError: The checkpoint is damaged, or there is a file and `force` is not said.
        """
        source = Path(checkpoint.path)
        if target.is_dir():
            target = target / f"{source.parent.name}-{source.name}"
        if not target.parent.is_dir():
            raise CheckpointError(f"There is no folder {target.parent}.", hint="Make it first.")
        if target.exists() and not force:
            raise CheckpointError(f"There is already a file {target}.", hint="Add --force to replace it.")
        errors = self._validator.check(checkpoint, actor=actor, progress=progress)
        if errors:
            raise CheckpointError(f"The checkpoint is damaged: {errors[0]}.", hint="Export another generation.")
        progress.step("copying it, and reading the copy back", 2 * checkpoint.size_bytes)
        with being_read(source):
            copy_verified(source, target, checkpoint.sha256, progress, overwrite=force)
        return target

    def plan_import(self, file: Path, agent_name: str | None, progress: Progress) -> ImportPlan:
        """Verify a file, and find out whom it belongs to.

        Args:
            file: As `export` wrote it, or as it lies in the second place.
            agent_name: Whom to give it to; None for the agent that the file names.
            progress: Told what is done.

        Raises:
            CheckpointError: It is damaged, hostile, no checkpoint, or in the catalog already.
            NotFound: Nobody here has the id that the file names.
        """
        with ExitStack() as opened:
            plain = self._opened(file, opened, progress)
            progress.step("verifying the file", 2 * plain.stat().st_size)
            _refuse_damaged(plain, file, progress)
            described = describe(plain, now=self._clock.now())
            plan = self._plan(described, agent_name)
            self._database.read(_refuse_known, hash_of(plain, progress))
        return plan

    def import_file(self, file: Path, agent_name: str | None, actor: Actor, progress: Progress) -> Checkpoint:
        """Enter a file among the generations of its agent, by the time it was taken.

        Raises:
            CheckpointError: As for `plan_import`, or it is in the catalog already.
        """
        with ExitStack() as opened:
            plain = self._opened(file, opened, progress)
            target, sha256 = self._take_in(plain, file, progress)
            opened.callback(_remove_unless_entered, self._database, target)
            # The copy is judged, not the file: that one may be another in the meantime.
            progress.step("verifying the copy", target.stat().st_size)
            _refuse_damaged(target, file, progress)
            described = describe(target, now=self._clock.now())
            plan = self._plan(described, agent_name)
            return self._enter(plan, target, sha256, actor)

    def delete(self, checkpoint: Checkpoint, actor: Actor) -> None:
        """Delete a checkpoint, here and in the second place.

        Raises:
            CheckpointError: It is the last valid one of an agent that sleeps, or its file is being read.
            AgentBusy: Somebody works on the agent.
        """
        path = Path(checkpoint.path)
        with self._locks.agent(checkpoint.agent_id, purpose="delete"), nobody_reads(path) as is_free:
            if not is_free:
                raise CheckpointError("The checkpoint is being read.", hint="Try again in a moment.")
            event = Event(
                EventKind.CHECKPOINT_DELETED,
                f"A checkpoint of {checkpoint.created_at:%Y-%m-%d %H:%M} UTC (generation {checkpoint.generation})"
                " was deleted",
                checkpoint.agent_id,
                actor,
                payload={"checkpoint_id": checkpoint.id},
            )
            with self._database.spending_reserve():
                try:
                    self._database.write(_delete, checkpoint.id, event, now=self._clock.now())
                except StoreFull:
                    if checkpoint.size_bytes < ROOM_BYTES:
                        raise
                    # Its file makes room for that first; killed in between, it is a damaged checkpoint.
                    self._database.read(_refuse_needed, checkpoint.id)
                    empty(path)
                    self._database.write(_delete, checkpoint.id, event, now=self._clock.now())
                _unlink(path)
            self._hub.publish(event)

    def _opened(self, file: Path, opened: ExitStack, progress: Progress) -> Path:
        """The file, decrypted where it is encrypted."""
        if not file.is_file():
            raise NotFound(f"There is no file {file}.", hint="Name a file that `hive-tui export` wrote.")
        if not is_sealed(file):
            return file
        plain = opened.enter_context(self._snapshotter.scratch()) / file.name.removesuffix(".age")
        progress.step("decrypting it", file.stat().st_size)
        self._sealer.open(file, plain, progress)
        return plain

    def _take_in(self, plain: Path, file: Path, progress: Progress) -> tuple[Path, str]:
        """Copy it into our own folder; nothing of what it says is believed yet."""
        folder = self._home / "checkpoints" / "imported"
        progress.step("copying it, and reading the copy back", 2 * plain.stat().st_size)
        try:
            for place in (folder.parent, folder):
                place.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise as_error(error, folder) from error
        target = folder / f"{self._clock.now():%Y%m%dT%H%M%S.%f}Z-{uuid4().hex[:8]}.tar.zst"
        return target, copy_verified(plain, target, None, progress)

    def _plan(self, described: Described, agent_name: str | None) -> ImportPlan:
        agents = self._database.read(agent_store.everyone)
        by_name = {agent.name: agent for agent in agents}
        if agent_name is None:
            found = next((agent for agent in agents if agent.id == described.agent_id), None)
            if found is None:
                raise NotFound(
                    f"The checkpoint is of {described.agent_name!r}, which is no agent here.",
                    hint=f"Add --agent {described.agent_name} to enter it as an agent that sleeps, or name another.",
                )
            return ImportPlan(described, found, "")
        if agent_name in by_name:
            return ImportPlan(described, by_name[agent_name], "")
        return ImportPlan(described, None, checked_name(agent_name, by_name))

    def _enter(self, plan: ImportPlan, path: Path, sha256: str, actor: Actor) -> Checkpoint:
        now = self._clock.now()
        agent, made = plan.agent, None
        if agent is None:
            agent = made = plan.described.agent(str(uuid4()), plan.new_name, self._kinds, now=now, trusted=False)
        checkpoint = plan.described.row(path, sha256, agent.id, now=now, imported=True)
        event = Event(
            EventKind.CHECKPOINT_IMPORTED,
            f"A checkpoint of {checkpoint.created_at:%Y-%m-%d %H:%M} UTC was imported for {agent.name}",
            agent.id,
            actor,
            payload={"checkpoint_id": checkpoint.id},
        )
        entered = self._database.write(_enter, checkpoint, made, event, now=now)
        self._hub.publish(event)
        return entered


def _refuse_damaged(path: Path, file: Path, progress: Progress) -> None:
    errors = reader.verify(path, advance=progress.advance)
    if errors:
        raise CheckpointError(f"{file} was not imported: {errors[0]}.", hint="Nothing was changed.")


def _refuse_known(db: sqlite3.Connection, sha256: str) -> None:
    known = checkpoints.with_hash(db, sha256)
    if known is not None:
        raise CheckpointError(
            f"That checkpoint is in the catalog already: generation {known.generation}, {known.id[:8]}.",
            hint="Nothing was changed.",
        )


def _enter(
    db: sqlite3.Connection, checkpoint: Checkpoint, made: Agent | None, event: Event, *, now: datetime
) -> Checkpoint:
    _refuse_known(db, checkpoint.sha256)
    if made is not None:
        agent_store.add(db, made, now=now)
    place = checkpoints.insert_by_age(db, checkpoint)
    if made is not None:
        agent_store.set_checkpoint(db, made.id, checkpoint.id)
    journal.log(db, event, now=now)
    return checkpoints.generation(db, checkpoint.agent_id, place)


def _refuse_needed(db: sqlite3.Connection, checkpoint_id: str) -> None:
    one = checkpoints.get(db, checkpoint_id)
    others = [other for other in checkpoints.of_agent(db, one.agent_id) if other.id != one.id and other.is_valid]
    agent = next((agent for agent in agent_store.everyone(db) if agent.id == one.agent_id), None)
    if agent is not None and agent.lifecycle is not Lifecycle.AWAKE and one.is_valid and not others:
        raise CheckpointError(
            f"It was not deleted: {agent.name} is {agent.lifecycle}, and this is the last good checkpoint of it.",
            hint=f"Wake {agent.name} first, or forget it.",
        )
    if any(operation.agent_id == one.agent_id for operation in journal.operations(db)):
        raise CheckpointError("Something is under way with its agent.", hint="`hive-tui recover` ends it.")


def _delete(db: sqlite3.Connection, checkpoint_id: str, event: Event, *, now: datetime) -> None:
    _refuse_needed(db, checkpoint_id)
    one = checkpoints.get(db, checkpoint_id)
    others = [other for other in checkpoints.of_agent(db, one.agent_id) if other.id != one.id and other.is_valid]
    agent = next((agent for agent in agent_store.everyone(db) if agent.id == one.agent_id), None)
    checkpoints.remove(db, one.id)
    offsite.let_go(db, one.id, now=now)
    if agent is not None and agent.checkpoint_id == one.id and others:
        agent_store.set_checkpoint(db, agent.id, others[0].id)
    journal.log(db, event, now=now)


def _unlink(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise as_error(error, path) from error


def _remove_unless_entered(database: Database, path: Path) -> None:
    """After an import that failed, nothing is left; where that cannot be known, `doctor` finds the file."""
    with suppress(HiveError, OSError):
        if not any(one.path == str(path) for one in database.read(checkpoints.everything)):
            path.unlink(missing_ok=True)
