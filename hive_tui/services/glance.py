"""Whether anything has happened since the last look, for next to nothing: an idle hive is not looked at."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from hive_tui.domain.agents import Lifecycle
from hive_tui.domain.errors import TmuxError
from hive_tui.domain.ports import Clock, PaneWatch
from hive_tui.domain.processes import ProcessId
from hive_tui.domain.settling import DEBOUNCE_S
from hive_tui.services.liveness import watched_files
from hive_tui.services.observer import Observation
from hive_tui.store.database import Database

Trace = Mapping[object, object]


class Glance:
    """What moves when an agent does: the panes' output, its files, its process, and the database.

    `has_news` is for one thread, always the same.

    Args:
        folders: They change when a hook of an agent tells something.
    """

    def __init__(
        self,
        database: Database,
        watch: PaneWatch,
        is_alive: Callable[[ProcessId], bool],
        clock: Clock,
        folders: Sequence[Path] = (),
    ) -> None:
        self._database = database
        self._watch = watch
        self._is_alive = is_alive
        self._clock = clock
        self._folders = tuple(folders)
        self._files: tuple[Path, ...] = ()
        self._running: tuple[ProcessId, ...] = ()
        self._known: Trace = {}
        self._again_at: float | None = None

    def note(self, observation: Observation) -> None:
        """Watch the agents that a look has found, and look once more if the second of the last output goes on.

        tmux tells that second and nothing finer, so that more output in it leaves no trace.
        """
        awake = [agent for agent in observation.agents if agent.lifecycle is Lifecycle.AWAKE and agent.process]
        self._files = tuple(path for agent in awake for path in watched_files(agent))
        self._running = tuple(agent.process for agent in awake if agent.process is not None)
        second = int(observation.at.timestamp())
        if any(pane.output_at >= second for pane in observation.panes.panes):
            self._again_at = second + 1.0
        if not all(sighting.is_settled for sighting in observation.sightings.values()):
            self._again_at = observation.at.timestamp() + DEBOUNCE_S

    def has_news(self) -> bool:
        """Whether something has moved since the last call.

        Raises:
            StoreError: The database cannot be read.
        """
        seen = self._trace()
        is_new = seen != self._known
        self._known = seen
        if self._again_at is not None and self._clock.now().timestamp() >= self._again_at:
            self._again_at = None
            is_new = True
        return is_new

    def _trace(self) -> Trace:
        trace: dict[object, object] = {path: _state(path) for path in (*self._folders, *self._files)}
        trace |= {process: self._is_alive(process) for process in self._running}
        trace["database"] = self._database.change_counter()
        try:
            trace["panes"] = self._watch.fingerprint()
        except TmuxError as error:
            trace["panes"] = error.what
        return trace


def _state(path: Path) -> tuple[int, int, int] | None:
    with suppress(OSError):
        stat = path.stat()
        return stat.st_mtime_ns, stat.st_size, stat.st_ino
    return None
