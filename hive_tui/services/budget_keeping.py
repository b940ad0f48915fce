"""Keeps the budgets: tells when one runs out, puts the agent to sleep, and asks for its wake on the next day."""

import sqlite3
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from random import Random

from hive_tui.domain.agents import Activity, Agent, Lifecycle
from hive_tui.domain.budget import NAP_REASON, PASSED_BY_HARD, BudgetMode, Level, used_in_words
from hive_tui.domain.errors import HiveError
from hive_tui.domain.events import HEARTBEAT, Event, EventKind, Severity
from hive_tui.domain.limits import UsageLimit, wake_at
from hive_tui.domain.ports import Clock
from hive_tui.domain.progress import Unwatched
from hive_tui.domain.wakeups import NewWakeup, Trigger, Wakeup
from hive_tui.services.background import Background
from hive_tui.services.budgets import Budgets, BudgetView, limits_now
from hive_tui.services.hub import Hub
from hive_tui.services.nap import Napper, NapRequest
from hive_tui.services.queue import WakeupQueue
from hive_tui.store import agents as agent_store
from hive_tui.store import budgets, journal, keys, ledger, wakeups
from hive_tui.store.database import Database

FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(minutes=10)
"""A nap that something speaks against is tried again after a wait that doubles, between these."""
DUE: dict[BudgetMode, frozenset[Activity]] = {
    BudgetMode.WARN: frozenset(),
    BudgetMode.SOFT: frozenset({Activity.IDLE, Activity.ERROR, Activity.LIMITED}),
    BudgetMode.HARD: frozenset(Activity),
}
"""In which activities an agent whose budget is used up is put to sleep."""


class BudgetKeeper:
    """A chore of the heartbeat; after a crash it goes on where it was."""

    def __init__(
        self,
        database: Database,
        budgets_: Budgets,
        napper: Napper,
        queue: WakeupQueue,
        clock: Clock,
        hub: Hub,
        random: Random,
        *,
        start: Callable[[Callable[[], object]], object] | None = None,
    ) -> None:
        self._database = database
        self._budgets = budgets_
        self._napper = napper
        self._queue = queue
        self._clock = clock
        self._hub = hub
        self._random = random
        self._napping = Background("budget")
        self._start = start or self._napping.start
        self._waits: dict[str, tuple[datetime, timedelta]] = {}

    @property
    def is_busy(self) -> bool:
        """Whether agents are being put to sleep."""
        return self._napping.is_busy

    def keep(self) -> None:
        """Look at all budgets once, and do what is due; a nap goes on by itself."""
        if not self._database.read(_is_any_spending_kept):
            return
        now = self._clock.now()
        found = self._budgets.views()
        self._ask_missing_wakes(found, now)
        self._note_limits([one.agent for one in found if one.agent.activity is Activity.LIMITED], now)
        for view in found:
            self._tell(view, now)
        # Once for each budget and day: who is awake again after that was woken by a person.
        done = self._database.read(budgets.napped, now.date())
        due = [view for view in found if view.agent.id not in done and self._is_due(view, now)]
        if due and not self.is_busy:
            self._start(lambda: self._nap_all(due))

    def _note_limits(self, limited: list[Agent], now: datetime) -> None:
        """What a screen shows of a limit is gone once the agent sleeps."""
        if not limited:
            return
        known, lasting = self._database.read(_limits, limited, now=now)
        for agent in limited:
            limit = lasting.get(agent.id)
            if limit is not None and not limit.is_structured and _is_news(limit, known.get(agent.id), agent):
                self._database.write(ledger.put_limit, agent.id, limit, said_at=agent.since_at)

    def _tell(self, view: BudgetView, now: datetime) -> None:
        if view.budget is None or view.level is Level.FINE:
            return
        is_over = view.level is Level.EXCEEDED
        level, kind = (
            (budgets.EXCEEDED, EventKind.AGENT_BUDGET_EXCEEDED)
            if is_over
            else (budgets.WARNED, EventKind.AGENT_BUDGET_WARNING)
        )
        said = used_in_words(view.used, view.budget)
        text = f"{view.agent.name} has used up its budget: {said}" if is_over else f"{view.agent.name} has used {said}"
        payload = {
            "tokens_today": view.used.total,
            "tokens_per_day": view.budget.tokens_per_day,
            "mode": str(view.budget.mode),
        }
        event = Event(kind, text, view.agent.id, HEARTBEAT, Severity.WARNING, payload)
        if self._database.write(_tell_once, view.agent.id, now.date(), level, event, now=now):
            self._hub.publish(event)

    def _is_due(self, view: BudgetView, now: datetime) -> bool:
        if view.budget is None or view.level is not Level.EXCEEDED:
            return False
        if view.agent.lifecycle is not Lifecycle.AWAKE or view.agent.pinned:
            return False
        wait = self._waits.get(view.agent.id)
        return view.agent.activity in DUE[view.budget.mode] and (wait is None or wait[0] <= now)

    def _nap_all(self, due: list[BudgetView]) -> None:
        for view in due:
            self._nap(view)

    def _nap(self, view: BudgetView) -> None:
        assert view.budget is not None
        agent, day = view.agent, self._clock.now().date()
        reason = f"{NAP_REASON}: {used_in_words(view.used, view.budget)}"
        passes = PASSED_BY_HARD if view.budget.mode is BudgetMode.HARD else frozenset[str]()
        # Noted before, so that a crash in between leaves no agent asleep of whom nobody knows why.
        self._database.write(budgets.note_nap, agent.id, day, now=self._clock.now())
        try:
            self._napper.nap(agent.id, NapRequest(reason, HEARTBEAT, passes=passes), Unwatched())
        except HiveError:  # it has been told why
            self._database.write(budgets.unmark, agent.id, day, budgets.NAPPED)
            self._wait_longer(agent)
            return
        self._waits.pop(agent.id, None)
        if not agent.held:  # a held one is woken by a person, or asked for once it is held no more
            self._ask_wake(agent.id, day, view.limited_until)

    def _ask_missing_wakes(self, found: list[BudgetView], now: datetime) -> None:
        """Of agents that were put to sleep right before a crash, and of those whose budget was raised since then.

        What was asked for once is not asked for again.
        """
        views = {view.agent.id: view for view in found}
        for agent_id, day in self._budgets.sleeping_for_budget().items():
            view, waiting = views[agent_id], self._database.read(wakeups.unfinished_wakes, agent_id)
            if view.agent.held:
                continue
            is_asked = self._database.read(keys.is_known, _key(agent_id, day))
            if not is_asked and not waiting:
                self._ask_wake(agent_id, day, view.limited_until)
            elif day == now.date() and _was_raised(view) and _waits(waiting, now):
                self._queue.enqueue(NewWakeup(agent_id, Trigger.BUDGET_RESET, now), HEARTBEAT)

    def _ask_wake(self, agent_id: str, day: date, limited_until: datetime | None) -> None:
        """Ask for its wake at the end of the day (UTC), or of its usage limit, whichever is later."""
        reset_at = datetime.combine(day + timedelta(days=1), time(), UTC)
        at = wake_at(max(reset_at, limited_until or reset_at), self._random)
        new = NewWakeup(agent_id, Trigger.BUDGET_RESET, at, idempotency_key=_key(agent_id, day))
        self._queue.enqueue(new, HEARTBEAT)

    def _wait_longer(self, agent: Agent) -> None:
        _, before = self._waits.get(agent.id, (None, FIRST_WAIT / 2))
        wait = min(before * 2, LONGEST_WAIT)
        self._waits[agent.id] = (self._clock.now() + wait, wait)


