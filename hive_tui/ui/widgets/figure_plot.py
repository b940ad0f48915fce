"""One figure as a plot that always fills the room it has."""

from rich.text import Text
from textual.widget import Widget

from hive_tui.domain.figures import Curve
from hive_tui.services.figures import FiguresView
from hive_tui.ui.metric_plot import plot


class FigurePlot(Widget):
    """Made when it is drawn: whoever made it before that would have to guess its size."""

    _shown: tuple[FiguresView, Curve] | None = None

    def show(self, view: FiguresView, curve: Curve) -> None:
        """Draw that curve from now on."""
        if self._shown != (view, curve):
            self._shown = view, curve
            self.refresh()

    def render(self) -> Text:
        """The plot for the room that there is now."""
        if self._shown is None:
            return Text()
        view, curve = self._shown
        return plot(view, curve, self.content_size.width, self.content_size.height)
