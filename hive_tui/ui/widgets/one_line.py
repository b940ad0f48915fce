"""Bars of one line whose parts can be clicked."""

from collections.abc import Sequence

from msgspec import Struct
from rich.cells import cell_len
from rich.text import Text

from hive_tui.ui.widgets.steady import Steady


class Part(Struct, frozen=True):
    """A piece of a bar."""

    text: str
    action: str = ""
    """What a click does, as bindings name it; empty for nothing."""
    style: str = ""
    key: str = ""
    """Drawn before the text, to stand out."""

    @property
    def width(self) -> int:
        """Columns that it takes."""
        return cell_len(self.text) + (cell_len(self.key) + 1 if self.key else 0)


class OneLine(Steady):
    """Parts beside each other; those that do not fit are left out, the last ones excepted."""

    _laid: object = None

    def lay(self, parts: Sequence[Part], always: Sequence[Part] = (), *, gap: int = 2) -> None:
        """Draw as many of the parts as fit, `gap` columns apart; then those that are always there, on the right."""
        room = self.size.width or self.app.size.width
        wanted = (tuple(parts), tuple(always), gap, room)
        if wanted == self._laid:
            return
        self._laid = wanted
        right = Text("  ").join(_drawn(part) for part in always)
        room -= right.cell_len + 2
        left = Text()
        for part in parts:
            piece = _drawn(part)
            if left.cell_len + part.width + gap > room:
                break
            left.append_text(piece).append(" " * gap)
        if always:
            left.append(" " * max(0, room - left.cell_len + 1)).append_text(right)
        left.no_wrap, left.overflow = True, "ellipsis"
        self.put(left)


def _drawn(part: Part) -> Text:
    text = Text(f"{part.key} ", style="bold") if part.key else Text()
    text.append(part.text, style=part.style)
    if part.action:
        text.apply_meta({"@click": part.action})
    return text
