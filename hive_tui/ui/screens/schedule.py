"""The sleep windows and the recurring routines, with a week of the selected one."""

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.widgets import Static

from hive_tui.domain.windows import described
from hive_tui.services.routines import RoutineView
from hive_tui.services.schedule import ScheduleView, WindowView
from hive_tui.ui import routine_verbs
from hive_tui.ui.dialogs import Confirm
from hive_tui.ui.routine_rows import routine_rows, routine_week
from hive_tui.ui.schedule_rows import COLUMNS, columns, week, window_rows
from hive_tui.ui.schedule_verbs import ask_window
from hive_tui.ui.screens.base import HiveScreen
from hive_tui.ui.widgets.key_bar import Key
from hive_tui.ui.widgets.keyed_table import KeyedTable
from hive_tui.ui.widgets.steady import Steady

EMPTY = """\
Nothing is planned yet.
In a sleep window agents nap at its start, and are woken at its end: a adds one.
A routine gives an agent a task again and again, or wakes it: A adds one."""
NOTHING = "There is no sleep window; a adds one."


class ScheduleScreen(HiveScreen):
    """When agents nap and are woken by the clock."""

    TITLE_TEXT = "Schedule"
    BINDINGS = [
        Binding("a", "add", "Add a sleep window"),
        Binding("A", "add_routine", "Add a routine: a task, or a wake, again and again"),
        Binding("space,enter", "switch", "Switch the selected window or routine on or off", key_display="space"),
        Binding("e", "edit", "Edit the selected window or routine"),
        Binding("d", "remove", "Remove the selected window or routine, after a question"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._view: ScheduleView | None = None
        self._routines: tuple[RoutineView, ...] = ()

    def body(self) -> ComposeResult:
        """Table and week."""
        yield Static(EMPTY, id="empty")
        yield KeyedTable(COLUMNS, id="schedule")
        yield Steady(id="week")

    def on_mount(self) -> None:
        """The keys go to the table."""
        self.query_one(KeyedTable).focus()

    async def reload(self) -> None:
        """Draw the windows."""
        self._view = await self.hive_app.in_thread(self.hive_app.hive.schedule.view)
        self._routines = await self.hive_app.in_thread(self.hive_app.hive.recurring.routines.view)
        self.query_one("#empty").display = not (self._view.windows or self._routines)
        self._draw()

    def on_resize(self) -> None:
        """There may be room for more columns, or for fewer."""
        self._draw()

    def _draw(self) -> None:
        if self._view is None:
            return
        table, width = self.query_one(KeyedTable), self.size.width
        table.name_columns(columns(width))
        table.show((*window_rows(self._view, width), *routine_rows(self._routines, width)))
        self._draw_week()

    def keys(self) -> list[Key]:
        """What can be done with the selected one."""
        adds = [Key("a", "Add", "screen.add"), Key("A", "Add routine", "screen.add_routine")]
        change = [Key("e", "Edit", "screen.edit"), Key("d", "Remove", "screen.remove")]
        one, routine = self.selected, self.selected_routine
        if routine is not None:
            switch = Key("space", "Switch off" if routine.routine.active else "Switch on", "screen.switch")
            return [switch, *change, *adds]
        if one is None:
            return adds
        switch = Key("space", "Switch off" if one.window.active else "Switch on", "screen.switch")
        return [switch, *change, *adds]

    @property
    def selected(self) -> WindowView | None:
        """The window under the cursor."""
        key = self.query_one(KeyedTable).selected_key
        found = self._view.windows if self._view else ()
        return next((one for one in found if one.window.id == key), None)

    @property
    def selected_routine(self) -> RoutineView | None:
        """The routine under the cursor."""
        key = self.query_one(KeyedTable).selected_key
        return next((one for one in self._routines if one.routine.id == key), None)

    @on(KeyedTable.RowHighlighted)
    def _selected(self) -> None:
        self._draw_week()
        self.draw_keys()

    def _draw_week(self) -> None:
        one, routine = self.selected, self.selected_routine
        text, width = Text(), self.size.width - 2
        if self._view is not None and one is not None:
            text = week(one, self._view.at, width)
        elif self._view is not None and routine is not None:
            text = routine_week(routine, self._view.at, width)
        strip = self.query_one("#week", Steady)
        strip.display = bool(text)
        strip.put(text)

    def action_add(self) -> None:
        """Ask for a new window."""
        self.hive_app.verbs.doing.press()
        ask_window(self.hive_app, None)

    def action_add_routine(self) -> None:
        """Ask for a new routine."""
        self.hive_app.verbs.doing.press()
        routine_verbs.ask(self.hive_app, None)

    def action_edit(self) -> None:
        """Ask for other facts of the selected window or routine."""
        if routine := self.selected_routine:
            self.hive_app.verbs.doing.press()
            routine_verbs.ask(self.hive_app, routine)
        elif one := self._selected_or_refused():
            self.hive_app.verbs.doing.press()
            ask_window(self.hive_app, one)

    @on(KeyedTable.RowSelected)
    def action_switch(self) -> None:
        """Switch the selected window or routine on or off."""
        if routine := self.selected_routine:
            self.hive_app.verbs.doing.press()
            routine_verbs.toggle(self.hive_app, routine.routine)
        elif one := self._selected_or_refused():
            self.hive_app.verbs.doing.press()
            self.hive_app.verbs.schedule.toggle(one.window)

    def action_remove(self) -> None:
        """Remove the selected window or routine, after a question."""
        if routine := self.selected_routine:
            routine_verbs.remove(self.hive_app, routine.routine)
            return
        one = self._selected_or_refused()
        if one is None:
            return
        lines = [f"It is for {one.agent_name}."]
        lines += ["Those that sleep by it now are woken."] if one.is_open else []
        question = Confirm(f"Remove the sleep window {described(one.window)}?", lines, "Remove")

        def answered(yes: bool | None) -> None:
            if yes:
                self.hive_app.verbs.doing.press()
                self.hive_app.verbs.schedule.remove(one.window)

        self.app.push_screen(question, answered)

    def _selected_or_refused(self) -> WindowView | None:
        one = self.selected
        if one is None:
            self.refuse(NOTHING)
        return one
