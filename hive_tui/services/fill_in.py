"""Before a wake: choose a checkpoint that is good, and bring back from it what is missing. Never what is there."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hive_tui.archive import reader
from hive_tui.domain.agents import Agent
from hive_tui.domain.checkpoints import Checkpoint, candidates
from hive_tui.domain.contents import FILES
from hive_tui.domain.errors import NeedsPerson, WakeFailed, WakeImpossible, WorkspaceError
from hive_tui.domain.events import HEARTBEAT, Event, EventKind, Severity
from hive_tui.domain.ports import Workspaces
from hive_tui.kinds.catalog import GENERIC, Kinds
from hive_tui.services.conversation import replace_file, set_aside_companions
from hive_tui.services.hub import Hub
from hive_tui.services.snapshot import Snapshotter
from hive_tui.services.streams import Streams
from hive_tui.services.validation import Validator
from hive_tui.store import checkpoints
from hive_tui.store.database import Database


@dataclass(frozen=True, slots=True)
class Source:
    """Where a wake starts from."""

    checkpoint: Checkpoint | None
    """None where the vendor's transcript alone is what there is."""
    fallbacks: int
    """How many damaged generations were stepped over."""
    transcript: Path
    restored: tuple[str, ...]
    """What was missing and was brought back, in words."""


