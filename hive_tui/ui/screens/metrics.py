"""Figures of the last day or week, one of them as a plot."""

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding

from hive_tui.services.figures import FiguresView, Span
from hive_tui.ui.messages import HiveChanged
from hive_tui.ui.metric_plot import FIGURE_COLUMNS, figure_rows
from hive_tui.ui.screens.base import HiveScreen
from hive_tui.ui.widgets.figure_plot import FigurePlot
from hive_tui.ui.widgets.key_bar import Key
from hive_tui.ui.widgets.keyed_table import KeyedTable
from hive_tui.ui.widgets.lines import Beside


class MetricsScreen(HiveScreen):
    """What the hive did, and whether it keeps to its goals."""

    TITLE_TEXT = "Metrics"
    BINDINGS = [
        Binding("d", "span('DAY')", "Show the last 24 hours"),
        Binding("w", "span('WEEK')", "Show the last 7 days"),
        Binding("a", "agent(1)", "Show the next agent, after the last one all of them"),
        Binding("A", "agent(-1)", "Show the agent before"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._view: FiguresView | None = None
        self._span = Span.DAY
        self._agent_id: str | None = None

    def body(self) -> ComposeResult:
        """The list, and the plot of the one under the cursor."""
        with Beside(id="measuring"):
            yield KeyedTable(FIGURE_COLUMNS, id="figures")
            yield FigurePlot(id="plot")

    def on_mount(self) -> None:
        """The keys go to the table."""
        self.query_one(KeyedTable).focus()

    async def reload(self) -> None:
        """Read the figures and draw them."""
        reader = self.hive_app.hive.measuring.figures
        self._view = await self.hive_app.in_thread(lambda: reader.view(self._span, self._agent_id))
        self._agent_id = self._view.agent_id
        self.query_one(KeyedTable).show(figure_rows(self._view))
        self._draw_plot()

    def keys(self) -> list[Key]:
        """Span and agent."""
        other = ("w", "Week", "screen.span('WEEK')") if self._span is Span.DAY else ("d", "Day", "screen.span('DAY')")
        return [Key(*other), Key("a", "Next agent", "screen.agent(1)")]

    @on(KeyedTable.RowHighlighted)
    def _draw_plot(self) -> None:
        key = self.query_one(KeyedTable).selected_key
        curves = self._view.curves if self._view else ()
        curve = next((one for one in curves if one.figure.key == key), None)
        if curve is not None and self._view is not None:
            self.query_one(FigurePlot).show(self._view, curve)

    def action_span(self, name: str) -> None:
        """Look further back, or less far."""
        self._span = Span[name]
        self.post_message(HiveChanged())

    def action_agent(self, step: int) -> None:
        """Go to another agent; between the last one and the first one stand all together."""
        ids: list[str | None] = [None, *(agent_id for agent_id, _ in self._view.agents)] if self._view else [None]
        at = ids.index(self._agent_id) if self._agent_id in ids else 0
        self._agent_id = ids[(at + step) % len(ids)]
        self.post_message(HiveChanged())