def _is_any_spending_kept(db: sqlite3.Connection) -> bool:
    """Whether there is a budget, or a limit that is to be noted: mostly neither."""
    return budgets.are_any(db) or agent_store.are_any_limited(db)


def _limits(
    db: sqlite3.Connection, limited: list[Agent], *, now: datetime
) -> tuple[dict[str, tuple[UsageLimit, datetime]], dict[str, UsageLimit]]:
    """What is noted of limits, and which of these agents are in."""
    return ledger.limits(db), limits_now(db, limited, now=now)


def _is_news(shown: UsageLimit, told: tuple[UsageLimit, datetime] | None, agent: Agent) -> bool:
    """Whether a limit on a screen is not noted; of one that came up again after an answer, again."""
    return told is None or told[0] != shown or told[1] < agent.since_at


def _was_raised(view: BudgetView) -> bool:
    """Whether an agent that sleeps for its budget may spend again today."""
    return view.level is not Level.EXCEEDED and view.limited_until is None


def _waits(wakes: Sequence[Wakeup], now: datetime) -> bool:
    """Whether all that is asked for lies ahead, was not tried yet, and is no timer of a person, who knows why then."""
    return bool(wakes) and all(
        wake.attempts == 0 and wake.scheduled_for > now and not wake.is_by_person for wake in wakes
    )


def _key(agent_id: str, day: date) -> str:
    return f"budget:{agent_id}:{day}"


def _tell_once(db: sqlite3.Connection, agent_id: str, day: date, level: str, event: Event, *, now: datetime) -> bool:
    is_new = budgets.mark(db, agent_id, day, level, now=now)
    if is_new:
        journal.log(db, event, now=now)
    return is_new
