"""The line at the top of every screen."""

from collections.abc import Sequence

from rich.text import Text

from hive_tui.services.dashboard import HiveView
from hive_tui.ui.format import header_parts
from hive_tui.ui.widgets.steady import Steady


class HeaderBar(Steady):
    """The screens, then heartbeat, queue, agents awake and asleep, memory freed; and what is wrong with tmux."""

    _shown: object = None

    def warn(self, trouble: str) -> None:
        """What is wrong, in place of everything, until the next view can be read."""
        self._shown = None
        self.add_class("trouble")
        self.put(Text(f"✕ {trouble}", style="bold"))

    def show(self, view: HiveView, screens: Sequence[str], current: str) -> None:
        """Draw the view; `screens` are on the keys 1, 2, 3, ..."""
        width = self.size.width or self.app.size.width
        wanted = (parts := header_parts(view), view.trouble, screens, current, width)
        if wanted == self._shown:
            return
        self._shown = wanted
        text = Text()
        for number, name in enumerate(screens, 1):
            piece = Text(f" {number} {name} ", style="reverse bold" if name == current else "")
            piece.apply_meta({"@click": f"app.show_screen({number})"})
            text.append_text(piece)
        figures = [Text(part.text, style="bold" if "bold" in part.style else "") for part in parts]
        text.append("\n ").append_text(_fitting(figures, width - 3))
        if view.trouble:
            text.append(f"\n✕ {view.trouble}", style="bold")
        self.set_class(bool(view.trouble), "trouble")
        self.put(text)


def _fitting(parts: Sequence[Text], room: int) -> Text:
    """Those that there is room for, whole; the least important stand last."""
    line = Text()
    for part in parts:
        if line and line.cell_len + 2 + part.cell_len > room:
            break
        line.append("  " if line else "").append_text(part)
    return line
