"""The live picture of a pane."""

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static


class PanePreview(VerticalScroll):
    """Draws a capture in its colours; scrolled to the end as long as nobody scrolls up."""

    can_focus = False

    def compose(self) -> ComposeResult:
        """One text that fills it."""
        yield Static(id="pane")

    def on_mount(self) -> None:
        """Nothing is shown yet."""
        self._shown = ""

    def show(self, ansi: str) -> None:
        """Draw a capture, if it is another one."""
        if ansi != self._shown:
            self._shown = ansi
            text = Text.from_ansi(ansi.rstrip("\n"), no_wrap=True, overflow="crop")
            self.query_one("#pane", Static).update(text)
            self.scroll_end(animate=False)

    def say(self, sentence: str) -> None:
        """Show a sentence in place of a pane."""
        self._shown = ""
        self.query_one("#pane", Static).update(Text(sentence, style="italic"))
