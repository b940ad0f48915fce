"""Gives an agent something to do, and says that it is done."""

from typing import TYPE_CHECKING

from hive_tui.domain.agents import Agent
from hive_tui.domain.errors import HiveError
from hive_tui.domain.progress import MeasuredProgress
from hive_tui.domain.tasks import Task, TaskStatus, checked_goal
from hive_tui.store import tasks as store
from hive_tui.ui.dialogs import Choice, Form
from hive_tui.ui.doing import Done
from hive_tui.ui.verbs import YOU

if TYPE_CHECKING:
    from hive_tui.ui.app import HiveApp

KEYS = "123456789"


def ask_task(app: "HiveApp", agent: Agent) -> None:
    """Ask what the agent is to do, write it down, and wake the agent for it."""

    async def submit(said: dict[str, str]) -> None:
        def work(_: MeasuredProgress) -> Done:
            given = app.hive.tasks.add(said["goal"], YOU, agent_id=agent.id)
            note = f": {given.note}" if given.note else "; it is told as soon as it can be" if given.wakeup else ""
            return Done(f"{agent.name} has a new task{note}", undo=lambda: _set(app, given.task, TaskStatus.CANCELLED))

        await app.verbs.doing.perform("", work, what=f"the task of {agent.name}")

    fields = (("goal", "What is wanted", ""),)
    app.push_screen(Form(f"Give {agent.name} a task", fields, "Give it", check=goal_error, submit=submit))


def ask_done(app: "HiveApp", agent: Agent) -> None:
    """Ask which task of the agent is done, and write that down."""

    async def ask() -> None:
        try:
            found = await app.in_thread(lambda: app.hive.database.read(store.everything, agent_id=agent.id))
        except HiveError as error:
            app.toast_error(error)
            return
        if not found:
            app.notify(f"{agent.name} has no task that could be done; T gives it one.", severity="warning")
            return
        options = [(key, one.id, one.title) for key, one in zip(KEYS, found, strict=False)]
        chosen = await app.push_screen_wait(Choice(f"Which task of {agent.name} is done?", options))
        task = next((one for one in found if one.id == chosen), None)
        if task is not None:
            app.verbs.doing.press()
            _set(app, task, TaskStatus.DONE)

    app.run_worker(ask(), group="verbs")


def _set(app: "HiveApp", task: Task, status: TaskStatus) -> None:
    def work(_: MeasuredProgress) -> Done:
        changed = app.hive.tasks.set_status(task.id, status, YOU)
        also = f", and {len(changed) - 1} of its parts" if len(changed) > 1 else ""
        undo = (lambda: _set(app, task, TaskStatus.OPEN)) if status is TaskStatus.DONE else None
        return Done(f"{task.title}: {status}{also}", undo=undo)

    app.verbs.doing.begin("", work, what=f"the status of {task.title}")


def goal_error(said: dict[str, str]) -> str:
    """What is wrong with a goal; empty for nothing."""
    try:
        checked_goal(said["goal"])
    except HiveError as error:
        return error.what
    return ""
