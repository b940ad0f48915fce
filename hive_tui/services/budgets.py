"""What agents may spend: their budgets, and the usage limits of their vendors."""

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from hive_tui.adapters.zone import zone_of
from hive_tui.domain.agents import Activity, Agent, Lifecycle
from hive_tui.domain.budget import NAP_REASON, Budget, BudgetMode, Level, refusal
from hive_tui.domain.events import Actor, Event, EventKind
from hive_tui.domain.gate import Refused
from hive_tui.domain.limits import UsageLimit, is_past_banner, last_told, parse_limit, strongest
from hive_tui.domain.ports import Clock
from hive_tui.domain.usage import Tokens, count_in_words
from hive_tui.services.hub import Hub
from hive_tui.store import agents as agent_store
from hive_tui.store import budgets, journal, ledger
from hive_tui.store.budgets import EVERYONE
from hive_tui.store.database import Database

FAILED_WAKE = "its wake failed"
"""How the reason of a sleeping agent begins once a wake has failed."""


@dataclass(frozen=True, slots=True)
class BudgetView:
    """One agent with its budget and what it has spent today (UTC)."""

    agent: Agent
    budget: Budget | None
    is_own: bool
    """Whether it is the agent's own, and not the one for all."""
    used: Tokens
    limited_until: datetime | None
    """When its usage limit ends; None for none."""

    @property
    def level(self) -> Level:
        """How far the budget is used up."""
        return self.budget.level(self.used.total) if self.budget else Level.FINE


class Budgets:
    """Reads and sets; `BudgetKeeper` acts. What it answers is as of the last look at the transcripts."""

    def __init__(self, database: Database, clock: Clock, hub: Hub) -> None:
        self._database = database
        self._clock = clock
        self._hub = hub

    def set(self, agent: Agent | None, budget: Budget, actor: Actor) -> None:
        """Give an agent, or with None each that has none of its own, a budget."""
        said = f"{count_in_words(budget.tokens_per_day)} tokens a day, {budget.mode}"
        text = f"The budget of {agent.name if agent else 'all agents'} is {said}"
        payload = {"tokens_per_day": budget.tokens_per_day, "mode": str(budget.mode)}
        self._change(agent, text, payload, actor, budget)

    def remove(self, agent: Agent | None, actor: Actor) -> None:
        """Take the budget of an agent, or the one for all, away."""
        text = f"{agent.name if agent else 'The hive'} has no budget of {'its own' if agent else 'all agents'} any more"
        self._change(agent, text, {"tokens_per_day": None, "mode": None}, actor, None)

    def views(self) -> list[BudgetView]:
        """All agents, in the order of the registry."""
        return self._database.read(views, now=self._clock.now())

    def of_everyone(self) -> Budget | None:
        """The budget of each agent that has none of its own."""
        return self._database.read(budgets.everything).get(EVERYONE)

    def refusal(self, agent: Agent, now: datetime) -> Refused | None:
        """Why the agent may not spend anything now; None if it may."""
        found = next((one for one in self._database.read(views, now=now) if one.agent.id == agent.id), None)
        if found is None:
            return None
        return refusal(
            found.budget,
            found.used.total,
            price=self.wake_price(found.agent) if found.agent.lifecycle is not Lifecycle.AWAKE else None,
            limited_until=found.limited_until,
            now=now,
        )

    def wake_price(self, agent: Agent) -> int | None:
        """Tokens of a cold resume; None where the length of the conversation is not known."""
        return self._database.read(ledger.context_of, agent.session_id) if agent.session_id else None

    def tokens_left(self, agent_id: str) -> int | None:
        """Tokens that an agent may still spend today (UTC); None where no budget stops it."""
        known = self._database.read(views, now=self._clock.now())
        found = next((one for one in known if one.agent.id == agent_id), None)
        if found is None or found.budget is None or found.budget.mode is BudgetMode.WARN:
            return None
        return max(0, found.budget.tokens_per_day - found.used.total)

    def sleeping_for_budget(self) -> Mapping[str, date]:
        """Ids of agents that sleep because a budget was used up, and the day (UTC) whose budget it was."""
        return self._database.read(_sleeping)

    def _change(
        self, agent: Agent | None, text: str, payload: Mapping[str, object], actor: Actor, budget: Budget | None
    ) -> None:
        event = Event(EventKind.AGENT_BUDGET_UPDATED, text, agent.id if agent else None, actor, payload=dict(payload))
        self._database.write(_change, agent.id if agent else EVERYONE, budget, event, now=self._clock.now())
        self._hub.publish(event)


