"""The columns of a table: how wide they are, and the lines that they make of rows."""

from collections.abc import Callable, Sequence

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from hive_tui.ui.format import Cell, Row, printable

ELLIPSIS = "…"
PADDING = 1
LEAST_LAST = 6
"""The last column takes what is left of the width, but not less than that."""


class Columns:
    """As wide as their widest cell has been; the last one takes what is left."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = [name.upper() for name in names]
        self._widths = [cell_len(name) for name in self._names]
        self._measured: dict[tuple[Cell, ...], tuple[int, ...]] = {}

    def fit(self, rows: Sequence[Row]) -> bool:
        """Make room for these rows; whether the widths have changed."""
        self._measured = {row.cells: self._measured.get(row.cells) or _measure(row) for row in rows}
        columns = zip(*self._measured.values(), strict=True) if rows else iter([()] * len(self._names))
        widths = [max(cell_len(name), *found, 0) for name, found in zip(self._names, columns, strict=True)]
        before, self._widths = self._widths, widths
        return before != widths

    def header(self, style: Style, width: int) -> Strip:
        """The names of the columns."""
        return self._strip([(name, style) for name in self._names], style, width)

    def line(self, row: Row, base: Style, style_of: Callable[[Cell], Style], width: int, *, is_plain: bool) -> Strip:
        """One row of so many cells' width; a plain one has the colours of its base alone."""
        texts = [
            (printable(cell.text), base + style_of(cell).without_color if is_plain else base + style_of(cell))
            for cell in row.cells
        ]
        return self._strip(texts, base, width)

    def _strip(self, texts: Sequence[tuple[str, Style]], base: Style, width: int) -> Strip:
        segments, left = [], width
        gap = Segment(" " * PADDING, base)
        for at, ((text, style), wide) in enumerate(zip(texts, self._widths, strict=True)):
            is_last = at == len(texts) - 1
            room = max(left - 2 * PADDING, min(wide, LEAST_LAST)) if is_last else wide
            segments += [gap, Segment(fitted(text, room), style), gap]
            left -= room + 2 * PADDING
        return Strip(segments).adjust_cell_length(width, base)


def fitted(text: str, room: int) -> str:
    """The text in so many cells: filled up with blanks, or cut with a sign that it goes on."""
    if cell_len(text) <= room:
        return set_cell_size(text, room)
    return set_cell_size(text, room - 1) + ELLIPSIS if room else ""


def _measure(row: Row) -> tuple[int, ...]:
    return tuple(cell_len(printable(cell.text)) for cell in row.cells)
