"""The pages beside the pane: what has become of an agent, and why it is as it is."""

from typing import TYPE_CHECKING

from rich.text import Text

from hive_tui.domain.errors import HiveError
from hive_tui.services import effect_views
from hive_tui.services.dashboard import AgentHistory, AgentView
from hive_tui.store import agents as agent_store
from hive_tui.ui.effect_rows import effect_lines
from hive_tui.ui.format import hung
from hive_tui.ui.generations import generation_lines
from hive_tui.ui.task_rows import task_lines
from hive_tui.ui.timeline import timeline
from hive_tui.ui.widgets.side import EXPLAIN, GENERATIONS, TASKS, TIMELINE, Side

if TYPE_CHECKING:
    from hive_tui.ui.app import HiveApp

Lines = list[Text | str]
LABEL = 15
"""Columns of the labels of an explanation."""


async def fill_pages(app: "HiveApp", side: Side, one: AgentView) -> None:
    """Draw the page that is shown; what cannot be read is said in its place."""
    try:
        if side.tab == EXPLAIN:
            lines, width = await _explanation(app, one), _width(side)
            labels = [LABEL if line.startswith(" ") else 0 for line in lines]
            hanging = [hung(line[:at], line[at:], width) for line, at in zip(lines, labels, strict=True)]
            side.show(EXPLAIN, [part for some in hanging for part in some])
            return
        if side.tab == TASKS:
            tasks = await app.in_thread(lambda: app.dashboard.tasks(one.agent.id))
            done = await app.in_thread(lambda: effect_views.of_agent(app.hive.database, app.hive.clock, one.agent.id))
            width = _width(side)
            parts = [task_lines(one.agent.name, tasks, width), [Text()], effect_lines(done, width)]
            # What a person has to decide must be seen without scrolling.
            ordered = parts[::-1] if done.asks else parts
            side.show(TASKS, [line for part in ordered for line in part])
            return
        history = await app.in_thread(lambda: app.dashboard.history(one.agent.id))
    except HiveError as error:
        side.show(side.tab, [error.what])
        return
    width = _width(side)
    side.show(TIMELINE, _timeline(app, one, history, width))
    changes = app.changes.lines(history) if side.tab == GENERATIONS else []
    side.show(GENERATIONS, generation_lines(one.agent, history, width, changes))


def _width(side: Side) -> int:
    return max(20, side.size.width - 4)


def _timeline(app: "HiveApp", one: AgentView, history: AgentHistory, width: int) -> Lines:
    lines: Lines = []
    for wakeup in history.wakeups:
        attempts = history.attempts.get(wakeup.id, ())
        lines += [*timeline(wakeup, attempts, history.at, width, app.hive.retry_policy), ""]
    return lines or [f"Nobody has asked for a wake of {one.agent.name} yet."]


async def _explanation(app: "HiveApp", one: AgentView) -> list[str]:
    hive, observation = app.hive, app.observation
    if observation is None:
        return ["Looking at your panes ..."]
    agent = await app.in_thread(lambda: hive.database.read(agent_store.get, one.agent.id))
    return (await app.in_thread(lambda: hive.explainer.explain(agent, observation))).lines()