def views(db: sqlite3.Connection, *, now: datetime) -> list[BudgetView]:
    """Every agent with its budget, what it has spent, and its limit."""
    known = budgets.everything(db)
    used = ledger.on_day(db, now.date())
    everyone = agent_store.everyone(db)
    held = limits_now(db, everyone, now=now)
    found = []
    for agent in everyone:
        limit = held.get(agent.id)
        budget = known.get(agent.id, known.get(EVERYONE))
        ends = limit.resets_at if limit else None
        found.append(BudgetView(agent, budget, agent.id in known, used.get(agent.id, Tokens()), ends))
    return found


def limits_now(db: sqlite3.Connection, agents: Iterable[Agent], *, now: datetime) -> dict[str, UsageLimit]:
    """The usage limits of these agents of which it is known that they last, by agent; each tells its reset."""
    told = ledger.limits(db)
    spent_at = ledger.last_spent_at(db, told)
    found = {}
    for agent in agents:
        known, said_at = told.get(agent.id, (None, None))
        # An agent that has got an answer since then is not limited any more, or else it shows another limit.
        is_answered = said_at is not None and spent_at.get(agent.id, said_at) > said_at
        is_over = is_answered or known is None or known.resets_at is None or known.resets_at <= now
        limit = _lasting(agent, known if not is_over else None, said_at, shown_limit(agent, known))
        if limit is not None and limit.resets_at is not None and limit.resets_at > now:
            found[agent.id] = limit
    return found


def _lasting(
    agent: Agent, known: UsageLimit | None, said_at: datetime | None, shown: UsageLimit | None
) -> UsageLimit | None:
    """Of the limit that is noted and lasts, and the one that the agent shows."""
    if known is None or said_at is None or shown is None or shown.resets_at is None:
        return strongest(known, shown)
    return last_told(known, said_at, shown, agent.since_at, _parsed(agent, agent.reason, said_at))


def shows_past_limit(db: sqlite3.Connection, agent: Agent, text: str, *, at: datetime) -> bool:
    """Whether a text that an agent showed at that time speaks of its known limit, which had just ended."""
    known, _ = ledger.limits(db).get(agent.id, (None, None))
    return known is not None and _is_past(known, _parsed(agent, text, at), at)


def _parsed(agent: Agent, text: str, at: datetime) -> UsageLimit | None:
    return parse_limit(text, said_at=at, zone=zone_of(agent))


def _is_past(known: UsageLimit | None, shown: UsageLimit | None, at: datetime) -> bool:
    ended = known.resets_at if known is not None else None
    again = shown.resets_at if shown is not None else None
    return ended is not None and again is not None and is_past_banner(ended, again, at)


def shown_limit(agent: Agent, known: UsageLimit | None = None) -> UsageLimit | None:
    """The limit that an agent shows which is seen to be limited, from the line by which that was seen.

    Args:
        agent: As it was last seen.
        known: The limit that is known of it; if that has just ended, its banner is not another one.
    """
    if agent.lifecycle is not Lifecycle.AWAKE or agent.activity is not Activity.LIMITED:
        return None
    shown = _parsed(agent, agent.reason, agent.since_at)
    return None if _is_past(known, shown, agent.since_at) else shown


def _sleeping(db: sqlite3.Connection) -> dict[str, date]:
    noted = budgets.naps(db)
    found = {}
    for agent in agent_store.everyone(db) if noted else ():
        is_for_budget = agent.reason.startswith((NAP_REASON, FAILED_WAKE))
        if agent.lifecycle is Lifecycle.ASLEEP and agent.id in noted and is_for_budget:
            found[agent.id] = noted[agent.id][0]
    return found


def _change(db: sqlite3.Connection, agent_id: str, budget: Budget | None, event: Event, *, now: datetime) -> None:
    if budget is None:
        budgets.remove(db, agent_id)
    else:
        budgets.put(db, agent_id, budget, now=now)
    journal.log(db, event, now=now)
