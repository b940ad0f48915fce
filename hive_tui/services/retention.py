"""Keeps the store of checkpoints small: removes what the policy does not ask for, and never what somebody needs."""

import os
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from hive_tui.adapters.reading import nobody_reads
from hive_tui.domain.agents import Lifecycle
from hive_tui.domain.checkpoints import Checkpoint
from hive_tui.domain.durations import bytes_in_words, counted
from hive_tui.domain.errors import AgentBusy, Cancelled, CheckpointError, StoreFull
from hive_tui.domain.events import HEARTBEAT, Actor, Event, EventKind, Severity
from hive_tui.domain.ports import Clock, Locks, Progress
from hive_tui.domain.progress import Unwatched
from hive_tui.domain.retention import Removal, RetentionPlan, RetentionPolicy, plan_retention
from hive_tui.services.hub import Hub
from hive_tui.store import agents as agent_store
from hive_tui.store import checkpoints, journal, offsite, settings
from hive_tui.store.database import Database

SEEN = "retention.seen"
"""What the last run saw, so that the heartbeat notices checkpoints of other processes."""
FULL = "retention.full"
ROOM_BYTES = 256_000
"""A file of that size makes room for the transaction that takes it out of the catalog."""


@dataclass(frozen=True, slots=True)
class Pruned:
    """What a run did."""

    removed: tuple[Removal, ...]
    skipped: tuple[tuple[Removal, str], ...]
    """What was not removed although the policy says so, and why; the next run tries again."""
    bytes_over_quota: int
    left: tuple[Removal, ...] = ()
    """What was not come to, since the person stopped the run before."""

    @property
    def freed_bytes(self) -> int:
        """Sum of the removed files."""
        return sum(one.checkpoint.size_bytes for one in self.removed if one.checkpoint.is_local)

    def sentence(self) -> str:
        """For a person."""
        count = len(self.removed)
        what = "1 checkpoint was" if count == 1 else f"{count} checkpoints were"
        stopped = f"; stopped before the other {len(self.left)}" if self.left else ""
        return f"{what} removed, {bytes_in_words(self.freed_bytes)} freed{stopped}"


