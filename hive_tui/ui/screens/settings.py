"""Every setting with its value, unit and default; and changes of the settings file."""

from functools import cached_property

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.widgets import Input

from hive_tui.services.settings_text import UNSET
from hive_tui.services.settings_view import SettingsReader, SettingsView, SettingView
from hive_tui.settings.knobs import dotted, table_description
from hive_tui.store import agents as agent_store
from hive_tui.ui.format import detail_lines, printable
from hive_tui.ui.screens.base import HiveScreen
from hive_tui.ui.setting_rows import (
    DESCRIBED,
    SETTING_COLUMNS,
    WIDE,
    heading,
    note_of,
    nothing_of,
    setting_details,
    setting_rows,
)
from hive_tui.ui.setting_verbs import NO_FILE, SettingVerbs
from hive_tui.ui.widgets.key_bar import Key
from hive_tui.ui.widgets.keyed_table import KeyedTable
from hive_tui.ui.widgets.steady import Steady

NOTHING = "No setting is selected; j and k move to one."
NOT_REMOVABLE = "Only services, webhooks and the settings of one agent that stand in the file can be removed."
NO_SWITCH = "{} is no switch; Enter changes it."


class SettingsScreen(HiveScreen):
    """All tables of the settings file, and what is known of the selected setting."""

    TITLE_TEXT = "Settings"
    BINDINGS = [
        Binding("enter", "edit", "Change the selected setting", key_display="⏎"),
        Binding("space", "switch", "Switch the selected setting on or off"),
        Binding("d", "default", "Take the selected setting out of the file: its default counts"),
        Binding("a,n", "add", "Add a service, a webhook or an agent's own settings", key_display="a"),
        Binding("x", "remove", "Remove the selected service, webhook or agent's own settings from the file"),
        Binding("slash", "filter", "Filter: words of name, value or description", key_display="/"),
        Binding("f", "given", "Show only what the file sets, or everything"),
        Binding("escape", "back", "Back: everything again, then the screen before"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._view: SettingsView | None = None
        self._wanted = ""
        self._only_given = False

    @cached_property
    def _verbs(self) -> SettingVerbs:
        return SettingVerbs(self.hive_app)

    def body(self) -> ComposeResult:
        """Filter, table, the selected setting."""
        yield Input(placeholder="filter: words of name, value or description", id="filter", compact=True)
        yield Steady(id="settings-trouble")
        yield Steady("", id="empty")
        yield KeyedTable(SETTING_COLUMNS, id="settings")
        yield Steady(id="list-note")
        yield Steady(id="setting")

    def on_mount(self) -> None:
        """The keys go to the table."""
        self.query_one("#filter").display = False
        self.query_one(KeyedTable).focus()

    async def reload(self) -> None:
        """Read the file."""
        running = self.hive_app.hive.settings
        self._view = await self.hive_app.in_thread(lambda: self._reader.read(running))
        self._draw()

    @cached_property
    def _reader(self) -> SettingsReader:
        hive = self.hive_app.hive
        file = self._verbs.file if hive.settings_file is not None else None
        return SettingsReader(file, lambda: [one.name for one in hive.database.read(agent_store.everyone)])

    def keys(self) -> list[Key]:
        """What can be done with the selected one."""
        one, found = self.selected, []
        if one is not None:
            found.append(Key("⏎", "Change", "screen.edit"))
            found += [Key("space", "Switch", "screen.switch")] if one.knob.is_switch else []
            found += [Key("d", "Default", "screen.default")] if one.is_given else []
        found.append(Key("a", "Add", "screen.add"))
        found += [Key("x", "Remove", "screen.remove")] if self._removable() else []
        shown = Key("f", "All" if self._only_given else "Only what is set", "screen.given")
        return [*found, Key("/", "Filter", "screen.filter"), shown, Key("esc", "Back", "screen.back")]

    @property
    def selected(self) -> SettingView | None:
        """The setting under the cursor; None on the name of a table."""
        key = self.query_one(KeyedTable).selected_key
        return next((one for one in self._view.settings if one.knob.name == key), None) if self._view else None

    def on_resize(self) -> None:
        """There may be room for the descriptions, or none any more."""
        self._draw()

    def _draw(self) -> None:
        view = self._view
        if view is None:
            return
        table, width = self.query_one(KeyedTable), self.size.width
        rows = setting_rows(view, self._wanted.casefold().split(), only_given=self._only_given, width=width)
        table.name_columns(DESCRIBED if width >= WIDE else SETTING_COLUMNS)
        table.show(rows)
        if self.selected is None and not table.was_moved:
            table.move_cursor(row=table.cursor_row + 1)  # the name of a table is nothing to change
        empty = self.query_one("#empty", Steady)
        empty.display = not rows
        empty.put(Text(printable(nothing_of(view, self._wanted))))
        trouble = self.query_one("#settings-trouble", Steady)
        trouble.display = bool(view.look.trouble)
        trouble.put(Text(printable(f"✕ {view.look.trouble}")))
        shown = sum(not row.key.startswith("[") for row in rows)
        note = note_of(view, shown, wanted=self._wanted, only_given=self._only_given)
        self.query_one("#list-note", Steady).put(Text(printable(note), no_wrap=True, overflow="ellipsis"))
        self._draw_selected()

    @on(KeyedTable.RowHighlighted)
    def _draw_selected(self) -> None:
        one, key = self.selected, self.query_one(KeyedTable).selected_key
        details = setting_details(one) if one is not None else []
        if one is None and key is not None and self._view is not None:
            tables = {heading(each.knob.table): each.knob.table for each in self._view.settings}
            details = [(key, table_description(tables[key]))] if key in tables else []
        box = self.query_one("#setting", Steady)
        box.display = bool(details)
        box.put(printable(detail_lines(details, self.size.width - 2)))
        self.draw_keys()

    @on(Input.Changed, "#filter")
    def _filtered(self, changed: Input.Changed) -> None:
        self._wanted = changed.value
        self.query_one(KeyedTable).was_moved = False
        self._draw()

    @on(Input.Submitted, "#filter")
    def _filter_done(self) -> None:
        self.query_one(KeyedTable).focus()

    def action_filter(self) -> None:
        """Show the filter and type into it."""
        box = self.query_one("#filter", Input)
        box.display = True
        self.set_focus(box)

    def action_given(self) -> None:
        """Only what the file sets, or everything."""
        self._only_given = not self._only_given
        self.query_one(KeyedTable).was_moved = False
        self._draw()
        self.draw_keys()

    def action_back(self) -> None:
        """Everything again; then the screen before."""
        box = self.query_one("#filter", Input)
        if not (box.display or self._only_given):
            self.hive_app.leave_beside()
            return
        self._only_given = False
        box.value = ""
        box.display = False
        self.query_one(KeyedTable).focus()
        self._draw()

    @on(KeyedTable.RowSelected)
    def action_edit(self) -> None:
        """Ask for another value."""
        if (found := self._selected_or_refused()) is not None:
            self.hive_app.verbs.doing.press()
            self._verbs.ask(*found)

    def action_switch(self) -> None:
        """True becomes false, and the other way round."""
        if (found := self._selected_or_refused()) is None:
            return
        view, one = found
        if not one.knob.is_switch:
            self.refuse(NO_SWITCH.format(one.knob.name))
            return
        self.hive_app.verbs.doing.press()
        self._verbs.begin(view, {one.knob.address: one.value != "true"})

    def action_default(self) -> None:
        """Take the setting out of the file."""
        if (found := self._selected_or_refused()) is None:
            return
        view, one = found
        if not one.is_given:
            self.refuse(f"{one.knob.name} has its default already.")
            return
        self.hive_app.verbs.doing.press()
        self._verbs.begin(view, {one.knob.address: UNSET})

    def action_add(self) -> None:
        """Ask what is to be added, and then for what it needs."""
        from hive_tui.ui.table_forms import ask_table

        view = self._view
        if self.hive_app.hive.settings_file is None:
            self.refuse(NO_FILE)
        elif view is not None:
            self.hive_app.verbs.doing.press()
            ask_table(self.hive_app, self._verbs, view.look, self._go_to)

    def _go_to(self, table: tuple[str, ...]) -> None:
        """Show that table, and all of it, once it has been read."""
        box = self.query_one("#filter", Input)
        box.display, box.value = True, f"{dotted(table)}."
        self._only_given = False
        self.query_one(KeyedTable).focus()

    def _removable(self) -> tuple[str, ...] | None:
        """The table of the cursor's row, where it stands in the file and is named by a person."""
        key, view = self.query_one(KeyedTable).selected_key, self._view
        if view is None or key is None:
            return None
        tables = [one.knob.table for one in view.settings if key in (one.knob.name, heading(one.knob.table))]
        given = {known[:2] for known in view.look.given if len(known) > 2}
        return next((table for table in tables if table in given), None)

    def action_remove(self) -> None:
        """Take the table out of the file; `u` brings it back."""
        table = self._removable()
        if self.hive_app.hive.settings_file is None:
            self.refuse(NO_FILE)
        elif table is None or self._view is None:
            self.refuse(NOT_REMOVABLE)
        else:
            self.hive_app.verbs.doing.press()
            self._verbs.remove(self._view, table)

    def _selected_or_refused(self) -> tuple[SettingsView, SettingView] | None:
        one = self.selected
        if self.hive_app.hive.settings_file is None:
            self.refuse(NO_FILE)
        elif one is None or self._view is None:
            self.refuse(NOTHING)
        else:
            return self._view, one
        return None
