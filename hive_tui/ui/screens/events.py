"""What happened, with a filter; new events come in at the end as long as it is followed."""

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.widgets import Input, Static

from hive_tui.domain.durations import counted
from hive_tui.domain.events import Severity
from hive_tui.services.dashboard import EventsView
from hive_tui.store.journal import LoggedEvent
from hive_tui.ui.format import EVENT_COLUMNS, event_rows, event_text, printable
from hive_tui.ui.screens.base import HiveScreen
from hive_tui.ui.widgets.key_bar import Key
from hive_tui.ui.widgets.keyed_table import KeyedTable
from hive_tui.ui.widgets.steady import Steady


class EventsScreen(HiveScreen):
    """The event log, oldest first."""

    TITLE_TEXT = "Events"
    BINDINGS = [
        Binding("slash", "filter", "Filter by words of agent, kind or text", key_display="/"),
        Binding("f", "follow", "Follow the newest event, or stand still"),
        Binding("F", "failures", "Failures and warnings only, or all"),
        Binding("escape", "clear", "Clear the filter"),
        Binding("a", "acknowledge", "You have seen all alerts: they go to no second channel"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._view: EventsView | None = None
        self._wanted = ""
        self._follows = True
        self._only_failures = False

    def body(self) -> ComposeResult:
        """Filter, table, the whole text of the selected event."""
        yield Static("Nothing has happened yet.", id="empty")
        yield Input(placeholder="filter: words of agent, kind or text", id="filter", compact=True)
        yield KeyedTable(EVENT_COLUMNS, id="events")
        yield Steady(id="list-note")
        yield Steady(id="attempts")

    def on_mount(self) -> None:
        """The keys go to the table."""
        self.query_one("#filter").display = False
        self.query_one(KeyedTable).focus()

    async def reload(self) -> None:
        """Draw the log."""
        self._view = await self.hive_app.in_thread(self.hive_app.dashboard.events)
        self._draw()

    def keys(self) -> list[Key]:
        """Filter and follow."""
        return [
            Key("/", "Filter", "screen.filter"),
            Key("f", "Stand still" if self._follows else "Follow", "screen.follow"),
            Key("F", "All" if self._only_failures else "Failures only", "screen.failures"),
        ]

    def _draw(self) -> None:
        if self._view is None:
            return
        words = self._wanted.casefold().split()
        severities = {Severity.FAILURE, Severity.WARNING} if self._only_failures else set(Severity)
        rows = event_rows(self._view, words, severities)
        table = self.query_one(KeyedTable)
        self.query_one("#empty").display = not self._view.events
        table.show(rows)
        if self._follows and table.row_count:
            table.move_cursor(row=table.row_count - 1)
        parts = ["following" if self._follows else "standing still; f follows"]
        parts += [f"only {self._wanted!r}"] if self._wanted else []
        parts += ["failures and warnings only"] if self._only_failures else []
        self.query_one("#list-note", Steady).put(f"{len(rows)} of {len(self._view.events)} · {' · '.join(parts)}")
        self._draw_selected()

    @on(KeyedTable.RowHighlighted)
    def _draw_selected(self) -> None:
        key = self.query_one(KeyedTable).selected_key
        found = self._find(key)
        self.query_one("#attempts", Steady).put(Text(printable(self._text_of(found) if found else "")))

    def _text_of(self, found: LoggedEvent) -> str:
        return event_text(found, self._view.alerts.get(found.seq, ()) if self._view else ())

    def _find(self, key: str | None) -> LoggedEvent | None:
        return next((one for one in (self._view.events if self._view else ()) if str(one.seq) == key), None)

    @property
    def subject(self) -> str | None:
        """The agent of the selected event."""
        found = self._find(self.query_one(KeyedTable).selected_key)
        return found.event.agent_id if found else None

    @on(Input.Changed, "#filter")
    def _filtered(self, changed: Input.Changed) -> None:
        self._wanted = changed.value
        self._draw()

    @on(Input.Submitted, "#filter")
    def _filter_done(self) -> None:
        self.query_one(KeyedTable).focus()

    def action_filter(self) -> None:
        """Show the filter and type into it."""
        box = self.query_one("#filter", Input)
        box.display = True
        # At once: of keys typed fast the next one is on its way, and must not be taken for an action.
        self.set_focus(box)

    def action_follow(self) -> None:
        """Stay at the newest event, or stand still."""
        self._follows = not self._follows
        self._draw()
        self.draw_keys()

    @work(group="acknowledge", exclusive=True)
    async def action_acknowledge(self) -> None:
        """Say that all alerts were seen."""
        from hive_tui.store import alerts

        hive, now = self.hive_app.hive, self.hive_app.hive.clock.now()
        count = await self.hive_app.in_thread(lambda: hive.database.write(alerts.acknowledge, None, now=now))
        self.notify(f"{counted(count, 'alert')} acknowledged." if count else "There are no open alerts.")
        await self.reload()

    def action_failures(self) -> None:
        """Only what went wrong, or everything."""
        self._only_failures = not self._only_failures
        self._draw()
        self.draw_keys()

    def action_clear(self) -> None:
        """Everything again."""
        self._only_failures = False
        box = self.query_one("#filter", Input)
        box.value = ""
        box.display = False
        self.query_one(KeyedTable).focus()

    def action_up(self) -> None:
        """Cursor up, away from the end: it stands still."""
        self._follows = False
        super().action_up()
