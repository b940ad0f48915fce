"""What can be done to recurring routines on the Schedule screen, each with its way back."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from hive_tui.domain.errors import HiveError
from hive_tui.domain.events import Actor
from hive_tui.domain.progress import MeasuredProgress
from hive_tui.domain.routines import Routine, checked_every
from hive_tui.services.routines import RoutineView
from hive_tui.store import agents as agent_store
from hive_tui.ui.dialogs import Confirm, Form
from hive_tui.ui.doing import Done

if TYPE_CHECKING:
    from hive_tui.ui.app import HiveApp


YOU = Actor.person("dashboard")
EVERY = "How often: daily 09:00 Europe/Berlin, 4h, 0 9 * * 1-5"
GOAL = "Goal of the task that it makes; empty: it only wakes"


def toggle(app: "HiveApp", one: Routine) -> None:
    """Switch a routine on or off."""
    routines, doing = app.hive.recurring.routines, app.verbs.doing

    def work(_: MeasuredProgress) -> Done:
        new = routines.enable(one.id, not one.active, YOU)
        said = "on, from its next run" if new.active else "off"
        undo = _back(app, one)
        return Done(f"The routine {one.name} is {said}", undo=undo)

    doing.begin("", work, what="the switch of a routine")


def remove(app: "HiveApp", one: Routine) -> None:
    """Remove a routine, after a question."""
    routines, doing = app.hive.recurring.routines, app.verbs.doing

    def work(_: MeasuredProgress) -> Done:
        routines.remove(one.id, YOU)
        undo = _back(app, one)
        return Done(f"The routine {one.name} was removed; u brings it back", undo=undo)

    def answered(yes: bool | None) -> None:
        if yes:
            doing.press()
            doing.begin("", work, what="the removal of a routine")

    question = Confirm(f"Remove the routine {one.name}?", ["The tasks that it has made stay."], "Remove")
    app.push_screen(question, answered)


def ask(app: "HiveApp", one: RoutineView | None) -> None:
    """Ask for the facts of a new routine, or of one that is to be changed."""
    old = one.routine if one is not None else None
    says = (old.goal or old.message or "") if old is not None else ""
    label = GOAL if old is None else "Goal of the task that it makes" if old.goal else "What the agent is told then"
    fields = (
        ("agent", "Agent", one.agent_name if one is not None else ""),
        ("every", EVERY, old.every if old is not None else "daily 09:00"),
        ("says", label, says),
        ("name", "Name; empty: as its task" if old is None else "Name", old.name if old is not None else ""),
    )

    async def submit(said: dict[str, str]) -> None:
        def work(_: MeasuredProgress) -> Done:
            return _added(app, said) if old is None else _changed(app, old, said)

        await app.verbs.doing.perform("", work, what="the new routine" if old is None else "the change of a routine")

    title, yes = ("A new routine", "Add") if old is None else ("Change the routine", "Change")
    app.push_screen(Form(title, fields, yes, check=routine_error, submit=submit))


def routine_error(said: dict[str, str]) -> str:
    """What is wrong with the answers; empty for nothing."""
    try:
        checked_every(said["every"], "UTC")
    except HiveError as error:
        return f"{error.what} {error.hint}"
    return "" if said["agent"] else "Name the agent that is to do it."


def _added(app: "HiveApp", said: dict[str, str]) -> Done:
    routines, agent = app.hive.recurring.routines, app.hive.database.read(agent_store.find, said["agent"])
    new = routines.add(said["every"], agent, YOU, goal=said["says"] or None, name=said["name"] or None)
    undo = partial(app.verbs.doing.change, partial(routines.remove, new.id, YOU))
    return Done(f"The routine {new.name} was added, and is on", undo=undo)


def _changed(app: "HiveApp", old: Routine, said: dict[str, str]) -> Done:
    routines, agent = app.hive.recurring.routines, app.hive.database.read(agent_store.find, said["agent"])
    new = routines.edit(old, agent, YOU, every=said["every"], name=said["name"], says=said["says"])
    return Done(f"The routine {new.name} was changed", undo=_back(app, old))


def _back(app: "HiveApp", one: Routine) -> Callable[[], None]:
    return lambda: app.verbs.doing.change(lambda: app.hive.recurring.routines.put_back(one, YOU))
