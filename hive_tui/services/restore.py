"""Goes back to a generation of an agent: workspace and conversation, after a safety checkpoint of what is there.

Applied by a journal: killed in the middle, it is finished or undone at the next start.
"""

import json
import shutil
import sqlite3
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from hive_tui.adapters.files.forward import HALF_DONE
from hive_tui.adapters.files.room import require_room
from hive_tui.adapters.reading import being_read
from hive_tui.archive import reader
from hive_tui.domain.agents import Agent, Lifecycle
from hive_tui.domain.checkpoints import Checkpoint, CheckpointReason
from hive_tui.domain.contents import FILES
from hive_tui.domain.errors import Cancelled, HiveError, RestoreError, WorkspaceError
from hive_tui.domain.events import Actor, Event, EventKind, Severity
from hive_tui.domain.ports import Clock, Locks, Progress, Workspaces
from hive_tui.domain.workspaces import RestorePlan
from hive_tui.services import restore_effects
from hive_tui.services.conversation import Conversation
from hive_tui.services.nap import Napper, NapRequest
from hive_tui.services.observer import Observer
from hive_tui.services.restore_ending import MADE, RestoreEnding, wake_key
from hive_tui.services.restore_views import EVERYTHING, Part, Preview, RestoreResult
from hive_tui.services.snapshot import Snapshotter
from hive_tui.services.streams import Streams, has_all
from hive_tui.services.validation import Validator
from hive_tui.store import agents as agent_store
from hive_tui.store import journal
from hive_tui.store.database import Database

MOST_MADE = 20_000
"""A restore that makes more files than that leaves them there when it is undone, as it says."""
WITH_FILES = ("git", "folder")
"""Kinds of workspaces of which a checkpoint holds the files."""


