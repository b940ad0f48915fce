"""Puts agents to sleep that nobody asked about: each nap is announced first, and anybody can stop it."""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

from hive_tui.domain.agents import Lifecycle
from hive_tui.domain.auto_naps import Restful, Wish, Wishing
from hive_tui.domain.durations import lead_words
from hive_tui.domain.errors import HiveError
from hive_tui.domain.events import HEARTBEAT, Actor, Event, EventKind
from hive_tui.domain.idle import LONGEST_GAP_S
from hive_tui.domain.ports import Clock
from hive_tui.domain.progress import Unwatched
from hive_tui.domain.reconcile import ServerState
from hive_tui.domain.vetoes import vetoes
from hive_tui.services.background import Background
from hive_tui.services.hub import Hub
from hive_tui.services.nap import Napper, NapRequest, evidence_of
from hive_tui.services.observer import Observation
from hive_tui.store import announcements, journal, settings, wakeups
from hive_tui.store.announcements import Announced
from hive_tui.store.database import Database


@dataclass(frozen=True, slots=True)
class _Coming:
    """A nap that this heartbeat has announced."""

    wish: Wish
    source: Wishing
    at_s: float
    """Seconds that never jump."""
    still: object
    """What an input into the pane changes, as it was when the nap was announced."""


class AutoNaps:
    """A chore of the heartbeat. Looks come in one thread, the chore in another, and naps in a third.

    Args:
        sources: What wishes naps; of two for one agent the first counts.
        announce_s: Seconds between an announcement and its nap.
    """

    def __init__(
        self,
        database: Database,
        napper: Napper,
        sources: Sequence[Wishing],
        clock: Clock,
        hub: Hub,
        *,
        announce_s: float,
        start: Callable[[Callable[[], object]], object] | None = None,
    ) -> None:
        self._database = database
        self._napper = napper
        self._sources = tuple(sources)
        self._clock = clock
        self._hub = hub
        self._announce_s = announce_s
        self._background = Background("automatic naps")
        self._start = start or self._background.start
        self._lock = Lock()
        self._coming: dict[str, _Coming] = {}
        self._napping: set[str] = set()
        self._still: dict[str, object] = {}
        self._kept_s = float("-inf")

    def note(self, observation: Observation) -> None:
        """Take in one look at the agents. Of a server that did not answer nothing was seen of anybody.

        A look while all automatic actions are paused counts for nobody, so that their end puts nobody to sleep at once.
        """
        is_paused = bool(self._database.read(settings.get, settings.PAUSED, False))
        restful = self._restful(observation) if observation.state is ServerState.UP and not is_paused else []
        with self._lock:
            restful = [one for one in restful if one.agent.id not in self._napping]
            self._still = {one.agent.id: _still(one) for one in restful}
            for source in self._sources:
                source.note(restful)
            self._withdraw_disturbed("all is paused" if is_paused else "something happened in its pane")

    def keep(self) -> None:
        """Announce, take back and begin what is due; a nap goes on by itself."""
        with self._lock:
            self._begin_anew_after_a_break()
            self._forget_stopped()
            for source in self._sources:
                source.mend()
            wishes = self._wishes()
            for agent_id in [one for one in self._coming if one not in wishes]:
                self._withdraw(agent_id, "nothing asks for its nap any more")
            for agent_id, (wish, source) in wishes.items():
                if agent_id not in self._coming:
                    self._announce(wish, source)
            is_due = any(self._clock.monotonic() >= one.at_s for one in self._coming.values())
        if is_due and not self._background.is_busy:
            self._start(self._nap_all)

    def _restful(self, observation: Observation) -> list[Restful]:
        due = self._database.read(wakeups.next_wake_times)
        now = self._clock.now()
        found = []
        for agent in observation.agents:
            sighting = observation.sightings.get(agent.id)
            if sighting is None or agent.lifecycle is not Lifecycle.AWAKE or not sighting.is_settled:
                continue
            wake_due = agent.id in due and due[agent.id] <= now
            if not vetoes(evidence_of(sighting, is_pinned=agent.pinned, wake_due=wake_due)):
                found.append(Restful(agent, sighting))
        return found

    def _wishes(self) -> dict[str, tuple[Wish, Wishing]]:
        found: dict[str, tuple[Wish, Wishing]] = {}
        for source in self._sources:
            for wish in source.wishes():
                if wish.agent_id not in self._napping:
                    found.setdefault(wish.agent_id, (wish, source))
        return found

    def _withdraw_disturbed(self, why: str) -> None:
        """Whoever is not at rest any more, or got an input, stays awake."""
        for agent_id, coming in list(self._coming.items()):
            if self._still.get(agent_id) != coming.still:
                self._withdraw(agent_id, why)

    def _begin_anew_after_a_break(self) -> None:
        """What was announced by a heartbeat that has ended, or before a pause, does not hold any more."""
        now_s = self._clock.monotonic()
        if now_s - self._kept_s > LONGEST_GAP_S:
            self._coming.clear()
            self._database.write(announcements.withdraw_all, now=self._clock.now())
        self._kept_s = now_s

    def _forget_stopped(self) -> None:
        """A person, at whatever screen, has taken these back."""
        if not self._coming:
            return
        known = self._database.read(announcements.announced)
        for agent_id in [one for one in self._coming if one not in known]:
            self._coming.pop(agent_id).source.was_stopped(agent_id)

    def _announce(self, wish: Wish, source: Wishing) -> None:
        now, lead = self._clock.now(), timedelta(seconds=self._announce_s)
        text = f"{wish.name} naps {lead_words(now + lead, now)}: {wish.why}; x stops it"
        event = Event(EventKind.AGENT_NAP_ANNOUNCED, text, wish.agent_id, HEARTBEAT)
        self._database.write(_announce, Announced(wish.agent_id, now + lead, wish.why), event, now=now)
        at_s = self._clock.monotonic() + self._announce_s
        self._coming[wish.agent_id] = _Coming(wish, source, at_s, self._still.get(wish.agent_id))
        self._hub.publish(event)

    def _withdraw(self, agent_id: str, why: str) -> None:
        coming = self._coming.pop(agent_id)
        coming.source.was_stopped(agent_id)
        event = _stopped(agent_id, coming.wish.name, why, HEARTBEAT)
        if self._database.write(_withdraw, agent_id, event, now=self._clock.now()):
            self._hub.publish(event)

    def _nap_all(self) -> None:
        """One after the other; of each it is asked again right before, since the one before may take long."""
        while (coming := self._take_due()) is not None:
            agent_id = coming.wish.agent_id
            is_asleep = False
            try:
                self._napper.nap(agent_id, NapRequest(coming.wish.why, HEARTBEAT), Unwatched())
                is_asleep = True
            except HiveError:
                pass  # it has been told why
            finally:
                with self._lock:
                    self._napping.discard(agent_id)
                    if is_asleep:
                        coming.source.slept(coming.wish)
                    else:
                        coming.source.was_stopped(agent_id)

    def _take_due(self) -> _Coming | None:
        with self._lock:
            wishes = self._wishes()
            for agent_id, coming in list(self._coming.items()):
                if self._clock.monotonic() < coming.at_s or agent_id not in wishes:
                    continue
                del self._coming[agent_id]
                if self._database.write(announcements.begin, agent_id, now=self._clock.now()):
                    self._napping.add(agent_id)
                    coming.source.begins(coming.wish)
                    return coming
                coming.source.was_stopped(agent_id)
        return None


