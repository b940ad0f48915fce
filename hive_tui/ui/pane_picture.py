"""What a pane shows, made ready to be drawn. Slow enough to be done beside the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from rich.console import Console
from rich.style import Style
from textual.strip import Strip

if TYPE_CHECKING:
    from rich.ansi import AnsiDecoder

    from hive_tui.domain.agents import PaneRef
    from hive_tui.hive import Hive


class Picture(Struct, frozen=True):
    """A capture and its lines."""

    ansi: str
    """As tmux gave it; two captures that are the same here look the same."""
    lines: tuple[Strip, ...]
    """A line that was in the picture before, too, is the same object as there."""

    @property
    def width(self) -> int:
        """Columns of its longest line."""
        return max((line.cell_length for line in self.lines), default=0)


class PictureReader:
    """Reads the colours of captures, for a thread: 1,000 new lines take some 30 ms.

    A line that was in the last capture is not read again, wherever it stood there. Two threads may read at once;
    then the one knows less of what the other has read, and nothing else happens.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str, Style], tuple[Strip, Style]] = {}
        """Lines of the last picture, by their text and the style in which they begin; and the style that follows."""

    def read(self, ansi: str) -> Picture:
        """A picture of a capture."""
        from rich.ansi import AnsiDecoder

        console = Console(color_system="truecolor", force_terminal=True, width=10_000)
        decoder, known, read = AnsiDecoder(), self._known, dict[tuple[str, Style], tuple[Strip, Style]]()
        lines: list[Strip] = []
        for line in ansi.rstrip("\n").split("\n"):
            key = (line, decoder.style)
            found = known.get(key) or read.get(key) or (_strip(decoder, line, console), decoder.style)
            read[key] = found
            lines.append(found[0])
            decoder.style = found[1]
        self._known = read
        return Picture(ansi, tuple(lines))


class Pictures:
    """Pictures of panes, each of a capture of its own or of what the last look has captured.

    Args:
        hive: Has the panes.
    """

    def __init__(self, hive: Hive) -> None:
        self._hive = hive
        self._reader = PictureReader()

    def capture(self, pane_id: str, history_lines: int = 0, known: str = "") -> Picture | None:
        """The pane's screen with its colours, and so many lines of its scrollback; None if it is the `known` one.

        Raises:
            TmuxError: There is no such pane, or tmux does not answer.
        """
        ansi = self._hive.panes.capture(pane_id, history_lines=history_lines)
        return None if ansi == known else self._reader.read(ansi)

    def seen(self, pane: PaneRef, known: str) -> Picture | None:
        """The pane as it was at the last look; None if that is the `known` picture, or if nobody looked. At once."""
        ansi = self._hive.observer.screen_of(pane)
        return None if ansi is None or ansi == known else self._reader.read(ansi)


def _strip(decoder: AnsiDecoder, line: str, console: Console) -> Strip:
    strip = Strip(list(decoder.decode_line(line).render(console)), None)
    strip.cell_length  # noqa: B018 - counted here and kept, so that the screen need not do it
    return strip
