"""The live picture of a pane."""

from textwrap import wrap

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region, Size
from textual.strip import Strip

from hive_tui.ui.pane_picture import Picture
from hive_tui.ui.widgets.lines import LineView

SCROLLBACK_LINES = 1000


class PanePreview(LineView, can_focus=False):
    """Draws the lines that are to be seen; live as long as nobody scrolls up, and again at the end."""

    def __init__(self, **options: str) -> None:
        super().__init__(**options)  # type: ignore[arg-type]
        self._lines: tuple[Strip, ...] = ()
        self._shown = ""
        self._sentence = ""
        self._is_back = False

    @property
    def shown(self) -> str:
        """The capture that is drawn; empty where there is none."""
        return self._shown

    @property
    def is_back(self) -> bool:
        """Whether a person reads the scrollback, so that the picture stands still."""
        return self._is_back

    def show(self, picture: Picture | None) -> bool:
        """Draw a picture, if it is another one; whether it was."""
        if picture is None or picture.ansi == self._shown or self._is_back:
            return False
        self._draw(picture)
        if self.scroll_offset.y != self.max_scroll_y:
            self.scroll_end(animate=False, immediate=True)
        return True

    def show_scrollback(self, picture: Picture) -> None:
        """Draw a picture with its scrollback, and stand still a page above its end."""
        self._is_back = True
        self._draw(picture)
        self.call_after_refresh(lambda: self.scroll_to(y=self.max_scroll_y - self.size.height, animate=False))

    def follow(self) -> None:
        """Be live again."""
        self._is_back = False
        self._shown = ""

    def say(self, sentence: str) -> None:
        """Show a sentence in place of a pane."""
        self._shown = ""
        self._is_back = False
        if sentence != self._sentence:
            self._sentence = sentence
            lines = wrap(sentence, max(20, self.size.width - 1))
            self._put(tuple(Strip([Segment(line, Style(italic=True))]) for line in lines))

    def render_line(self, y: int) -> Strip:
        """One line of what is to be seen."""
        left, top = self.scroll_offset
        width, style = self.size.width, self.base_style
        if top + y >= len(self._lines):
            return Strip.blank(width, style)
        # Each step is kept by the strip, and a line of the picture before is the same strip: nothing is made twice.
        return self._lines[top + y].apply_style(style).crop(left, left + width).adjust_cell_length(width, style)

    def watch_scroll_y(self, old: float, new: float) -> None:
        """At the end again: live again."""
        super().watch_scroll_y(old, new)
        if self._is_back and new > old and new >= self.max_scroll_y:
            self.follow()

    def _draw(self, picture: Picture) -> None:
        self._shown, self._sentence = picture.ansi, ""
        self._put(picture.lines)

    def _put(self, lines: tuple[Strip, ...]) -> None:
        """Draw the lines that are others than before."""
        before, self._lines = self._lines, lines
        width, height = self.size
        self.virtual_size = Size(width, len(lines))
        if len(before) != len(lines):
            self.refresh()
            return
        top = self.scroll_offset.y
        shown = range(min(height, len(lines) - top))
        changed = [Region(0, y, width, 1) for y in shown if before[top + y] is not lines[top + y]]
        if changed:
            self.refresh(*changed)
