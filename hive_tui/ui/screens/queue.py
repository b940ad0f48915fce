"""The wakeup queue, with the retry timeline of the selected wakeup."""

from collections.abc import Mapping

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll

from hive_tui.domain.wakeups import Wakeup, WakeupStatus
from hive_tui.services.dashboard import QueueView
from hive_tui.store.queue_lists import MOST_COUNTED, Section
from hive_tui.store.wakeups import ENDED
from hive_tui.ui.asking import ask_postpone
from hive_tui.ui.format import WAKEUP_COLUMNS, wakeup_rows
from hive_tui.ui.messages import HiveChanged
from hive_tui.ui.screens.base import HiveScreen
from hive_tui.ui.timeline import timeline
from hive_tui.ui.widgets.key_bar import Key
from hive_tui.ui.widgets.keyed_table import KeyedTable
from hive_tui.ui.widgets.one_line import OneLine, Part
from hive_tui.ui.widgets.steady import Steady

SECTIONS = (Section.ALL, Section.PENDING, Section.DUE, Section.RUNNING, Section.FAILED, Section.HISTORY)
EMPTY = "The queue is empty: a wake stands here from its request to its end."
STEP = 10
"""So much more or less urgent a key makes a wakeup."""


class QueueScreen(HiveScreen):
    """What runs, what waits in the order of its turn, and what has ended."""

    TITLE_TEXT = "Queue"
    BINDINGS = [
        Binding("x", "cancel", "Cancel the selected wakeup, or what is in flight for its agent"),
        Binding("r", "retry", "Retry: try it now"),
        Binding("p", "postpone", "Postpone: have it due later, after a question"),
        Binding("plus", "prioritize(1)", "Raise the priority", key_display="+"),
        Binding("minus", "prioritize(-1)", "Lower the priority", key_display="-"),
        Binding("f", "section(1)", "Filter: the next part of the queue"),
        Binding("F", "section(-1)", "Filter: the part before"),
        Binding("shift+pageup", "scroll_timeline(-1)", "Read the timeline of the selected wakeup back"),
        Binding("shift+pagedown", "scroll_timeline(1)", "Read the timeline on", key_display="shift+pgdn"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._view: QueueView | None = None
        self._section = Section.ALL

    def body(self) -> ComposeResult:
        """The parts, table and timeline."""
        yield OneLine(id="tabs")
        yield Steady("", id="empty")
        yield KeyedTable(WAKEUP_COLUMNS, id="queue")
        with VerticalScroll(id="timeline", can_focus=False):
            yield Steady(id="timeline-text")

    def on_mount(self) -> None:
        """The keys go to the table."""
        self.query_one(KeyedTable).focus()

    async def reload(self) -> None:
        """Draw the queue."""
        section = self._section
        view = await self.hive_app.in_thread(lambda: self.hive_app.dashboard.queue(section))
        if section is not self._section:
            return  # another part was chosen meanwhile, and is read by another reload
        self._view = view
        empty = self.query_one("#empty", Steady)
        empty.display = not view.wakeups
        empty.put(EMPTY if section is Section.ALL else f"Nothing in the queue is {section}; f shows another part.")
        self.query_one("#tabs", OneLine).lay(_tabs(section, view.counts, view.due))
        self.query_one(KeyedTable).show(wakeup_rows(view))
        self._draw_attempts()

    def keys(self) -> list[Key]:
        """What can be done with the selected wakeup."""
        one = self.selected
        status = one.status if one is not None else None
        keys = [Key("f", "Filter", "screen.section(1)")]
        if status is WakeupStatus.PENDING:
            keys = [
                Key("x", "Cancel", "screen.cancel"),
                Key("p", "Postpone", "screen.postpone"),
                Key("+", "Sooner", "screen.prioritize(1)"),
                Key("-", "Later", "screen.prioritize(-1)"),
                *keys,
            ]
        if status in (WakeupStatus.PENDING, WakeupStatus.FAILED):
            keys.insert(0, Key("r", "Retry", "screen.retry"))
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
        self.query_one("#timeline").scroll_home(animate=False)
        self.draw_keys()

    def _draw_attempts(self) -> None:
        one = self.selected
        text = Text()
        if one is not None and self._view is not None:
            attempts = self._view.attempts.get(one.id, ())
            width = max(20, self.size.width - 4)
            policy = self.hive_app.hive.retry_policy
            text = Text("\n").join(timeline(one, attempts, self._view.at, width, policy))
        self.query_one("#timeline-text", Steady).put(text)

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
        """Ask how long the selected wakeup is to wait."""
        if why := self._refusal("put off", WakeupStatus.PENDING):
            self.refuse(why)
        elif one := self.selected:
            self.hive_app.verbs.doing.press()
            ask_postpone(self.hive_app, one, self._name_of(one))

    def action_prioritize(self, direction: int) -> None:
        """Make the selected wakeup more or less urgent."""
        if why := self._refusal("made more or less urgent", WakeupStatus.PENDING):
            self.refuse(why)
        elif one := self.selected:
            self.hive_app.verbs.doing.press()
            self.hive_app.verbs.queue.prioritize(one, direction * STEP)

    def action_section(self, step: int) -> None:
        """Show another part of the queue."""
        self.action_show(SECTIONS[(SECTIONS.index(self._section) + step) % len(SECTIONS)])

    def action_show(self, section: str) -> None:
        """Show that part of the queue."""
        self._section = Section(section)
        self.post_message(HiveChanged())

    def action_scroll_timeline(self, direction: int) -> None:
        """The timeline of many attempts is longer than there is room."""
        timeline = self.query_one("#timeline", VerticalScroll)
        if direction < 0:
            timeline.scroll_page_up(animate=False)
        else:
            timeline.scroll_page_down(animate=False)

    def _name_of(self, wakeup: Wakeup) -> str:
        return self._view.names.get(wakeup.agent_id, "?") if self._view else "?"

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


def _tabs(chosen: Section, counts: Mapping[str, int], due: int) -> list[Part]:
    """The parts of the queue with their sizes; of what is due, no more than so many are counted."""
    history = sum(counts.get(status, 0) for status in ENDED)
    sizes = {
        Section.ALL: sum(counts.values()),
        Section.PENDING: counts.get("pending", 0),
        Section.DUE: f"{due}+" if due == MOST_COUNTED else due,
        Section.RUNNING: counts.get("processing", 0),
        Section.FAILED: counts.get("failed", 0),
        Section.HISTORY: history,
    }
    return [
        Part(f" {one} {sizes[one]} ", f"screen.show('{one}')", "bold reverse" if one is chosen else "")
        for one in SECTIONS
    ]
