"""Text that is drawn anew only when it is another one: most reloads change nothing, and a draw costs a layout."""

from rich.text import Text
from textual.widgets import Static


class Steady(Static):
    """A Static that compares first."""

    _drawn: Text | None = None

    def put(self, text: Text | str) -> None:
        """Draw the text if it differs from what is drawn, in words or in looks."""
        wanted = Text(text) if isinstance(text, str) else text
        if self._drawn is None or (wanted.plain, wanted.spans) != (self._drawn.plain, self._drawn.spans):
            self._drawn = wanted
            self.update(wanted)
