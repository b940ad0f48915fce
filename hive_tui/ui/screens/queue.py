"""The wakeup queue, with the attempts of the selected wakeup."""

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.widgets import Static

from hive_tui.domain.wakeups import Wakeup
from hive_tui.services.dashboard import QueueView
from hive_tui.ui.format import WAKEUP_COLUMNS, attempt_lines, wakeup_rows
from hive_tui.ui.screens.base import HiveScreen
from hive_tui.ui.widgets.keyed_table import KeyedTable


class QueueScreen(HiveScreen):
    """What runs, what waits in the order of its turn, and what has ended."""

    TITLE_TEXT = "Queue"
    BINDINGS = [
        Binding("x", "cancel", "Cancel"),
        Binding("r", "retry", "Retry now"),
        Binding("j", "down", "Down", show=False),
        Binding("k", "up", "Up", show=False),
    ]

    _view: QueueView | None = None

    def body(self) -> ComposeResult:
        """Table and attempts."""
        yield Static("The queue is empty: a wake stands here from its request to its end.", id="empty")
        yield KeyedTable(WAKEUP_COLUMNS, id="queue")
        yield Static(id="attempts")

    def on_mount(self) -> None:
        """The keys go to the table."""
        self.query_one(KeyedTable).focus()

    async def reload(self) -> None:
        """Draw the queue."""
        self._view = await self.hive_app.in_thread(self.hive_app.dashboard.queue)
        self.query_one("#empty").display = not self._view.wakeups
        self.query_one(KeyedTable).show(wakeup_rows(self._view))
        self._draw_attempts()

    @property
    def selected(self) -> Wakeup | None:
        """The wakeup under the cursor."""
        key = self.query_one(KeyedTable).selected_key
        wakeups = self._view.wakeups if self._view else ()
        return next((one for one in wakeups if one.id == key), None)

    @on(KeyedTable.RowHighlighted)
    def _draw_attempts(self) -> None:
        one = self.selected
        lines: list[str] = []
        if one is not None and self._view is not None:
            lines = attempt_lines(one, self._view.attempts.get(one.id, ()), self._view.at)
        self.query_one("#attempts", Static).update("\n".join(lines))

    def action_down(self) -> None:
        """Cursor down."""
        self.query_one(KeyedTable).action_cursor_down()

    def action_up(self) -> None:
        """Cursor up."""
        self.query_one(KeyedTable).action_cursor_up()

    def action_cancel(self) -> None:
        """Cancel the selected wakeup."""
        if one := self.selected:
            self.hive_app.verbs.cancel(one)

    def action_retry(self) -> None:
        """Try the selected wakeup again now."""
        if one := self.selected:
            self.hive_app.verbs.retry(one)
