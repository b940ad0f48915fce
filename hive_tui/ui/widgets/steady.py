"""Text that is drawn anew only when it is another one, and laid out anew only when it may need other room."""

from rich.text import Text
from textual.geometry import Region
from textual.strip import Strip
from textual.widgets import Static

from hive_tui.ui.widgets.lines import Keeping


class Steady(Static, Keeping):
    """A Static that compares first."""

    _drawn: Text | None = None

    def put(self, text: Text | str) -> None:
        """Draw the text if it differs from what is drawn, in words or in looks."""
        wanted = Text(text) if isinstance(text, str) else text
        before = self._drawn
        if before is None or (wanted.plain, wanted.spans) != (before.plain, before.spans):
            self._drawn = wanted
            self.update(wanted, layout=before is None or not self._takes_the_room_of(before, wanted))

    def render_lines(self, crop: Region) -> list[Strip]:
        """Those of the last drawing, if nothing has changed since."""
        kept = self._lines_for(crop, self.hover_style)
        if len(kept) == crop.height:
            return [kept[y] for y in crop.line_range]
        lines = super().render_lines(crop)
        kept.update(zip(crop.line_range, lines, strict=False))
        return lines

    def _takes_the_room_of(self, before: Text, wanted: Text) -> bool:
        """Whether both have as many lines and none of them has to be wrapped: then nothing moves."""
        if not self.size.width or before.plain.count("\n") != wanted.plain.count("\n"):
            return False
        return all(line.cell_len <= self.content_size.width for text in (before, wanted) for line in text.split("\n"))