class Restorer:
    """Changes nothing before a verified safety checkpoint of what is there."""

    def __init__(
        self,
        home: Path,
        database: Database,
        locks: Locks,
        napper: Napper,
        snapshotter: Snapshotter,
        validator: Validator,
        workspaces: Workspaces,
        observer: Observer,
        conversation: Conversation,
        streams: Streams,
        ending: RestoreEnding,
        clock: Clock,
    ) -> None:
        self._home = home
        self._database = database
        self._locks = locks
        self._napper = napper
        self._snapshotter = snapshotter
        self._validator = validator
        self._workspaces = workspaces
        self._observer = observer
        self._conversation = conversation
        self._streams = streams
        self._ending = ending
        self._clock = clock

    def refuse_early(self, agent: Agent, wanted: Checkpoint, actor: Actor) -> None:
        """Raise at once what would stop `restore` only after the person has waited for the preview.

        It is asked again when it counts.

        Raises:
            AgentBusy: Somebody else works on the agent.
            NapRefused: The agent is awake and something speaks against a nap.
        """
        with self._locks.agent(agent.id, purpose="restore"):
            sighting = self._observer.observe().sightings.get(agent.id)
            if sighting is not None:
                self._napper.refuse_if_vetoed(agent, sighting, _nap_for(wanted, actor))

    def preview(
        self, agent: Agent, wanted: Checkpoint, progress: Progress, parts: Collection[Part] = EVERYTHING
    ) -> Preview:
        """What a restore of these parts would change; changes nothing.

        Raises:
            RestoreError: The checkpoint is damaged.
            WorkspaceError: The workspace cannot be read.
        """
        progress.step("verifying the checkpoint")
        self._refuse_damaged(wanted, progress)
        with (
            being_read(Path(wanted.path)),
            self._snapshotter.scratch() as saved,
            self._snapshotter.scratch() as current,
        ):
            require_room(saved, wanted.content_bytes)
            progress.step("unpacking the checkpoint", wanted.content_bytes)
            reader.extract(Path(wanted.path), saved, free_links=FILES, advance=progress.advance)
            progress.step("comparing the workspace")
            plan, notes = None, list[str]()
            if Part.WORKSPACE in parts:
                plan, notes = self._plan(agent, wanted, saved, current, progress)
                notes += self._neighbours(agent, Path(plan.root) if plan is not None else Path(agent.cwd))
            change = self._conversation.change(agent, saved) if Part.CONVERSATION in parts else None
            streams = self._streams.preview(saved) if Part.STREAMS in parts else []
        return Preview(agent, wanted, plan, change, tuple(notes), tuple(streams))

    def restore(
        self,
        agent: Agent,
        wanted: Checkpoint,
        actor: Actor,
        progress: Progress,
        parts: Collection[Part] = EVERYTHING,
        *,
        wake: bool = True,
    ) -> RestoreResult:
        """Go back to a checkpoint, or with these parts; an agent that is awake is napped for it.

        Args:
            agent: Who goes back.
            wanted: Where to.
            actor: Who asks for it.
            progress: May stop it until the first file is changed.
            parts: What goes back.
            wake: Enqueue the wake of an agent that was awake, together with the end of the restore.

        Raises:
            RestoreError: The checkpoint is damaged.
            NapRefused: The agent is awake and something speaks against a nap.
            HiveError: A step failed; what was changed by then is finished at the next start.
        """
        with self._locks.agent(agent.id, purpose="restore"):
            progress.step("verifying the checkpoint")
            self._refuse_damaged(wanted, progress)
            was_awake = agent.id in self._observer.observe().sightings
            folder = self._home / "restores" / str(uuid4())
            begun = _begun(folder, wanted, actor, parts) | {"wake": was_awake and wake}
            safety = self._safety(agent, wanted, begun, actor, progress, is_awake=was_awake)
            agent = self._database.read(agent_store.get, agent.id)
            state = begun | _saved_by(safety)
            try:
                plan, notes = self._prepare(agent, wanted, safety, folder, progress, parts)
                made = {"made": made_by(plan)}
                self._database.write(journal.advance, agent.id, "begun", made, now=self._clock.now())
                progress.step("writing the files")
                changed, warnings = self._apply_workspace(plan, folder, progress)
                progress.no_way_back(HALF_DONE)
            except HiveError as error:
                if not (folder / "journal").exists() or self._workspaces.resume(folder / "journal") is None:
                    self._give_up(agent, wanted, folder, actor, error, was_awake=was_awake)
                raise
            agent, left, wakeup = self._ending.finish(agent, wanted, state | made)
        kept, said = plan.kept if plan else (), (*notes, *warnings, *left)
        return RestoreResult(agent, wanted, safety, was_awake, changed, kept, said, frozenset(parts), wakeup)

    def _neighbours(self, agent: Agent, root: Path) -> list[str]:
        """The other agents that work below the folder whose files would change, as notes."""
        everyone = self._database.read(agent_store.everyone)
        there = [
            one
            for one in everyone
            if one.id != agent.id and Path(one.cwd).is_relative_to(root) and one.lifecycle is not Lifecycle.FAILED
        ]
        return [f"{one.name} ({one.lifecycle}) works in the same folder, and its files change, too" for one in there]

    def _give_up(
        self, agent: Agent, wanted: Checkpoint, folder: Path, actor: Actor, error: HiveError, *, was_awake: bool
    ) -> None:
        """Nothing was restored, yet the agent may have been put to sleep for it: that must not go unsaid."""
        shutil.rmtree(folder, ignore_errors=True)
        asleep = f"; {agent.name} was put to sleep for it, w wakes it" if was_awake else ""
        text = f"The restore of {agent.name} to generation {wanted.generation} was stopped: {error.what}{asleep}"
        severity = Severity.WARNING if isinstance(error, Cancelled) else Severity.FAILURE
        self._ending.close(agent, Event(EventKind.RESTORE_FAILED, text, agent.id, actor, severity))

    def _refuse_damaged(self, wanted: Checkpoint, progress: Progress) -> None:
        errors = self._validator.check(wanted, progress=progress)
        if errors:
            raise RestoreError(
                f"Generation {wanted.generation} is damaged: {errors[0]}.",
                hint="Nothing was changed. `hive-tui checkpoints` lists the others.",
            )

    def _safety(
        self,
        agent: Agent,
        wanted: Checkpoint,
        begun: Mapping[str, Any],
        actor: Actor,
        progress: Progress,
        *,
        is_awake: bool,
    ) -> Checkpoint:
        """A checkpoint of what is there now, and the journal is open; the agent does not run afterwards.

        Whether it is awake is what was just seen: it may have been woken since the caller read its row.
        """

        def open_journal(db: sqlite3.Connection, safety: Checkpoint) -> None:
            # Before anything is unpacked, so that whoever comes after a kill knows what to wake and what to remove.
            state = {**begun, **_saved_by(safety)}
            restore_effects.begin(db, agent, wanted, state, now=self._clock.now())

        if is_awake:
            key = wake_key(begun) if begun["wake"] else ""
            request = replace(_nap_for(wanted, actor), wake_key=key, then=open_journal)
            return self._napper.nap_locked(agent.id, request, progress).checkpoint
        safety = self._snapshotter.take(agent, CheckpointReason.SAFETY, actor, progress)
        self._database.write(open_journal, safety)
        return safety

    def _prepare(
        self,
        agent: Agent,
        wanted: Checkpoint,
        safety: Checkpoint,
        folder: Path,
        progress: Progress,
        parts: Collection[Part],
    ) -> tuple[RestorePlan | None, list[str]]:
        """Unpack both sides and plan, all in a folder that survives a crash."""
        progress.step("unpacking the checkpoint", wanted.content_bytes + safety.content_bytes)
        folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.mkdir(mode=0o700)
        require_room(folder, wanted.content_bytes + safety.content_bytes)
        for name, checkpoint in (("wanted", wanted), ("current", safety)):
            (folder / name).mkdir(mode=0o700)
            reader.extract(Path(checkpoint.path), folder / name, free_links=FILES, advance=progress.advance)
        if Part.WORKSPACE not in parts:
            return None, []
        saved, current = folder / "wanted/workspace", folder / "current/workspace"
        return self._plan_between(agent, wanted, saved, current)

    def _plan(
        self, agent: Agent, wanted: Checkpoint, saved: Path, current: Path, progress: Progress
    ) -> tuple[RestorePlan | None, list[str]]:
        cwd = Path(agent.cwd)
        if cwd.is_dir():
            facts = self._workspaces.snapshot(cwd, current, progress)
            (current / "state.json").write_text(json.dumps(facts.to_json()))
        return self._plan_between(agent, wanted, saved / "workspace", current)

    def _plan_between(
        self, agent: Agent, wanted: Checkpoint, saved: Path, current: Path
    ) -> tuple[RestorePlan | None, list[str]]:
        was, now = _state(saved), _state(current)
        if was.get("kind") not in WITH_FILES:
            return None, ["the checkpoint has no files of the workspace", *was.get("notes", ())]
        if not Path(agent.cwd).exists():
            return None, ["the folder is gone; a wake builds it again from the checkpoint"]
        if was["kind"] != now.get("kind"):
            names = {"git": "a git repository", "folder": "a folder without git"}
            kind = names.get(str(now.get("kind")), "too wide to be captured")
            return None, [f"the folder was {names[was['kind']]} and is {kind} now; its files stay as they are"]
        made = dict(wanted.summary.get(MADE, {}))
        return self._workspaces.plan(saved, current, Path(str(was["root"])), made), []

    def _apply_workspace(
        self, plan: RestorePlan | None, folder: Path, progress: Progress
    ) -> tuple[int, tuple[str, ...]]:
        if plan is None:
            return 0, ()
        saved = folder / "wanted/workspace"
        applied = self._workspaces.apply(plan, saved, Path(plan.root), folder / "journal", progress)
        differences = self._workspaces.verify(saved, Path(plan.root))
        if differences and not applied.refused:
            raise WorkspaceError(
                f"After the restore {len(differences)} files are not as they should be: {differences[0]}.",
                hint=f"What was unpacked lies in {folder}.",
            )
        displaced = tuple(
            f"a copy of {path} as it was lies in {folder}/journal/displaced" for path in applied.displaced
        )
        return applied.changed, (*applied.warnings, *applied.refused, *displaced)


def _nap_for(wanted: Checkpoint, actor: Actor) -> NapRequest:
    why = f"to be restored to generation {wanted.generation}"
    return NapRequest(why, actor, checkpoint_reason=CheckpointReason.SAFETY)


def _begun(folder: Path, wanted: Checkpoint, actor: Actor, parts: Collection[Part]) -> dict[str, Any]:
    """What whoever finishes the restore after a kill has to know."""
    return {
        "folder": str(folder),
        "checkpoint_id": wanted.id,
        "actor": actor.name,
        "parts": sorted(parts),
    }


def _saved_by(safety: Checkpoint) -> dict[str, Any]:
    """The same, of the checkpoint that was taken before anything is changed."""
    return {"safety_id": safety.id, "streams_are_safe": has_all(safety)}


def made_by(plan: RestorePlan | None) -> dict[str, str]:
    """The files that a restore makes where nothing was, with the ids of their contents; none of too many."""
    made = {one.path: one.new_id for one in (plan.changes if plan else ()) if one.old_id is None and one.new_id}
    return made if len(made) <= MOST_MADE else {}


def _state(folder: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((folder / "state.json").read_text()))
    except (OSError, ValueError):
        return {}
