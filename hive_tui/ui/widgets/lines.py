"""Widgets that hand out finished lines: with neither border nor padding there is nothing to add to them.

Textual's own way asks for styles, borders and opacity of every line, which takes 4 ms for a pane of 40 lines. And
whatever is drawn of a screen, it asks all its widgets for all their lines: so they are kept.
"""

from collections.abc import Hashable
from typing import Any, Self

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


class Keeping(Widget):
    """Keeps its lines until it is refreshed, or is to look otherwise.

    To be named behind what else a widget is: style sheets know that by its first base alone.
    """

    _kept: dict[int, Strip] | None = None
    """By line, counted from the widget's first one in sight."""
    _kept_for: Hashable = None

    def refresh(self, *regions: Region, **options: Any) -> Self:
        """Make these lines anew when they are drawn; without regions, all of them."""
        if self._kept is not None and regions:
            for y in {y for region in regions for y in region.line_range}:
                self._kept.pop(y, None)
        else:
            self._kept = None
        return super().refresh(*regions, **options)

    def notify_style_update(self) -> None:
        """Other colours: nothing is kept."""
        super().notify_style_update()
        self._kept = None

    def _lines_for(self, *looks: Hashable) -> dict[int, Strip]:
        """The lines that were made for these looks; what is put there is kept."""
        wanted = (*looks, tuple(self.get_line_filters()))
        if self._kept is None or self._kept_for != wanted:
            self._kept, self._kept_for = {}, wanted
        return self._kept


class LineView(ScrollView, Keeping):
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
        kept = self._lines_for(crop.column_span, self.scroll_offset, self._base_style)
        new = {y: self.render_line(y) for y in crop.line_range if y not in kept}
        if new and (filters := self.get_line_filters()):
            background = self.background_colors[1]
            for one in filters:
                new = {y: line.apply_filter(one, background) for y, line in new.items()}
        kept.update((y, line.crop(*crop.column_span)) for y, line in new.items())
        self._base_style = None
        return [kept[y] for y in crop.line_range]
