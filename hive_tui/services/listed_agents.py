"""What lists of agents show of each, for the command line and the HTTP surface."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from hive_tui.domain.agents import Agent, Lifecycle
from hive_tui.domain.usage import COUNTED, Tokens
from hive_tui.services.observer import Observation
from hive_tui.services.shapes import agent_json
from hive_tui.store import checkpoints, unread, wakeups
from hive_tui.store.database import Database


def listed(
    database: Database, observation: Observation, spent: Mapping[str, Tokens], *, now: datetime
) -> list[dict[str, Any]]:
    """All agents of a look, in its order.

    Args:
        database: What is known beyond that look.
        observation: The look.
        spent: Tokens of today by agent id.
        now: Aware UTC.

    Raises:
        StoreError: The database cannot be read.
    """
    newest = database.read(checkpoints.newest_by_agent)
    next_wakes = database.read(wakeups.next_wake_times)
    waiting = database.read(unread.everyone)
    return [
        agent_json(agent, observation.sightings.get(agent.id), newest.get(agent.id), next_wakes.get(agent.id), now)
        | _at_a_look(agent, observation)
        | {"unread": agent.id in waiting}
        | _tokens(agent, spent)
        | _liveness(agent, observation)
        for agent in observation.agents
    ]


def _tokens(agent: Agent, spent: Mapping[str, Tokens]) -> dict[str, Any]:
    """What it has spent since 00:00 UTC; null for kinds that do not tell."""
    if agent.kind not in COUNTED:
        return {"tokens_today": None, "tokens": None}
    found = spent.get(agent.id, Tokens())
    return {"tokens_today": found.total, "tokens": found.to_json()}


def _liveness(agent: Agent, observation: Observation) -> dict[str, Any]:
    """When it last gave a sign of life, and whether it should have given one since."""
    sign = observation.signs.last.get(agent.id)
    return {"last_seen_at": sign.at if sign else None, "silent": agent.id in observation.signs.stale}


def _at_a_look(agent: Agent, observation: Observation) -> dict[str, Any]:
    """Where it is found, and whether what is told of it is old."""
    pane = observation.pane_of(agent)
    is_stale = bool(observation.staleness()) and agent.lifecycle is Lifecycle.AWAKE
    reason = f"stale, {observation.seen_in_words()}: {agent.reason}" if is_stale else agent.reason
    return {"place": pane.place if pane else None, "reason": reason, "stale": is_stale}
