"""The page of tasks: what an agent is to do, what for, and how far it is."""

from datetime import UTC, datetime

from textual.widgets import Input

from hive_tui.domain.task_state import TaskState
from hive_tui.domain.tasks import Task, TaskStatus
from hive_tui.services.dashboard import AgentTasks
from hive_tui.store import tasks, wakeups
from hive_tui.ui.dialogs import Choice, Form
from hive_tui.ui.task_rows import task_lines
from hive_tui.ui.widgets.side import TASKS
from tests.stage import TESTER, Stage
from tests.ui.test_dashboard import dashboard, is_done, page_text, shown, shows, toasts, until

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def test_the_chain_of_goals_stands_above_each_task_and_the_step_above_all():
    goal = Task("g", "Ship the shop", "Ship the shop", NOON, NOON)
    part = Task("p", "Pay by card", "Pay by card", NOON, NOON, parent_id="g", status=TaskStatus.DOING)
    state = TaskState("a", "write the form", ("look at it", "plan"), ("test it", "ask"), {"timeout": 2}, NOON)
    lines = [line.plain for line in task_lines("shop", AgentTasks(NOON, state, ((goal, part),)), 60)]
    assert lines[:4] == [
        "now     write the form",
        "next    test it; ask",
        "done    look at it; plan",
        "failed  timeout ×2",
    ]
    assert lines[6:8] == ["○ Ship the shop", "  ◐ Pay by card  (doing)"]


async def test_T_gives_a_task_and_D_says_that_it_is_done(stage: Stage):
    stage.agent_in_shell("shop")
    agent = stage.look()
    goal = stage.hive.tasks.add("Ship the shop", TESTER).task
    async with dashboard(stage) as (app, pilot):
        await until(pilot, lambda: shown(app))
        await pilot.press("D")
        await until(pilot, lambda: "shop has no task that could be done; T gives it one." in toasts(app))
        await pilot.press("right_square_bracket", "right_square_bracket", "right_square_bracket")
        await until(pilot, lambda: "shop has no task. T gives it one, and wakes it." in page_text(app, TASKS))
        await pilot.press("T")
        await until(pilot, lambda: shows(app, Form))
        app.screen.query_one(Input).value = "Pay by card"
        await pilot.press("enter")
        await until(pilot, lambda: any("shop has a new task" in said for said in toasts(app)))
        given = stage.hive.database.read(tasks.everything, agent_id=agent.id)[0]
        assert stage.hive.database.read(wakeups.recent)[0].agent_id == agent.id, "it is woken for it"
        stage.hive.tasks.move(given.id, goal.id, TESTER)
        await until(pilot, lambda: not isinstance(app.screen, Form))
        await pilot.press("left_square_bracket", "right_square_bracket")
        await until(pilot, lambda: "○ Ship the shop\n  ○ Pay by card  (open)" in page_text(app, TASKS))
        await pilot.press("D")
        await until(pilot, lambda: shows(app, Choice))
        await pilot.press("1")
        await until(pilot, lambda: any("Pay by card: done" in said for said in toasts(app)))
        await until(pilot, lambda: is_done(app))
        await pilot.press("u")
        await until(pilot, lambda: stage.hive.database.read(tasks.get, given.id).status is TaskStatus.OPEN)
