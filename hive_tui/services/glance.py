"""Whether anything has happened since the last look, for next to nothing: an idle hive is not looked at."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from hive_tui.adapters.file_states import ASKED_EACH_TIME, FileStates, state_of
from hive_tui.adapters.path_watch import is_folder
from hive_tui.domain.agents import Agent, Lifecycle
from hive_tui.domain.errors import TmuxError
from hive_tui.domain.panes import PaneWatch
from hive_tui.domain.ports import Clock
from hive_tui.domain.processes import ProcessId
from hive_tui.domain.reconcile import ServerState
from hive_tui.domain.settling import DEBOUNCE_S
from hive_tui.services.liveness import files_of
from hive_tui.services.observer import Observation
from hive_tui.store.database import Database

Trace = Mapping[object, object]

ALL_FILES_EVERY_S = 20.0
"""So often the file system is asked of each file, whatever was heard of it."""
SETTLED_S = 0.1
"""A file that was written so recently may be written again without a trace: its time is told in steps."""


class Glance:
    """What moves when an agent does: the panes' output, its files, its process, and the database.

    `has_news` is for one thread, always the same.

    Args:
        living: Which of these processes live.
        folders: They change when a hook of an agent tells something.
        heard: Gives something else when an agent has reported something to its terminal.
        close: Called when nobody glances any more.
        files: Tells of agents' files; one that remembers them is for this glance alone.
    """

    def __init__(
        self,
        database: Database,
        watch: PaneWatch,
        living: Callable[[Sequence[ProcessId]], object],
        clock: Clock,
        folders: Sequence[Path] = (),
        heard: Callable[[], object] = lambda: None,
        close: Callable[[], None] = lambda: None,
        files: FileStates = ASKED_EACH_TIME,
    ) -> None:
        self._database = database
        self._watch = watch
        self._living = living
        self._clock = clock
        self._folders = tuple(map(str, folders))
        self._heard = heard
        self.close = close
        self._states = files
        self._asked_at_s = clock.monotonic()
        self._agents: tuple[Agent, ...] = ()
        self._files: tuple[str, ...] = ()
        self._running: tuple[ProcessId, ...] = ()
        self._known: dict[object, object] = {}
        self._is_written = False
        self._foreign = 0
        """How the counter of other processes' commits stood before the trace that is known."""
        self._again_at: float | None = None
        self._log = f"{database.path}-wal"
        self._quiet: Trace | None = None
        self.is_deserted = False
        """Whether there was no tmux server at the last look, and no agent that ran."""

    def note(self, observation: Observation) -> None:
        """Watch the agents that a look has found, and look once more if the second of the last output goes on.

        tmux tells that second and nothing finer, so that more output in it leaves no trace.
        """
        if observation.agents != self._agents:
            self._agents = observation.agents
            awake = [agent for agent in self._agents if agent.lifecycle is Lifecycle.AWAKE and agent.process]
            self._files = tuple(path for agent in awake for path in files_of(agent))
            self._running = tuple(agent.process for agent in awake if agent.process is not None)
        self._quiet, self.is_deserted = None, not self._running and observation.state is ServerState.DOWN
        second = int(observation.at.timestamp())
        if any(pane.output_at >= second for pane in observation.panes.panes):
            self._again_at = second + 1.0
        if not all(sighting.is_settled for sighting in observation.sightings.values()):
            self._again_at = observation.at.timestamp() + DEBOUNCE_S

    def is_quiet(self) -> bool:
        """Whether nothing at all has moved since the last call, as files tell; False where it takes a glance to say so.

        Only without a tmux server; in any one thread, at once.
        """
        if not self.is_deserted or self._again_at is not None or not self._watch.is_absent():
            self._quiet = None
            return False
        before, now_s = self._quiet, self._clock.now().timestamp()
        log = state_of(self._log)
        is_settled = log is None or abs(now_s - log[0] / 1e9) > SETTLED_S
        seen: dict[object, object] = {path: state_of(path) for path in self._folders}
        seen |= {"log": log, "heard": self._heard()}
        self._quiet = seen if is_settled else None
        return before is not None and seen == before

    @property
    def places(self) -> tuple[Path, ...]:
        """Where something comes, but for the database, before `is_quiet` is false again.

        A folder for events that is not there yet is left to `is_still`, but for the first one, which is in the hive's
        home: where the others would be, many programs write.
        """
        folders, socket = list(map(Path, self._folders)), self._watch.awaited_at
        there = folders[:1] + [folder for folder in folders[1:] if is_folder(folder)]
        return (*there, *([socket] if socket is not None else []))

    def is_still(self) -> bool:
        """Whether nothing has moved since the last call of `is_quiet`, but for the database. In any one thread."""
        if self._quiet is None or self._again_at is not None or not self._watch.is_absent():
            return False
        return all(self._quiet[path] == state_of(path) for path in self._folders)

    def is_time(self) -> bool:
        """Whether it is time to look once more, whatever has moved; then said once, and at once, in any one thread."""
        if self._again_at is None or self._clock.now().timestamp() < self._again_at:
            return False
        # What moves meanwhile is news at the next call of `has_news`: what was known is not read anew.
        self._again_at = None
        return True

    def is_told(self) -> bool:
        """Whether tmux has told that panes have moved since this or `has_news` said so; at once, in any one thread.

        Whether anything else has moved, the next call of `has_news` says.
        """
        told = self._watch.told() if self._running and self._known else None
        if told is None or told == self._known["panes"]:
            return False
        self._known["panes"] = told
        return True

    def has_news(self) -> bool:
        """Whether something has moved since the last call, or it is time to look once more.

        Raises:
            StoreError: The database cannot be read.
        """
        if self.is_time():
            return True
        self._foreign = self._database.foreign_counter() if self.is_deserted else 0
        panes, database = self._panes(), self._database.change_counter()
        self._is_written |= database != self._known.get("database")
        if self._running and self._known and panes != self._known["panes"]:
            # Who looks now sees all the rest; what of it has moved is news at the next call.
            self._known |= {"panes": panes, "database": database}
            return True
        seen = self._trace() | {"panes": panes, "database": database}
        is_new = seen != self._known
        self._known = seen
        return is_new

    def take_writes(self) -> bool:
        """Whether `has_news` has seen since the last call that the database was written, by whomever."""
        is_written, self._is_written = self._is_written, False
        return is_written

    def settle(self) -> None:
        """What this process has written since the last call is no news where nothing runs; what others wrote still is.

        For the thread of `has_news`.

        Raises:
            StoreError: The database cannot be read.
        """
        if self.is_deserted and self._known:
            counter = self._database.change_counter()
            # Behind it: a commit of others in between is in neither, or in this one alone.
            if self._database.foreign_counter() == self._foreign:
                self._known["database"] = counter

    def _trace(self) -> dict[object, object]:
        """What shows in neither the panes nor the database."""
        self._states.take_in()
        if self._clock.monotonic() - self._asked_at_s >= ALL_FILES_EVERY_S:
            self._asked_at_s = self._clock.monotonic()
            self._states.forget()
        trace: dict[object, object] = {path: state_of(path) for path in self._folders}
        trace |= {path: self._states.of(path) for path in self._files}
        trace["living"] = self._living(self._running)
        trace["heard"] = self._heard()
        return trace

    def _panes(self) -> str:
        try:
            return self._watch.fingerprint()
        except TmuxError as error:
            return error.what
