"""The rows of the list of agents: filtered, in order, in groups by project. Pure."""

from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum
from itertools import groupby
from pathlib import PurePath

from hive_tui.domain.agents import Lifecycle
from hive_tui.domain.durations import bytes_in_words
from hive_tui.services.dashboard import AgentView
from hive_tui.ui.format import Cell, Row, agent_row, state_of

GROUP = "project:"
"""How the keys of rows begin that stand for a project."""


class Order(StrEnum):
    """What the list is ordered by."""

    NEED = "who needs you"
    NAME = "name"
    MEMORY = "memory"
    AGE = "time in state"

    def next(self) -> "Order":
        """The one after it, round and round."""
        orders = list(Order)
        return orders[(orders.index(self) + 1) % len(orders)]


def arranged(
    agents: Sequence[AgentView], order: Order, wanted: str, marked: Collection[str], now: datetime
) -> tuple[Row, ...]:
    """The rows to show.

    By need, agents of one project stand together under a row for it, where there are several; the
    project with the most urgent agent stands first.

    Args:
        agents: The most urgent first.
        order: How to order them.
        wanted: Words that all have to be in an agent's name, kind, state or folder; any case.
        marked: Ids of marked agents.
        now: For ages.
    """
    shown = [one for one in agents if matches(one, wanted)]
    if order is not Order.NEED:
        keys = {
            Order.NAME: lambda one: one.agent.name,
            Order.MEMORY: lambda one: -max(one.memory_bytes, 0),
            Order.AGE: lambda one: one.agent.since_at,
        }
        return tuple(agent_row(one, now, is_marked=one.agent.id in marked) for one in sorted(shown, key=keys[order]))
    first = {one.project: at for at, one in reversed(list(enumerate(shown)))}
    together = sorted(shown, key=lambda one: first[one.project])
    rows: list[Row] = []
    for project, members in groupby(together, key=lambda one: one.project):
        group = list(members)
        if len(group) > 1:
            rows.append(_group_row(project, group))
        rows += [
            agent_row(one, now, is_marked=one.agent.id in marked, indent="  " if len(group) > 1 else "")
            for one in group
        ]
    return tuple(rows)


def matches(view: AgentView, wanted: str) -> bool:
    """Whether all words of the filter are in what is known of the agent."""
    agent = view.agent
    text = f"{agent.name} {agent.kind} {state_of(view).text} {agent.cwd}".casefold()
    return all(word in text for word in wanted.casefold().split())


def _group_row(project: str, group: Sequence[AgentView]) -> Row:
    """The worst state of its agents, how many there are, and the memory of all."""
    worst = min(group, key=lambda one: one.urgency)
    memory = sum(one.memory_bytes for one in group)
    freed = sum(one.agent.freed_bytes for one in group if one.agent.lifecycle is Lifecycle.ASLEEP)
    shown = bytes_in_words(memory) if memory else f"{bytes_in_words(freed)} freed" if freed else "-"
    return Row(
        GROUP + project,
        (
            state_of(worst),
            Cell(f"{PurePath(project).name or project}/", "bold"),
            Cell(""),
            Cell(shown),
            Cell(f"{len(group)} agents", "$text-muted"),
        ),
    )
