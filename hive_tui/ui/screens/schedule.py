"""The sleep windows, with a week of the selected one."""

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.widgets import Static

from hive_tui.domain.windows import described
from hive_tui.services.schedule import ScheduleView, WindowView
from hive_tui.ui.dialogs import Confirm
from hive_tui.ui.schedule_rows import WINDOW_COLUMNS, week, window_rows
from hive_tui.ui.schedule_verbs import ask_window
from hive_tui.ui.screens.base import HiveScreen
from hive_tui.ui.widgets.key_bar import Key
from hive_tui.ui.widgets.keyed_table import KeyedTable
from hive_tui.ui.widgets.steady import Steady

NOTHING = "There is no sleep window; a adds one."


class ScheduleScreen(HiveScreen):
    """When agents nap and are woken by the clock."""

    TITLE_TEXT = "Schedule"
    BINDINGS = [
        Binding("a", "add", "Add a sleep window"),
        Binding("space,enter", "switch", "Switch the selected sleep window on or off", key_display="space"),
        Binding("e", "edit", "Edit the selected sleep window"),
        Binding("d", "remove", "Remove the selected sleep window, after a question"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._view: ScheduleView | None = None

    def body(self) -> ComposeResult:
        """Table and week."""
        yield Static(
            "No sleep windows yet: in one, agents nap at its start and are woken at its end. Press a.", id="empty"
        )
        yield KeyedTable(WINDOW_COLUMNS, id="schedule")
        yield Steady(id="week")

    def on_mount(self) -> None:
        """The keys go to the table."""
        self.query_one(KeyedTable).focus()

    async def reload(self) -> None:
        """Draw the windows."""
        self._view = await self.hive_app.in_thread(self.hive_app.hive.schedule.view)
        self.query_one("#empty").display = not self._view.windows
        self.query_one(KeyedTable).show(window_rows(self._view))
        self._draw_week()

    def keys(self) -> list[Key]:
        """What can be done with the selected one."""
        add = Key("a", "Add", "screen.add")
        one = self.selected
        if one is None:
            return [add]
        switch = Key("space", "Switch off" if one.window.active else "Switch on", "screen.switch")
        return [switch, add, Key("e", "Edit", "screen.edit"), Key("d", "Remove", "screen.remove")]

    @property
    def selected(self) -> WindowView | None:
        """The window under the cursor."""
        key = self.query_one(KeyedTable).selected_key
        found = self._view.windows if self._view else ()
        return next((one for one in found if one.window.id == key), None)

    @on(KeyedTable.RowHighlighted)
    def _selected(self) -> None:
        self._draw_week()
        self.draw_keys()

    def _draw_week(self) -> None:
        one = self.selected
        text = Text()
        if one is not None and self._view is not None:
            text = week(one, self._view.at, self.size.width - 2)
        strip = self.query_one("#week", Steady)
        strip.display = one is not None
        strip.put(text)

    def action_add(self) -> None:
        """Ask for a new window."""
        self.hive_app.verbs.doing.press()
        ask_window(self.hive_app, None)

    def action_edit(self) -> None:
        """Ask for other facts of the selected window."""
        if one := self._selected_or_refused():
            self.hive_app.verbs.doing.press()
            ask_window(self.hive_app, one)

    @on(KeyedTable.RowSelected)
    def action_switch(self) -> None:
        """Switch the selected window on or off."""
        if one := self._selected_or_refused():
            self.hive_app.verbs.doing.press()
            self.hive_app.verbs.schedule.toggle(one.window)

    def action_remove(self) -> None:
        """Remove the selected window, after a question."""
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
