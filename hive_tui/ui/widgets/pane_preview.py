"""The live picture of a pane."""

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

SCROLLBACK_LINES = 1000


class PanePreview(VerticalScroll):
    """Draws a capture in its colours; live as long as nobody scrolls up, and again at the end."""

    can_focus = False

    def __init__(self, **options: str) -> None:
        super().__init__(**options)  # type: ignore[arg-type]
        self._shown = ""
        self._is_back = False
        self._pane = Static(id="pane")

    def compose(self) -> ComposeResult:
        """One text that fills it."""
        yield self._pane

    @property
    def is_back(self) -> bool:
        """Whether a person reads the scrollback, so that the picture stands still."""
        return self._is_back

    def show(self, ansi: str) -> bool:
        """Draw a capture, if it is another one; whether it was."""
        if ansi == self._shown or self._is_back:
            return False
        self._draw(ansi)
        self.scroll_end(animate=False)
        return True

    def show_scrollback(self, ansi: str) -> None:
        """Draw a capture with its scrollback, and stand still a page above its end."""
        self._is_back = True
        self._draw(ansi)
        self.call_after_refresh(lambda: self.scroll_to(y=self.max_scroll_y - self.size.height, animate=False))

    def follow(self) -> None:
        """Be live again."""
        self._is_back = False
        self._shown = ""

    def say(self, sentence: str) -> None:
        """Show a sentence in place of a pane."""
        self._shown = ""
        self._is_back = False
        self._pane.update(Text(sentence, style="italic"))

    def watch_scroll_y(self, old: float, new: float) -> None:
        """At the end again: live again."""
        super().watch_scroll_y(old, new)
        if self._is_back and new > old and new >= self.max_scroll_y:
            self.follow()

    def _draw(self, ansi: str) -> None:
        self._shown = ansi
        text = Text.from_ansi(ansi.rstrip("\n"), no_wrap=True, overflow="crop")
        self._pane.update(text)
