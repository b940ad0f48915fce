"""What a pane shows, made ready to be drawn. Pure, and slow enough to be done beside the screen."""

from dataclasses import dataclass

from rich.ansi import AnsiDecoder
from rich.console import Console
from textual.strip import Strip


@dataclass(frozen=True, slots=True)
class Picture:
    """A capture and its lines."""

    ansi: str
    """As tmux gave it; two captures that are the same here look the same."""
    lines: tuple[Strip, ...]

    @property
    def width(self) -> int:
        """Columns of its longest line."""
        return max((line.cell_length for line in self.lines), default=0)


def pictured(ansi: str) -> Picture:
    """Read a capture's colours; 1,000 lines take some 30 ms, so that this is for a thread."""
    console = Console(color_system="truecolor", force_terminal=True, width=10_000)
    decoder = AnsiDecoder()
    lines = tuple(
        Strip(list(decoder.decode_line(line).render(console)), None) for line in ansi.rstrip("\n").split("\n")
    )
    for line in lines:
        line.cell_length  # noqa: B018 - counted here and kept, so that the screen need not do it
    return Picture(ansi, lines)
