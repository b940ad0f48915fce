"""The read side: one frozen view a screen, put together from the last look and the database."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct, field

from hive_tui.domain.agents import NEEDS_PERSON, Activity, Agent, Lifecycle
from hive_tui.domain.beat import Beat
from hive_tui.domain.checkpoints import Checkpoint
from hive_tui.domain.errors import StoreError
from hive_tui.domain.ports import Clock
from hive_tui.domain.sightings import Sighting
from hive_tui.domain.wakeups import Attempt, Wakeup
from hive_tui.services.extras import NOTHING, Extras
from hive_tui.services.projects import Projects
from hive_tui.store import agents as agent_store
from hive_tui.store import checkpoints as checkpoint_store
from hive_tui.store import journal, queue_lists, settings, stats, unread
from hive_tui.store import wakeups as wakeup_store
from hive_tui.store.database import Database
from hive_tui.store.journal import LoggedEvent
from hive_tui.store.queue_lists import Section
from hive_tui.store.remembered import Remembered
from hive_tui.store.values import EPOCH

if TYPE_CHECKING:
    from hive_tui.domain.budget import Budget
    from hive_tui.domain.liveness import Sign
    from hive_tui.domain.offsite import OffsiteCopy
    from hive_tui.domain.task_state import TaskState
    from hive_tui.domain.tasks import Task
    from hive_tui.domain.windows import Edge
    from hive_tui.services.observer import Observation
    from hive_tui.store.announcements import Announced

REDRAW_AT_LEAST_EVERY_S = 5.0
"""Where times are told in seconds."""
URGENCY = ("permission", "question", "limited", "failed", "done", "working", "waking", "idle", "asleep")
"""In which order the list shows what agents do."""
SAME_AS: Mapping[str, str] = {
    Activity.ERROR: "failed",
    Activity.UNKNOWN: "idle",
    Lifecycle.NAPPING: "waking",
}


class AgentView(Struct, frozen=True):
    """One agent with what lists show of it."""

    agent: Agent
    sighting: Sighting | None
    checkpoint: Checkpoint | None
    """Its newest one."""
    next_wake_at: datetime | None
    project: str = ""
    """Absolute path of the repository that it works in, or of its folder."""
    has_news: bool = False
    """Whether its last turn ended while nobody looked at its pane."""
    is_stale: bool = False
    """Whether tmux does not answer, so that what is shown of it was seen `stale_for` ago."""
    stale_for: timedelta | None = None
    """None where nobody knows."""
    last_sign: Sign | None = None
    """When it last gave a sign of life; None if it does not run."""
    silent_for: timedelta | None = None
    """For how long it has given no sign of life, if it should have; None for all others."""
    limited_until: datetime | None = None
    """When the usage limit ends that it waits for; None where it waits for none, or nobody knows."""
    nap: Announced | None = None
    """The nap that begins by itself unless somebody stops it."""
    tokens_today: int = 0
    """Tokens that it has spent since 00:00 UTC; always 0 of kinds whose records do not tell."""
    budget: Budget | None = None
    """Its own, or the one for all."""
    wake_price: int | None = None
    """Tokens of a cold resume; None where the length of the conversation is not known."""

    @property
    def is_unread(self) -> bool:
        """Whether it has done what it was told, and nobody has looked at that yet."""
        return self.has_news and self.agent.lifecycle is Lifecycle.AWAKE and self.agent.activity is Activity.IDLE

    @property
    def urgency(self) -> int:
        """Order of the list: who needs you comes first. Lower is more urgent."""
        if self.is_unread:
            return URGENCY.index("done")
        state = self.agent.activity if self.agent.lifecycle is Lifecycle.AWAKE else self.agent.lifecycle
        return URGENCY.index(SAME_AS.get(state, state))

    @property
    def memory_bytes(self) -> int:
        """Anonymous memory now; 0 while it does not run."""
        return self.sighting.memory_bytes if self.sighting else self.agent.memory_bytes


class HiveView(Struct, frozen=True):
    """The header and the list of agents."""

    at: datetime
    agents: tuple[AgentView, ...]
    """Most urgent first."""
    trouble: str
    """What is wrong with the disk, with tmux, or with a step of the heartbeat; empty for nothing."""
    is_viewer: bool
    """Whether another process has the heartbeat."""
    beat_at: datetime | None
    queue_depth: int
    is_paused: bool
    has_looked: bool
    """Whether the panes were looked at yet; before, the agents are those of the registry."""
    next_edge: tuple[datetime, Edge] | None = None
    """When the next sleep window begins or ends, and which of the two; None where none is active."""
    tokens_today: int = 0
    """Tokens that all agents have spent since 00:00 UTC."""
    http: str = ""
    """Where this process answers programs; empty for nowhere."""

    @property
    def freed_bytes(self) -> int:
        """Memory that the sleeping agents have given back."""
        return sum(one.agent.freed_bytes for one in self.agents if one.agent.lifecycle is Lifecycle.ASLEEP)

    @property
    def waiting(self) -> int:
        """How many agents go on only once a person answers."""
        return sum(one.agent.lifecycle is Lifecycle.AWAKE and one.agent.activity in NEEDS_PERSON for one in self.agents)

    def count(self, lifecycle: Lifecycle) -> int:
        """How many agents are in that state."""
        return sum(one.agent.lifecycle is lifecycle for one in self.agents)


class QueueView(Struct, frozen=True):
    """The wakeup queue."""

    at: datetime
    wakeups: tuple[Wakeup, ...]
    names: dict[str, str]
    """Agent names by id."""
    attempts: dict[str, tuple[Attempt, ...]]
    """Attempts by wakeup id."""
    counts: dict[str, int] = field(default_factory=dict)
    """How many wakeups of each status there are in all."""
    due: int = 0
    """How many wait and could run now, up to `queue_lists.MOST_COUNTED`."""


class CheckpointsView(Struct, frozen=True):
    """The catalog."""

    at: datetime
    checkpoints: tuple[Checkpoint, ...]
    names: dict[str, str]
    copies: dict[str, OffsiteCopy]
    """Copies in the second place, by checkpoint id."""


class AgentHistory(Struct, frozen=True):
    """What has become of one agent: its wakes and its generations."""

    at: datetime
    wakeups: tuple[Wakeup, ...]
    """Those that run, those that wait, then the finished, newest first."""
    attempts: dict[str, tuple[Attempt, ...]]
    checkpoints: tuple[Checkpoint, ...]
    """Newest first."""


class AgentTasks(Struct, frozen=True):
    """What one agent is to do, and how far it is."""

    at: datetime
    state: TaskState
    chains: tuple[tuple[Task, ...], ...]
    """For each of its unfinished tasks the goals above it, from the topmost down to the task itself."""


class EventsView(Struct, frozen=True):
    """The event log."""

    at: datetime
    events: tuple[LoggedEvent, ...]
    """Oldest first."""
    names: dict[str, str]
    alerts: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    """How a person was told of them, in lines, by their numbers."""


class Dashboard:
    """Blocks; screens call it in a thread.

    The list of agents is read by plain SQL. What the other screens read by SQLModel is imported on first need: that
    takes half a second, which the first paint has not got.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._remembered = Remembered(database)
        self._written: object = None
        self._told_at_s = 0.0
        self._projects = Projects()

    def hive(self, observation: Observation | None, beat: Beat, http: str = "") -> HiveView:
        """Header and agents. Without a look at the panes yet, from the registry alone."""
        agents = observation.agents if observation else tuple(self._database.read(agent_store.everyone))
        sightings = observation.sightings if observation else {}
        kept = self._remembered.read(_kept)
        now = self._clock.now()
        is_stale = observation is not None and bool(observation.staleness())
        signs = observation.signs if observation else None
        extras = self._extras(agents, now) if observation else NOTHING
        views = [
            AgentView(
                agent,
                sightings.get(agent.id),
                kept.newest.get(agent.id),
                kept.next_wakes.get(agent.id),
                self._projects.of(agent.cwd),
                agent.id in kept.unread,
                is_stale and agent.lifecycle is Lifecycle.AWAKE,
                observation.stale_for if observation else None,
                signs.last.get(agent.id) if signs else None,
                signs.silence_of(agent.id, now) if signs else None,
                extras.limited_until.get(agent.id),
                extras.naps.get(agent.id),
                extras.tokens.get(agent.id, 0),
                extras.budgets.get(agent.id, extras.budget_of_all),
                extras.prices.get(agent.id),
            )
            for agent in agents
        ]
        full = self._database.trouble
        seen = observation.trouble if observation else ""
        troubles = [f"{full.what} {full.hint}" if full else "", seen, *beat.trouble.values()]
        return HiveView(
            now,
            tuple(sorted(views, key=lambda one: (one.urgency, one.agent.name))),
            next((trouble for trouble in troubles if trouble), ""),
            not beat.is_working,
            beat.beat_at,
            kept.depth,
            kept.is_paused,
            observation is not None,
            extras.next_edge,
            sum(extras.tokens.values()),
            http,
        )

    def is_news(self, before: Observation | None, after: Observation, every_s: float = REDRAW_AT_LEAST_EVERY_S) -> bool:
        """Whether a look tells more than what agents do that go on with their work; for one thread at a time.

        Args:
            before: What was seen at the look before.
            after: What is seen now.
            every_s: So often it is said in any case, for what depends on the time.
        """
        try:
            mark = self._database.mark()
        except StoreError:
            return True  # whoever draws meets it, and says so
        now_s, written = self._clock.monotonic(), (threading.get_ident(), mark)
        is_same = before is not None and _gist(before) == _gist(after)
        if is_same and written == self._written and now_s - self._told_at_s < every_s:
            return False
        self._written, self._told_at_s = written, now_s
        return True

    def _extras(self, agents: tuple[Agent, ...], now: datetime) -> Extras:
        from hive_tui.services.extras import read

        # But for the ends of limits, all that becomes another one by the time alone does so at a full minute.
        is_limited = any(agent.activity is Activity.LIMITED for agent in agents)
        at = now if is_limited else now.replace(second=0, microsecond=0)
        return self._remembered.read(read, agents, now=at)

    def queue(self, section: Section = Section.ALL, *, limit: int = 200) -> QueueView:
        """A part of the queue; unfinished wakeups first, then what has ended."""
        now = self._clock.now()
        # Only what is due depends on the time.
        listed = self._remembered.read(_listed, section, limit, now if section is Section.DUE else EPOCH)
        return QueueView(now, *listed, self._database.read(queue_lists.count_due, now=now))

    def history(self, agent_id: str) -> AgentHistory:
        """The latest wakes and all generations of an agent."""
        from hive_tui.store import screens

        def read(db: sqlite3.Connection) -> tuple[tuple[Wakeup, ...], dict[str, tuple[Attempt, ...]]]:
            wakeups = tuple(queue_lists.of_agent(db, agent_id, limit=5))
            return wakeups, queue_lists.attempts(db, wakeups)

        wakeups, attempts = self._database.read(read)
        with self._database.session() as session:
            found = screens.checkpoints(session, limit=100, agent_id=agent_id)
        return AgentHistory(self._clock.now(), wakeups, attempts, found)

    def tasks(self, agent_id: str) -> AgentTasks:
        """The unfinished tasks of an agent, those under way first."""
        from hive_tui.domain.tasks import TaskStatus, ancestry
        from hive_tui.store import tasks

        state = self._database.read(tasks.state, agent_id)
        found = self._database.read(tasks.everything, agent_id=agent_id)
        ordered = sorted(found, key=lambda one: one.status is not TaskStatus.DOING)
        chains = tuple(ancestry(one.id, self._database.read(tasks.lineage, one.id)) for one in ordered)
        return AgentTasks(self._clock.now(), state, tuple(chain for chain in chains if chain))

    def events(self, *, limit: int = 500) -> EventsView:
        """The newest events."""
        from hive_tui.services.alert_views import by_event
        from hive_tui.store import screens

        logged = self._database.read(journal.events, limit=limit)
        with self._database.session() as session:
            names = screens.agent_names(session)
        alerts = self._database.read(by_event, logged[0].seq, logged[-1].seq) if logged else {}
        return EventsView(self._clock.now(), tuple(logged), names, alerts)

    def checkpoints(self) -> CheckpointsView:
        """Newest first."""
        from hive_tui.store import offsite, screens

        copies = self._database.read(offsite.by_checkpoint)
        with self._database.session() as session:
            found = screens.checkpoints(session, limit=500)
            return CheckpointsView(self._clock.now(), found, screens.agent_names(session), copies)


def _gist(seen: Observation) -> object:
    return seen.agents, seen.trouble, seen.panes.shape


class _Kept(NamedTuple):
    """What the database alone tells of all agents."""

    newest: Mapping[str, Checkpoint]
    next_wakes: Mapping[str, datetime]
    unread: Collection[str]
    depth: int
    is_paused: bool


def _kept(db: sqlite3.Connection) -> _Kept:
    return _Kept(
        checkpoint_store.newest_by_agent(db),
        wakeup_store.next_wake_times(db),
        unread.everyone(db),
        wakeup_store.depth(db),
        bool(settings.get(db, settings.PAUSED, False)),
    )


Listed = tuple[tuple[Wakeup, ...], dict[str, str], dict[str, tuple[Attempt, ...]], dict[str, int]]


def _listed(db: sqlite3.Connection, section: Section, limit: int, now: datetime) -> Listed:
    """Wakeups, names and attempts of a part of the queue, and how many there are of each status."""
    wakeups = tuple(queue_lists.listed(db, section, now=now, limit=limit))
    return wakeups, agent_store.names(db), queue_lists.attempts(db, wakeups), dict(stats.by_status(db))
