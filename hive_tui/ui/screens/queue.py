"""The wakeup queue, with the retry timeline of the selected wakeup."""

from datetime import timedelta

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.widgets import Static

from hive_tui.domain.wakeups import Wakeup, WakeupStatus
from hive_tui.services.dashboard import QueueView
from hive_tui.ui.format import WAKEUP_COLUMNS, wakeup_rows
from hive_tui.ui.screens.base import HiveScreen
from hive_tui.ui.timeline import timeline
from hive_tui.ui.widgets.key_bar import Key
from hive_tui.ui.widgets.keyed_table import KeyedTable
from hive_tui.ui.widgets.steady import Steady

POSTPONE = timedelta(minutes=15)


class QueueScreen(HiveScreen):
    """What runs, what waits in the order of its turn, and what has ended."""

    TITLE_TEXT = "Queue"
    BINDINGS = [
        Binding("x", "cancel", "Cancel the selected wakeup, or what is in flight for its agent"),
        Binding("r", "retry", "Retry: try it now"),
        Binding("plus", "postpone", "Postpone: let it wait 15 minutes longer", key_display="+"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._view: QueueView | None = None

    def body(self) -> ComposeResult:
        """Table and timeline."""
        yield Static("The queue is empty: a wake stands here from its request to its end.", id="empty")
        yield KeyedTable(WAKEUP_COLUMNS, id="queue")
        yield Steady(id="attempts")

    def on_mount(self) -> None:
        """The keys go to the table."""
        self.query_one(KeyedTable).focus()

    async def reload(self) -> None:
        """Draw the queue."""
        self._view = await self.hive_app.in_thread(self.hive_app.dashboard.queue)
        self.query_one("#empty").display = not self._view.wakeups
        self.query_one(KeyedTable).show(wakeup_rows(self._view))
        self._draw_attempts()

    def keys(self) -> list[Key]:
        """What can be done with the selected wakeup."""
        one = self.selected
        status = one.status if one is not None else None
        keys = []
        if status is WakeupStatus.PENDING:
            keys = [Key("x", "Cancel", "screen.cancel"), Key("+", "15 minutes later", "screen.postpone")]
        if status in (WakeupStatus.PENDING, WakeupStatus.FAILED):
            keys.insert(0, Key("r", "Retry now", "screen.retry"))
        return keys

    @property
    def selected(self) -> Wakeup | None:
        """The wakeup under the cursor."""
        key = self.query_one(KeyedTable).selected_key
        wakeups = self._view.wakeups if self._view else ()
        return next((one for one in wakeups if one.id == key), None)

    @on(KeyedTable.RowHighlighted)
    def _selected(self) -> None:
        self._draw_attempts()
        self.draw_keys()

    def _draw_attempts(self) -> None:
        one = self.selected
        text = Text()
        if one is not None and self._view is not None:
            attempts = self._view.attempts.get(one.id, ())
            width = max(20, self.size.width - 4)
            policy = self.hive_app.hive.retry_policy
            text = Text("\n").join(timeline(one, attempts, self._view.at, width, policy))
        self.query_one("#attempts", Steady).put(text)

    def action_cancel(self) -> None:
        """Cancel the selected wakeup; one that runs cannot be, and says so."""
        one = self.selected
        if one is not None and self.hive_app.verbs.jobs.cancel(one.agent_id):
            return
        if why := self._refusal("cancelled", WakeupStatus.PENDING):
            self.refuse(why)
        elif one is not None:
            self.hive_app.verbs.doing.press()
            self.hive_app.verbs.queue.cancel(one)

    def action_retry(self) -> None:
        """Try the selected wakeup again now."""
        if why := self._refusal("tried again", WakeupStatus.PENDING, WakeupStatus.FAILED):
            self.refuse(why)
        elif one := self.selected:
            self.hive_app.verbs.doing.press()
            self.hive_app.verbs.queue.retry(one)

    def action_postpone(self) -> None:
        """Let the selected wakeup wait longer."""
        if why := self._refusal("put off", WakeupStatus.PENDING):
            self.refuse(why)
        elif one := self.selected:
            until = max(one.scheduled_for, self.hive_app.hive.clock.now()) + POSTPONE
            self.hive_app.verbs.doing.press()
            self.hive_app.verbs.queue.postpone(one, until)

    def _refusal(self, done: str, *possible: WakeupStatus) -> str:
        """Why that cannot be done to the selected wakeup; empty if it can."""
        one = self.selected
        if one is None:
            return f"There is no wakeup that could be {done}; w on the Agents screen asks for one."
        if one.status in possible:
            return ""
        state = {
            WakeupStatus.PROCESSING: "It runs right now",
            WakeupStatus.COMPLETED: "It is done",
            WakeupStatus.CANCELLED: "It was given up before",
            WakeupStatus.FAILED: "It has failed",
        }[one.status]
        hint = "; r tries it again" if one.status is WakeupStatus.FAILED else ""
        return f"{state}, so it cannot be {done}{hint}."
