"""A table whose rows have keys: a change draws the lines that differ, and the cursor stays on its row.

Textual's own table draws all its visible cells again when one of them changes, and takes 30 ms for it; here
a line is made once, in 0.1 ms, and kept until its row changes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from rich.style import Style
from textual import on
from textual.binding import Binding, BindingType
from textual.events import Blur, Click, Focus, Resize
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip

from hive_tui.ui.format import Cell, Row
from hive_tui.ui.widgets.cells import Columns
from hive_tui.ui.widgets.lines import LineView

HEADER_LINES = 1


class KeyedTable(LineView, can_focus=True):
    """A header that stays, and below it rows of ready text."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"table--header", "table--cursor", "table--cursor-blurred"}
    DEFAULT_CSS = """
    KeyedTable {
        overflow-x: hidden;
        & > .table--header { background: $panel; color: $foreground; text-style: bold; }
        & > .table--cursor {
            background: $block-cursor-background;
            color: $block-cursor-foreground;
            text-style: $block-cursor-text-style;
        }
        & > .table--cursor-blurred {
            background: $block-cursor-blurred-background;
            color: $block-cursor-blurred-foreground;
            text-style: $block-cursor-blurred-text-style;
        }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "cursor_up", "Up", show=False),
        Binding("down", "cursor_down", "Down", show=False),
        Binding("pageup", "page(-1)", "A page up", show=False),
        Binding("pagedown", "page(1)", "A page down", show=False),
        Binding("home,g", "first", "First", show=False),
        Binding("end,G", "last", "Last", show=False),
        Binding("enter", "select", "Select", show=False),
    ]

    @dataclass
    class RowHighlighted(Message):
        """The cursor is on another row, or on none any more."""

        table: "KeyedTable"
        key: str | None

        @property
        def control(self) -> "KeyedTable":
            """The table."""
            return self.table

    @dataclass
    class RowSelected(Message):
        """Enter, or a click on the row that the cursor is on."""

        table: "KeyedTable"
        key: str

        @property
        def control(self) -> "KeyedTable":
            """The table."""
            return self.table

    def __init__(self, columns: Sequence[str], **options: Any) -> None:
        super().__init__(**options)
        self._names = tuple(columns)
        self._columns = Columns(columns)
        self._rows: list[Row] = []
        self._at: dict[str, int] = {}
        self._cursor = 0
        self._told: str | None = None
        self.was_moved = False
        """Whether a person has moved the cursor."""
        self._lines: dict[tuple[str, Style], Strip] = {}
        self._header: Strip | None = None
        self._styles: dict[str, Style] = {}

    @property
    def row_count(self) -> int:
        """How many rows there are."""
        return len(self._rows)

    @property
    def cursor_row(self) -> int:
        """The row of the cursor, from 0."""
        return self._cursor

    @property
    def selected_key(self) -> str | None:
        """The key of the row under the cursor."""
        return self._rows[self._cursor].key if self._rows else None

    @property
    def rows(self) -> Sequence[Row]:
        """All rows, from top to bottom."""
        return self._rows

    def keys_in_order(self) -> list[str]:
        """The keys of all rows, from top to bottom."""
        return [row.key for row in self._rows]

    def name_columns(self, names: Sequence[str]) -> None:
        """Have other columns from the next `show` on."""
        if tuple(names) != self._names:
            self._names = tuple(names)
            self._columns = Columns(names)

    def show(self, rows: Sequence[Row]) -> None:
        """Draw these rows, in this order."""
        before, selected = self._rows, self.selected_key
        self._rows = list(rows)
        self._at = {row.key: at for at, row in enumerate(self._rows)}
        self._cursor = self._at.get(selected or "", min(self._cursor, max(0, len(rows) - 1)))
        changed = [at for at, row in enumerate(self._rows) if at >= len(before) or before[at] != row]
        for row in {before[at].key for at in changed if at < len(before)} | {self._rows[at].key for at in changed}:
            self._forget(row)
        is_wider = self._columns.fit(self._rows)
        if is_wider or len(rows) != len(before):
            self._lay_out()
        else:
            for at in changed:
                self._draw(at)
        self._tell()

    def move_cursor(self, *, row: int) -> None:
        """Put the cursor on a row, and bring it into sight."""
        if not self._rows:
            return
        before, self._cursor = self._cursor, min(max(row, 0), len(self._rows) - 1)
        if before != self._cursor:
            self._draw(before)
            self._draw(self._cursor)
        self._bring_into_sight()
        self._tell()

    def render_line(self, y: int) -> Strip:
        """A line of the widget."""
        width = self.size.width
        if y < HEADER_LINES:
            if self._header is None or self._header.cell_length != width:
                self._header = self._columns.header(self.get_component_rich_style("table--header"), width)
            return self._header
        at = self.scroll_offset.y + y - HEADER_LINES
        if at >= len(self._rows):
            return Strip.blank(width, self.base_style)
        row = self._rows[at]
        base = self._row_style(at)
        line = self._lines.get((row.key, base))
        if line is None or line.cell_length != width:
            line = self._columns.line(row, base, self._style_of, width, is_plain=at == self._cursor)
            self._lines[row.key, base] = line
        return line

    def notify_style_update(self) -> None:
        """Other colours: every line is made anew."""
        super().notify_style_update()
        self._lines.clear()
        self._header = None
        self._styles.clear()

    def action_cursor_up(self) -> None:
        """To the row above."""
        self._go(self._cursor - 1)

    def action_cursor_down(self) -> None:
        """To the row below."""
        self._go(self._cursor + 1)

    def action_page(self, by: int) -> None:
        """A page up or down."""
        self._go(self._cursor + by * max(1, self._visible_rows - 1))

    def action_first(self) -> None:
        """To the first row."""
        self._go(0)

    def action_last(self) -> None:
        """To the last row."""
        self._go(len(self._rows) - 1)

    def action_select(self) -> None:
        """Choose the row under the cursor."""
        if (key := self.selected_key) is not None:
            self.post_message(self.RowSelected(self, key))

    def on_click(self, event: Click) -> None:
        """Put the cursor there; on the row that it is on, choose that."""
        at = self.scroll_offset.y + event.y - HEADER_LINES
        if event.y < HEADER_LINES or not 0 <= at < len(self._rows):
            return
        event.stop()
        if at == self._cursor:
            self.action_select()
        else:
            self._go(at)

    def on_resize(self, _: Resize) -> None:
        """Lines of another width."""
        self._lines.clear()
        self._lay_out()
        self._bring_into_sight()

    @on(Focus)
    @on(Blur)
    def _draw_cursor(self) -> None:
        self._draw(self._cursor)

    def _go(self, row: int) -> None:
        self.was_moved = True
        self.move_cursor(row=row)

    @property
    def _visible_rows(self) -> int:
        return max(0, self.scrollable_content_region.height - HEADER_LINES)

    def _tell(self) -> None:
        if self.selected_key != self._told:
            self._told = self.selected_key
            self.post_message(self.RowHighlighted(self, self._told))

    def _lay_out(self) -> None:
        self._lines.clear()
        self._header = None
        self.virtual_size = Size(self.size.width, len(self._rows) + HEADER_LINES)
        self.refresh()

    def _draw(self, at: int) -> None:
        """Draw one row again, if it is in sight."""
        y = at - self.scroll_offset.y + HEADER_LINES
        if HEADER_LINES <= y < self.size.height:
            self.refresh(Region(0, y, self.size.width, 1))

    def _bring_into_sight(self) -> None:
        top, shown = round(self.scroll_target_y), self._visible_rows
        if shown and not top <= self._cursor < top + shown:
            target = self._cursor if self._cursor < top else self._cursor - shown + 1
            self.scroll_to(y=target, animate=False, force=True, immediate=True)

    def _forget(self, key: str) -> None:
        for known in [one for one in self._lines if one[0] == key]:
            del self._lines[known]

    def _row_style(self, at: int) -> Style:
        if at != self._cursor:
            return self.base_style
        return self.get_component_rich_style("table--cursor" if self.has_focus else "table--cursor-blurred")

    def _style_of(self, cell: Cell) -> Style:
        """The style of a cell, with the theme's colours in place of their names."""
        known = self._styles.get(cell.style)
        if known is None:
            # Without colours one would become a grey, and what is loudest a dark one; shape, word and weight are left.
            colours = {} if self.app.no_color else self.app.theme_variables
            words = [colours.get(word[1:], "") if word.startswith("$") else word for word in cell.style.split()]
            # Themes of the terminal's own colours name them as Textual does, and Rich knows them without that prefix.
            plain = [word.removeprefix("ansi_") for word in words]
            known = Style.parse(" ".join(word for word in plain if word and not word.startswith(("auto", "default"))))
            self._styles[cell.style] = known
        return known