class Retention:
    """Removes checkpoints one by one; the row goes first, and a file that is left is found by `doctor`."""

    def __init__(self, database: Database, locks: Locks, policy: RetentionPolicy, clock: Clock, hub: Hub) -> None:
        self._database = database
        self._locks = locks
        self._policy = policy
        self._clock = clock
        self._hub = hub

    def plan(self) -> RetentionPlan:
        """What a run would remove now; changes nothing."""
        catalog, needed, sleeping = self._database.read(_situation)
        plan = plan_retention(catalog, self._policy, now=self._clock.now(), needed=needed, sleeping=sleeping)
        # What shall be left must really be there before anything goes.
        newest = {one.agent_id: one for one in reversed(catalog) if one.is_valid and one.id in plan.kept}
        hollow = {agent_id for agent_id, one in newest.items() if not self._stands(one)}
        removals = tuple(one for one in plan.removals if one.checkpoint.agent_id not in hollow)
        return RetentionPlan(plan.kept, removals, plan.bytes_over_quota)

    def prune(self, actor: Actor = HEARTBEAT, progress: Progress | None = None) -> Pruned:
        """Remove what the policy does not ask for. Safe to run in several processes at once.

        A person can stop it between two checkpoints; what was removed by then is told like any other run.

        Raises:
            StoreError: The database cannot be read or written.
            CheckpointError: A file cannot be removed; what went before it is told all the same.
            Cancelled: It was stopped before anything was removed.
        """
        plan = self.plan()
        removed: list[Removal] = []
        skipped: list[tuple[Removal, str]] = []
        with self._database.spending_reserve():
            try:
                self._remove_all(plan.removals, removed, skipped, progress or Unwatched())
            finally:
                left = plan.removals[len(removed) + len(skipped) :]
                pruned = Pruned(tuple(removed), tuple(skipped), plan.bytes_over_quota, left)
                self._tell(pruned, actor)
        return pruned

    def _remove_all(
        self,
        removals: Sequence[Removal],
        removed: list[Removal],
        skipped: list[tuple[Removal, str]],
        progress: Progress,
    ) -> None:
        sizes = [one.checkpoint.size_bytes if one.checkpoint.is_local else 0 for one in removals]
        progress.step(f"removing {counted(len(removals), 'checkpoint')}", sum(sizes))
        for removal, size in zip(removals, sizes, strict=True):
            if progress.cancelled.is_set():
                return
            why_not = self.remove(removal.checkpoint)
            if why_not:
                skipped.append((removal, why_not))
            else:
                removed.append(removal)
            with suppress(Cancelled):  # what was done by then is to be told
                progress.advance(size)

    def prune_if_due(self) -> Pruned | None:
        """Prune where a checkpoint came, or a day went by, since the last run; the chore of the heartbeat."""
        seen = self._seen()
        if seen == self._database.read(settings.get, SEEN):
            return None
        pruned = self.prune()
        if not pruned.skipped:
            self._database.write(settings.put, SEEN, seen, now=self._clock.now())
        return pruned

    def _seen(self) -> list[str]:
        """What a run depends on: the newest checkpoint, and the day, since they grow older by themselves."""
        return [self._database.read(checkpoints.newest_id), self._clock.now().date().isoformat()]

    def remove(self, checkpoint: Checkpoint) -> str:
        """Remove one checkpoint that the agent can do without; why it was not removed, empty if it was."""
        path = Path(checkpoint.path)
        try:
            with self._locks.agent(checkpoint.agent_id, purpose="prune"), nobody_reads(path) as is_free:
                if not is_free:
                    return "its file is being read"
                if not self._take_out(checkpoint):
                    return "it is needed meanwhile"
                _unlink(path)
        except AgentBusy:
            return "another hive-tui works on its agent"
        return ""

    def _take_out(self, checkpoint: Checkpoint) -> bool:
        """Take it out of the catalog, unless it is needed; on a disk that is full its file makes room for that first.

        Killed between the two, it is a damaged checkpoint, and the next run removes it.
        """
        try:
            return self._database.write(take_out, checkpoint.id, now=self._clock.now())
        except StoreFull:
            if checkpoint.size_bytes < ROOM_BYTES:
                raise
        if not self._database.read(checkpoints.is_dispensable, checkpoint.id):
            return False
        empty(Path(checkpoint.path))
        return self._database.write(take_out, checkpoint.id, now=self._clock.now())

    def _stands(self, checkpoint: Checkpoint) -> bool:
        with suppress(OSError):
            return Path(checkpoint.path).stat().st_size == checkpoint.size_bytes
        copy = self._database.read(offsite.get, checkpoint.id)
        return copy is not None and copy.is_good

    def _tell(self, pruned: Pruned, actor: Actor) -> None:
        events: list[Event] = []
        if pruned.removed:
            why = [f"{one.checkpoint.id[:8]}: {one.why}" for one in pruned.removed[:50]]
            payload = {"freed_bytes": pruned.freed_bytes, "removed": why}
            events.append(Event(EventKind.CHECKPOINT_PRUNED, pruned.sentence(), actor=actor, payload=payload))
        was_full = bool(self._database.read(settings.get, FULL, False))
        is_full = pruned.bytes_over_quota > 0
        if is_full and not was_full:
            text = (
                f"The checkpoints that must be kept are {bytes_in_words(pruned.bytes_over_quota)} over the quota"
                f" of {bytes_in_words(self._policy.quota_bytes)}; raise [checkpoint] quota_bytes, or delete some"
            )
            events.append(Event(EventKind.CATALOG_FULL, text, actor=actor, severity=Severity.FAILURE))
        if events or is_full != was_full:
            self._database.write(_log, events, is_full, now=self._clock.now())
            self._hub.publish(*events)


def take_out(db: sqlite3.Connection, checkpoint_id: str, *, now: datetime) -> bool:
    """Take a checkpoint out of the catalog, unless it has come to be needed; asked again where nothing can change."""
    if not checkpoints.is_dispensable(db, checkpoint_id):
        return False
    checkpoints.remove(db, checkpoint_id)
    offsite.let_go(db, checkpoint_id, now=now)
    return True


def empty(path: Path) -> None:
    """Free the space of a file that goes: unlinked, it would keep that for as long as somebody has it open."""
    with suppress(OSError):
        os.truncate(path, 0)


def _unlink(path: Path) -> None:
    """Raises if it stays: the row is gone, and `doctor` would enter the file again."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise CheckpointError(
            f"{path} could not be removed: {error.strerror or error}.", hint="Look at the folder's owner and mode."
        ) from error


def _situation(db: sqlite3.Connection) -> tuple[list[Checkpoint], set[str], set[str]]:
    """The catalog, the ids that are needed, and the agents that have no process."""
    catalog = checkpoints.everything(db)
    agents = agent_store.everyone(db)
    busy = {operation.agent_id for operation in journal.operations(db)}
    needed = {agent.checkpoint_id for agent in agents if agent.checkpoint_id is not None}
    needed |= {one.id for one in catalog if one.agent_id in busy}
    awake = {agent.id for agent in agents if agent.lifecycle is Lifecycle.AWAKE}
    return catalog, needed, {one.agent_id for one in catalog} - awake


def _log(db: sqlite3.Connection, events: Iterable[Event], is_full: bool, *, now: datetime) -> None:
    for event in events:
        journal.log(db, event, now=now)
    settings.put(db, FULL, is_full, now=now)
