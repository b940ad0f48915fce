"""Widgets that hand out finished lines: with neither border nor padding there is nothing to add to them.

Textual's own way asks for styles, borders and opacity of every line, which takes 4 ms for a pane of 40 lines.
"""

from rich.style import Style
from textual.color import Color
from textual.containers import Horizontal, Vertical
from textual.geometry import Region
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget


class Ground(Widget):
    """Nothing but its background, which what is in it covers anyway."""

    _ground: tuple[Strip, Color] | None = None

    def render_lines(self, crop: Region) -> list[Strip]:
        """The same line again and again."""
        background = self.background_colors[1]
        if self._ground is None or self._ground[0].cell_length != crop.width or self._ground[1] != background:
            self._ground = Strip.blank(crop.width, self.rich_style), background
        line = self._ground[0]
        for one in self.get_line_filters():
            line = line.apply_filter(one, background)
        return [line] * crop.height


class Beside(Horizontal, Ground):
    """From left to right."""


class Below(Vertical, Ground):
    """From top to bottom."""


class LineView(ScrollView):
    """Scrolls lines that `render_line` makes, and asks for its own colours once a drawing, not once a line."""

    _base_style: Style | None = None

    @property
    def base_style(self) -> Style:
        """Text and background where nothing else is said."""
        return self._base_style or self.rich_style

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines as they are, but for what the terminal cannot show."""
        # Asked for each time: what is around it may have changed its colours, and nobody tells.
        self._base_style = self.rich_style
        filters, background = self.get_line_filters(), self.background_colors[1]
        left, right = crop.column_span
        lines = []
        for y in crop.line_range:
            line = self.render_line(y)
            for one in filters:
                line = line.apply_filter(one, background)
            lines.append(line.crop(left, right))
        self._base_style = None
        return lines