class FillIn:
    """Chooses the checkpoint for a wake and restores what is missing from it."""

    def __init__(
        self,
        database: Database,
        validator: Validator,
        snapshotter: Snapshotter,
        workspaces: Workspaces,
        kinds: Kinds,
        streams: Streams,
        hub: Hub,
    ) -> None:
        self._database = database
        self._validator = validator
        self._snapshotter = snapshotter
        self._workspaces = workspaces
        self._kinds = kinds
        self._streams = streams
        self._hub = hub

    def prepare(self, agent: Agent, *, confirmed: bool) -> Source:
        """Make sure that transcript and folder are there, and the streams that a flush of Redis took.

        Args:
            agent: The agent that is to be woken.
            confirmed: A person has agreed to a wake without a good checkpoint.

        Raises:
            NeedsPerson: Every checkpoint is damaged, but the transcript is there: a person must decide.
            WakeFailed: Something is missing that no good checkpoint holds.
        """
        transcript = self._transcript(agent)
        known = self._database.read(checkpoints.of_agent, agent.id)
        tried = candidates(known, agent.checkpoint_id)
        good, damaged = self._first_good(agent, tried)
        if good is None:
            older = next((one for one in known if one.is_valid and one not in tried), None)
            return self._without_checkpoint(agent, transcript, damaged, older, confirmed=confirmed)
        restored: list[str] = []
        if transcript is None:
            transcript = self._restore_session(agent, good)
            restored.append("the transcript")
        if not Path(agent.cwd).exists():
            restored.append(self._restore_workspace(agent, good))
        restored += self._streams.fill_in(agent, good)
        return Source(good, len(damaged), transcript, tuple(restored))

    def _transcript(self, agent: Agent) -> Path | None:
        if agent.session_id is None or agent.config_dir is None:
            then = "hive-tui then finds it there"
            if agent.kind == GENERIC:
                then = (
                    f"`hive-tui resume-command {agent.name}` tells the command, and `hive-tui adopt` takes it in again"
                )
            raise NeedsPerson(
                f"{agent.name} cannot be woken: no conversation of it is known that could be resumed.",
                hint=f"Start it by hand in {agent.cwd}; {then}.",
            )
        found = self._kinds.get(agent.kind).find_transcript(Path(agent.config_dir), agent.session_id)
        return found if found is not None and found.stat().st_size > 0 else None

    def _first_good(
        self, agent: Agent, tried: Sequence[Checkpoint]
    ) -> tuple[Checkpoint | None, list[tuple[Checkpoint, str]]]:
        damaged: list[tuple[Checkpoint, str]] = []
        for checkpoint in tried:
            errors = self._validator.check(checkpoint)
            if not errors:
                if damaged:
                    self._alert(agent, checkpoint, damaged)
                return checkpoint, damaged
            damaged.append((checkpoint, str(errors[0])))
        return None, damaged

    def _alert(self, agent: Agent, used: Checkpoint, damaged: list[tuple[Checkpoint, str]]) -> None:
        named = "; ".join(f"generation {bad.generation}: {why}" for bad, why in damaged)
        event = Event(
            EventKind.CHECKPOINT_SKIPPED,
            f"{agent.name} wakes from generation {used.generation}, since newer ones are damaged ({named})",
            agent.id,
            HEARTBEAT,
            Severity.FAILURE,
            {"used": used.id, "skipped": [bad.id for bad, _ in damaged]},
        )
        self._validator.log(event)
        self._hub.publish(event)

    def _without_checkpoint(
        self,
        agent: Agent,
        transcript: Path | None,
        damaged: list[tuple[Checkpoint, str]],
        older: Checkpoint | None,
        *,
        confirmed: bool,
    ) -> Source:
        named = "; ".join(f"generation {bad.generation}: {why}" for bad, why in damaged)
        which = "all checkpoints" if older is None else f"{len(damaged)} checkpoints in a row"
        go_back = f"`hive-tui restore {agent.name} --generation {older.generation}` goes back further." if older else ""
        if transcript is None:
            why = f"{which} of it are damaged ({named})" if damaged else "it has no checkpoint"
            there = go_back or "A backup of the checkpoints folder may still hold a good one."
            raise NeedsPerson(
                f"{agent.name} cannot be woken: its transcript is gone, and {why}.",
                hint=f"Nothing was overwritten. {there}",
            )
        if not Path(agent.cwd).exists():
            raise WakeFailed(
                f"{agent.name} cannot be woken: its folder {agent.cwd} is gone, and no good checkpoint holds it.",
                hint="Make the folder, then try again.",
            )
        if damaged and not confirmed:
            raise NeedsPerson(
                f"{which.capitalize()} of {agent.name} are damaged ({named}); its transcript is there.",
                hint=f"`hive-tui wake {agent.name} --yes` wakes it from the transcript alone. {go_back}".strip(),
                confirmable=True,
            )
        return Source(None, len(damaged), transcript, ())

    def _restore_session(self, agent: Agent, checkpoint: Checkpoint) -> Path:
        """Bring back the files of the conversation that are missing."""
        if checkpoint.session_id != agent.session_id:
            raise WakeImpossible(
                f"{agent.name} cannot be woken: the transcript of conversation {agent.session_id} is gone, and "
                f"generation {checkpoint.generation} holds another one ({checkpoint.session_id}).",
                hint=f"`hive-tui restore {agent.name} --generation {checkpoint.generation}` goes back to that one.",
            )
        with self._snapshotter.scratch() as scratch:
            reader.extract(
                Path(checkpoint.path), scratch, wanted=lambda name: name.startswith("session/"), free_links=FILES
            )
            listed: dict[str, Any] = json.loads((scratch / "session/files.json").read_text())
            for entry in listed["files"]:
                target = Path(entry["path"])
                if entry.get("is_database") and not target.exists():
                    set_aside_companions(target)
                restore_missing(scratch / entry["member"], target)
        found = self._transcript(agent)
        if found is None:
            raise WakeImpossible(
                f"{agent.name} cannot be woken: generation {checkpoint.generation} has no transcript in it.",
                hint="Try another generation with `hive-tui restore`.",
            )
        return found

    def _restore_workspace(self, agent: Agent, checkpoint: Checkpoint) -> str:
        """The folder is gone: build it again; an empty one at least lets the conversation go on."""
        cwd = Path(agent.cwd)
        with self._snapshotter.scratch() as scratch:
            reader.extract(
                Path(checkpoint.path), scratch, wanted=lambda name: name.startswith("workspace/"), free_links=FILES
            )
            state: dict[str, Any] = json.loads((scratch / "workspace/state.json").read_text())
            if state.get("kind") in ("git", "folder"):
                try:
                    self._workspaces.recreate(scratch / "workspace", Path(str(state["root"])))
                except WorkspaceError as error:
                    raise WakeFailed(f"{agent.name} cannot be woken: {error.what}", hint=error.hint) from error
        if cwd.exists():
            left_out = checkpoint.summary.get("workspace", {}).get("left_out", ())
            return f"the folder {state['root']}" + (f" (not in it: {'; '.join(left_out)})" if left_out else "")
        try:
            cwd.mkdir(parents=True)
        except OSError as error:
            raise WakeFailed(f"{agent.name} cannot be woken: its folder {cwd} cannot be made: {error}.") from error
        return f"an empty folder {cwd}, since the checkpoint has no files of it"


def restore_missing(saved: Path, target: Path) -> None:
    """Put a saved file where it belongs, unless something is there."""
    if not target.exists() or target.stat().st_size == 0:
        replace_file(saved, target)
