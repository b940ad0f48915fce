"""What can be done to sleep windows, and the form that asks for one."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import structs

from hive_tui.domain.errors import HiveError
from hive_tui.domain.events import Actor
from hive_tui.domain.progress import MeasuredProgress
from hive_tui.domain.schedule import SleepWindow
from hive_tui.domain.windows import checked_window, described
from hive_tui.hive import Hive
from hive_tui.services.schedule import WindowView
from hive_tui.store import agents as agent_store
from hive_tui.ui.dialogs import Form
from hive_tui.ui.doing import Doing, Done

if TYPE_CHECKING:
    from hive_tui.ui.app import HiveApp

ALL = "all"


class ScheduleVerbs:
    """Add, edit, switch and remove, each with its way back."""

    def __init__(self, doing: Doing, hive: Hive, actor: Actor) -> None:
        self._doing = doing
        self._hive = hive
        self._actor = actor

    async def add(self, said: dict[str, str]) -> None:
        """Store the window of a form; it is off at first.

        Raises:
            HiveError: There is no such agent, or a time or the zone is wrong.
        """

        def work(_: MeasuredProgress) -> Done:
            new = self._hive.schedule.add(self._filled_in(SleepWindow("", None), said), self._actor)
            undo = self._change(lambda: self._hive.schedule.remove(new.id, self._actor))
            return Done(f"{described(new)} was added; space switches it on", undo=undo)

        await self._doing.perform("", work, what="the new sleep window")

    async def edit(self, window: SleepWindow, said: dict[str, str]) -> None:
        """Change a window as a form says.

        Raises:
            HiveError: There is no such agent, or a time or the zone is wrong.
        """

        def work(_: MeasuredProgress) -> Done:
            new = self._hive.schedule.edit(window.id, self._filled_in(window, said), self._actor)
            return Done(f"The sleep window is {described(new)} now", undo=self._put_back(window))

        await self._doing.perform("", work, what="the change of a sleep window")

    def toggle(self, window: SleepWindow) -> None:
        """Switch a window on or off."""

        def work(_: MeasuredProgress) -> Done:
            new = self._hive.schedule.enable(window.id, not window.active, self._actor)
            said = "on, from its next start" if new.active else "off"
            return Done(f"{described(new)} is {said}", undo=self._put_back(window))

        self._doing.begin("", work, what="the switch of a sleep window")

    def remove(self, window: SleepWindow) -> None:
        """Remove a window."""

        def work(_: MeasuredProgress) -> Done:
            self._hive.schedule.remove(window.id, self._actor)
            return Done(f"{described(window)} was removed; u brings it back", undo=self._put_back(window))

        self._doing.begin("", work, what="the removal of a sleep window")

    def _filled_in(self, window: SleepWindow, said: dict[str, str]) -> SleepWindow:
        agent_id = None
        if said["agent"] not in ("", ALL):
            agent_id = self._hive.database.read(agent_store.find, said["agent"]).id
        return structs.replace(timed(window, said), agent_id=agent_id)

    def _put_back(self, window: SleepWindow) -> Callable[[], None]:
        return self._change(lambda: self._hive.schedule.put_back(window, self._actor))

    def _change(self, change: Callable[[], object]) -> Callable[[], None]:
        return lambda: self._doing.change(change)


def ask_window(app: "HiveApp", one: WindowView | None) -> None:
    """Ask for the facts of a new window, or of one that is to be changed."""
    window = one.window if one is not None else SleepWindow("", None)
    name = one.agent_name if one is not None and window.agent_id is not None else ALL

    async def submit(said: dict[str, str]) -> None:
        if one is None:
            await app.verbs.schedule.add(said)
        else:
            await app.verbs.schedule.edit(window, said)

    fields = (
        ("agent", "Agent, or all", name),
        ("start", "Nap at", window.start_time),
        ("end", "Wake at (before the start: the next morning)", window.end_time),
        ("zone", "Time zone, like Europe/Berlin", window.timezone),
    )
    title, yes = ("A new sleep window", "Add") if one is None else ("Change the sleep window", "Change")
    app.push_screen(Form(title, fields, yes, check=window_error, submit=submit))


def timed(window: SleepWindow, said: dict[str, str]) -> SleepWindow:
    """The window with the times and the zone of a form."""
    return structs.replace(window, start_time=said["start"], end_time=said["end"], timezone=said["zone"])


def window_error(said: dict[str, str]) -> str:
    """What is wrong with the answers; empty for nothing."""
    try:
        checked_window(timed(SleepWindow("", None), said))
    except HiveError as error:
        return f"{error.what} {error.hint}"
    return ""