def stop_nap(database: Database, agent_id: str, name: str, actor: Actor, clock: Clock, hub: Hub) -> bool:
    """Take an announced nap back, from whatever process; False if none is announced, or it has begun."""
    event = _stopped(agent_id, name, "you stopped its nap", actor)
    if not database.write(_stop, agent_id, event, now=clock.now()):
        return False
    hub.publish(event)
    return True


def _still(one: Restful) -> object:
    """What an input into the pane changes, also one that leaves no draft behind."""
    pane = one.sighting.pane
    return pane.cursor_x, pane.cursor_y, pane.history_size, pane.in_mode, one.sighting.session.id, one.agent.since_at


def _stopped(agent_id: str, name: str, why: str, actor: Actor) -> Event:
    return Event(EventKind.AGENT_NAP_STOPPED, f"{name} stays awake: {why}", agent_id, actor)


def _announce(db: sqlite3.Connection, nap: Announced, event: Event, *, now: datetime) -> None:
    announcements.announce(db, nap, now=now)
    journal.log(db, event, now=now)


def _withdraw(db: sqlite3.Connection, agent_id: str, event: Event, *, now: datetime) -> bool:
    is_withdrawn = announcements.withdraw(db, agent_id, now=now)
    if is_withdrawn:
        journal.log(db, event, now=now)
    return is_withdrawn


def _stop(db: sqlite3.Connection, agent_id: str, event: Event, *, now: datetime) -> bool:
    is_stopped = announcements.stop(db, agent_id, now=now)
    if is_stopped:
        journal.log(db, event, now=now)
    return is_stopped
