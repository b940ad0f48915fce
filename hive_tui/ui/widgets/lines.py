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
        if self._ground is None or self._ground[0].cell_length != crop.width:
            self._ground = Strip.blank(crop.width, self.rich_style), self.background_colors[1]
        line, background = self._ground
        for one in self.get_line_filters():
            line = line.apply_filter(one, background)
        return [line] * crop.height

    def notify_style_update(self) -> None:
        """Other colours."""
        super().notify_style_update()
        self._ground = None


class Beside(Horizontal, Ground):
    """From left to right."""


class Below(Vertical, Ground):
    """From top to bottom."""


class LineView(ScrollView):
    """Scrolls lines that `render_line` makes, and asks for its own colours once."""

    _colours: tuple[Style, Color] | None = None

    @property
    def base_style(self) -> Style:
        """Text and background where nothing else is said."""
        return self._known_colours[0]

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines as they are, but for what the terminal cannot show."""
        filters, background = self.get_line_filters(), self._known_colours[1]
        left, right = crop.column_span
        lines = []
        for y in crop.line_range:
            line = self.render_line(y)
            for one in filters:
                line = line.apply_filter(one, background)
            lines.append(line.crop(left, right))
        return lines

    def notify_style_update(self) -> None:
        """Other colours."""
        super().notify_style_update()
        self._colours = None

    @property
    def _known_colours(self) -> tuple[Style, Color]:
        if self._colours is None:
            self._colours = self.rich_style, self.background_colors[1]
        return self._colours
