"""What a guide says: one line, above the keys."""

from collections.abc import Callable

from rich.cells import cell_len
from rich.text import Text
from textual import on
from textual.events import Resize
from textual.message import Message
from textual.widgets import Static

from hive_tui.domain.guide import Guide, GuideLine


class GuideBar(Static):
    """The guide's line; cut with an ellipsis where the terminal is narrow, never wrapped."""

    DEFAULT_CSS = """
    GuideBar {
        height: 1;
        padding: 0 1;
        color: $text-accent;
        background: $accent-muted;
    }
    """

    class Said(Message, bubble=False):
        """The guide says something else now."""

        def can_replace(self, message: Message) -> bool:
            """Only the newest line counts."""
            return isinstance(message, GuideBar.Said)

    def __init__(self, guide: Guide, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._guide = guide
        self._unsubscribe: Callable[[], None] = lambda: None

    def on_mount(self) -> None:
        """Listen from now on."""
        self._unsubscribe = self._guide.subscribe(self._on_change)
        self.screen.add_class("-guided")
        self._draw()

    def on_unmount(self) -> None:
        """Listen no longer."""
        self._unsubscribe()

    def _on_change(self) -> None:
        """In the guide's thread."""
        self.post_message(self.Said())

    @on(Said)
    def _said(self) -> None:
        self._draw()

    def on_resize(self, _: Resize) -> None:
        """There is room for more, or for less."""
        self._draw()

    def _draw(self) -> None:
        self.update(drawn(self._guide.line, self.content_size.width or self.app.size.width - 2))


def drawn(line: GuideLine, width: int) -> Text:
    """The line as text of so many columns: mark and step in front, `more` behind it if it fits."""
    mark = f"▸ {line.number}/{line.steps} " if line.number else "▸ "
    text = Text(mark, style="bold", no_wrap=True, overflow="ellipsis")
    text.append(line.text, style="not bold")
    if line.more and text.cell_len + 3 + cell_len(line.more) <= width:
        text.append(f" · {line.more}", style="not bold")
    return text
