"""What a heartbeat has to tell of itself and its surroundings: into the event log, and to who listens."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta

from hive_tui.domain.clock_steps import ClockSteps
from hive_tui.domain.durations import in_words
from hive_tui.domain.errors import HiveError
from hive_tui.domain.events import HEARTBEAT, Event, EventKind, Severity
from hive_tui.domain.ports import Clock
from hive_tui.domain.reconcile import ServerState
from hive_tui.services.hub import Hub
from hive_tui.store import journal
from hive_tui.store.database import Database


class Tidings:
    """Each is told once, when it begins."""

    def __init__(self, database: Database, clock: Clock, hub: Hub) -> None:
        self._database, self._clock, self._hub = database, clock, hub
        self._clock_steps = ClockSteps(clock.now(), clock.monotonic())
        self._server_was = ServerState.UP
        self._telling = ThreadPoolExecutor(1, thread_name_prefix="tell")

    def tell(self, event: Event) -> None:
        """In a thread of its own: it is told by an event loop, and the database may be locked."""
        with suppress(RuntimeError):  # all is over
            self._telling.submit(self._log, event)

    def look_at_clock(self, *, is_told: bool) -> bool:
        """Whether the wall clock has stepped since the last look: then every due time is another one."""
        step = self._clock_steps.look(self._clock.now(), self._clock.monotonic())
        if step is not None and is_told:
            way = "forward" if step > timedelta(0) else "back"
            text = f"The clock went {in_words(abs(step))} {way}: it was set, or the machine was suspended"
            payload = {"step_s": round(step.total_seconds(), 3)}
            self.tell(Event(EventKind.CLOCK_STEPPED, text, severity=Severity.WARNING, payload=payload))
        return step is not None

    def of_server(self, state: ServerState, trouble: str, *, is_told: bool) -> None:
        """The tmux server went away or came back: that is one event, and not one for each agent.

        Raises:
            StoreError: It cannot be written down.
        """
        if is_told and state is not self._server_was:
            if state is ServerState.UP:
                event = Event(EventKind.TMUX_BACK, "The tmux server answers again", None, HEARTBEAT)
            else:
                event = Event(EventKind.TMUX_LOST, trouble, None, HEARTBEAT, Severity.WARNING)
            self._database.write(journal.log, event, now=self._clock.now())
            self._hub.publish(event)
        self._server_was = state

    def end(self) -> None:
        """Tell nothing more."""
        self._telling.shutdown(wait=False)

    def _log(self, event: Event) -> None:
        with suppress(HiveError):
            self._database.write(journal.log, event, now=self._clock.now())
        self._hub.publish(event)
