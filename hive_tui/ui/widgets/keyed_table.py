"""A table whose rows have keys: reloads change the cells that differ and keep the cursor on its row."""

from collections.abc import Sequence
from typing import Any

from rich.text import Text
from textual.binding import Binding
from textual.widgets import DataTable

from hive_tui.ui.format import Cell, Row, printable


class KeyedTable(DataTable[Text]):
    """Rows of ready text. Never refilled: 2,000 rows take 4 ms to change and 600 ms to fill."""

    BINDINGS = [
        Binding("home,g", "scroll_top", "First", show=False),
        Binding("end,G", "scroll_bottom", "Last", show=False),
    ]

    def __init__(self, columns: Sequence[str], **options: Any) -> None:
        super().__init__(cursor_type="row", **options)
        self._names = tuple(columns)
        self._shown: dict[str, Row] = {}

    def on_mount(self) -> None:
        """Make the columns."""
        for name in self._names:
            self.add_column(name.upper(), key=name)

    @property
    def selected_key(self) -> str | None:
        """The key of the row under the cursor."""
        if not self.row_count:
            return None
        return self.coordinate_to_cell_key(self.cursor_coordinate).row_key.value

    def keys_in_order(self) -> list[str]:
        """The keys of all rows, from top to bottom."""
        return [str(row.key.value) for row in self.ordered_rows]

    def show(self, rows: Sequence[Row]) -> None:
        """Draw these rows, in this order."""
        selected = self.selected_key
        wanted = {row.key: row for row in rows}
        is_wider = any(_is_wider(row, self._shown.get(row.key)) for row in rows)
        for key in self._shown.keys() - wanted.keys():
            self.remove_row(key)
        for row in rows:
            self._put(row)
        order = list(wanted)
        if self.keys_in_order() != order:
            rank = {key: at for at, key in enumerate(order)}
            self.sort(key=lambda cells: rank[_key_of(cells)])
        # A row above that goes moves the others up under the cursor, too.
        if selected in wanted and self.cursor_row != order.index(selected):
            self.move_cursor(row=order.index(selected))
        self._shown = wanted
        if is_wider:
            self.call_after_refresh(self._widen)

    def _widen(self) -> None:
        """Draw the rows again: they are drawn once before their columns have got their widths, and kept like that."""
        self._clear_caches()
        self.refresh()

    def _put(self, row: Row) -> None:
        known = self._shown.get(row.key)
        if known is None:
            self.add_row(*(self._text(cell, row.key) for cell in row.cells), key=row.key)
            return
        for name, before, cell in zip(self._names, known.cells, row.cells, strict=True):
            if before != cell:
                self.update_cell(row.key, name, self._text(cell, row.key), update_width=True)

    def _text(self, cell: Cell, key: str) -> Text:
        style = self._style(cell.style)
        return KeyedText(printable(cell.text), style=style, no_wrap=True, overflow="ellipsis", key=key)

    def _style(self, named: str) -> str:
        """A style with the theme's colours in place of their names."""
        if "$" not in named:
            return named
        if self.app.no_color:
            # A colour would become a grey, and what is loudest a dark one; shape, word and weight are left.
            return " ".join(word for word in named.split() if not word.startswith("$"))
        colours = self.app.theme_variables
        words = [colours.get(word[1:], "") if word.startswith("$") else word for word in named.split()]
        # Themes of the terminal's own colours name them as Textual does, and Rich knows them without that prefix.
        plain = [word.removeprefix("ansi_") for word in words]
        return " ".join(word for word in plain if word and not word.startswith(("auto", "default")))


class KeyedText(Text):
    """Text that knows its row, since a table's sort sees only cells."""

    def __init__(self, text: str, *, key: str, **options: Any) -> None:
        super().__init__(text, **options)
        self.key = key


def _is_wider(row: Row, known: Row | None) -> bool:
    """Whether a row is new, or has a cell that may not fit into its column any more."""
    if known is None:
        return True
    return any(len(cell.text) > len(before.text) for cell, before in zip(row.cells, known.cells, strict=True))


def _key_of(cells: Sequence[Text]) -> str:
    first = cells[0]
    assert isinstance(first, KeyedText)
    return first.key
