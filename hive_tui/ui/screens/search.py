"""Finds something in the conversations of all agents: results while you type, and the lines around each."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.timer import Timer
from textual.widgets import Input

from hive_tui.domain.errors import HiveError
from hive_tui.services.dashboard import AgentView
from hive_tui.services.finding import FindingsView, FoundPlace
from hive_tui.ui.actions import BY_NAME
from hive_tui.ui.format import printable
from hive_tui.ui.screens.base import HiveScreen
from hive_tui.ui.search_rows import HIT_COLUMNS, hit_rows, note_of, nothing, passage_parts, snippet, title_of
from hive_tui.ui.widgets.key_bar import Key
from hive_tui.ui.widgets.keyed_table import KeyedTable
from hive_tui.ui.widgets.steady import Steady

if TYPE_CHECKING:
    from hive_tui.services.finding import Finding
    from hive_tui.ui.screens.agents import AgentsScreen

TYPING_S = 0.12
"""Whoever types on within this time has not asked yet."""
MEANING_S = 0.3
"""Whoever types on within this time has not asked for the meaning yet; words are found before."""
READING = "-reading"


class SearchScreen(HiveScreen):
    """What is typed, what was found, and below it the lines around the selected place."""

    TITLE_TEXT = "Search"
    BINDINGS = [
        Binding("slash", "type", "Type what to search for", key_display="/"),
        Binding("enter", "read", "Read what was said around the selected place", key_display="⏎"),
        Binding("o", "open", "Show the agent of the selected place"),
        Binding("w", "wake", "Wake the agent of the selected place"),
        Binding("escape", "back", "Back: from the passage to the list, from there to the screen before"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._view = FindingsView("")
        self._next: Timer | None = None
        self._order = 0
        """Counts what was asked for, since a timer that is stopped may have rung already."""
        self._wants_list = False
        """Whether Enter was pressed, so that the list has the keys once there is one."""
        self._is_indexing = False
        self._trouble = ""

    def body(self) -> ComposeResult:
        """From top to bottom."""
        yield Input(placeholder="search in all conversations; @name for one agent", id="search", compact=True)
        yield Steady(id="empty")
        yield KeyedTable(HIT_COLUMNS, id="hits")
        yield Steady(id="list-note")
        yield Steady(id="passage-title")
        with VerticalScroll(id="passage"):
            yield Steady(id="passage-before")
            yield Steady(id="passage-hit")
            yield Steady(id="passage-behind")

    def on_mount(self) -> None:
        """Type at once; what was said since the last time is read meanwhile."""
        self.query_one(Input).focus()
        self._draw()
        self.catch_up()

    async def reload(self) -> None:
        """Agents may have got another state; what was found stays as it was."""

    def keys(self) -> list[Key]:
        """What can be done with the selected place."""
        found = [Key("⏎", "Read", "screen.read")] if self.selected and not self.has_class(READING) else []
        one = self._agent_view
        if one is not None:
            found.append(Key("o", f"Show {one.agent.name}", "screen.open"))
            if not BY_NAME["wake"].refusal(one):
                found.append(Key("w", "Wake", "screen.wake"))
        return [*found, Key("/", "Search", "screen.type"), Key("esc", "Back", "screen.back")]

    @property
    def selected(self) -> FoundPlace | None:
        """The place under the cursor."""
        key = self.query_one(KeyedTable).selected_key
        return next((one for one in self._view.places if one.key == key), None)

    @property
    def subject(self) -> str | None:
        """The agent of the selected place."""
        one = self.selected
        return one.agent.id if one is not None and one.agent is not None else None

    @property
    def _agent_view(self) -> AgentView | None:
        view = self.hive_app.view
        return next((one for one in view.agents if one.agent.id == self.subject), None) if view else None

    @work(exclusive=True, group="indexing")
    async def catch_up(self) -> None:
        """Read what was said since the last time, then search again."""
        self._is_indexing = True
        self._draw_note()
        try:
            troubles = await self.hive_app.in_background(self._finding.catch_up)
            self._trouble = troubles[0] if troubles else ""
        except HiveError as error:
            self._trouble = f"{error.what} {error.hint}".strip()
        finally:
            self._is_indexing = False
        self._draw_note()
        text = self.query_one(Input).value
        self._now()
        if self._view.is_whole and self._view.places and self._view.text == text:
            self.find_meaning(text)  # what is on the screen does not vanish meanwhile
        else:
            self.find(text)

    @on(Input.Changed, "#search")
    def _typed(self, changed: Input.Changed) -> None:
        text, self._wants_list = changed.value, False
        self._after(TYPING_S, lambda: self.find(text))

    @on(Input.Submitted, "#search")
    def _submitted(self, submitted: Input.Submitted) -> None:
        self._wants_list = True
        self._now()
        self.find(submitted.value)

    def _now(self) -> None:
        """Nothing that waits for its time is begun any more."""
        self._order += 1
        if self._next is not None:
            self._next.stop()

    def _after(self, delay_s: float, begin: Callable[[], object]) -> None:
        """Begin something, unless something else is asked for until then."""
        self._now()
        order = self._order
        self._next = self.set_timer(delay_s, lambda: begin() if order == self._order else None)

    @work(exclusive=True, group="find")
    async def find(self, text: str) -> None:
        """Draw what is found; a search that was overtaken by what is typed is not drawn."""
        is_final = self._wants_list
        await self._find(text, exact=True)
        if not self._view.is_whole and not self._trouble:  # each such question costs time of a model
            if is_final:
                await self._find(text, exact=False)
            else:
                self._after(MEANING_S, lambda: self.find_meaning(text))

    @work(exclusive=True, group="find")
    async def find_meaning(self, text: str) -> None:
        """Draw what says the same in other words as well."""
        await self._find(text, exact=False)

    async def _find(self, text: str, *, exact: bool) -> None:
        try:
            self._view = await self.hive_app.in_thread(lambda: self._finding.find(text, exact=exact))
            self._trouble = ""
        except HiveError as error:
            self._trouble = f"{error.what} {error.hint}".strip()
        self._draw()

    @property
    def _finding(self) -> "Finding":
        return self.hive_app.hive.remembering.finding

    def _draw(self) -> None:
        table, places = self.query_one(KeyedTable), self._view.places
        table.show(hit_rows(self._view, self.hive_app.hive.clock.now()))
        empty = self.query_one("#empty", Steady)
        empty.display = not places
        empty.put(Text(printable(nothing(self._view))))
        if not places:
            self.remove_class(READING)
            self.query_one(Input).focus()
        self._draw_note()
        self._draw_place()
        self._arrange()
        if places and self._wants_list:
            self._wants_list = False
            if not self.has_class(READING):
                table.focus()

    def _arrange(self) -> None:
        """The list, or the passage in its place, or neither."""
        found, is_reading = bool(self._view.places), self.has_class(READING)
        self.query_one(KeyedTable).display = found and not is_reading
        self.query_one("#list-note").display = not is_reading
        for name in ("#passage", "#passage-title"):
            self.query_one(name).display = found

    def _draw_note(self) -> None:
        note = note_of(self._view, is_indexing=self._is_indexing, trouble=self._trouble)
        self.query_one("#list-note", Steady).put(printable(note))

    @on(KeyedTable.RowHighlighted)
    def _draw_place(self) -> None:
        """The lines around the selected place."""
        one = self.selected
        if one is not None and not self.has_class(READING):
            self._put(title_of(one), Text(), snippet(one, self._view.words), Text())
        self.draw_keys()

    def _put(self, title: Text, *parts: Text) -> None:
        self.query_one("#passage-title", Steady).put(title)
        for name, part in zip(("before", "hit", "behind"), parts, strict=True):
            widget = self.query_one(f"#passage-{name}", Steady)
            widget.display = bool(part)
            widget.put(part)

    @on(KeyedTable.RowSelected)
    def action_read(self) -> None:
        """Read what was said around the selected place; Escape goes back to the list."""
        one = self.selected
        if one is None:
            self.refuse("There is nothing to read; type what you look for.")
        elif not self.has_class(READING):
            self._read(one)

    @work(exclusive=True, group="passage")
    async def _read(self, one: FoundPlace) -> None:
        try:
            view = await self.hive_app.in_thread(lambda: self._finding.passage(one))
        except HiveError as error:
            self.hive_app.toast_error(error)
            return
        if self.selected != one:
            return
        self._put(title_of(one), *passage_parts(view, self._view.words))
        self.add_class(READING)
        self._arrange()
        passage = self.query_one("#passage", VerticalScroll)
        self.set_focus(passage)
        hit = self.query_one("#passage-hit")
        self.call_after_refresh(lambda: passage.scroll_to_widget(hit, animate=False, top=True))
        self.draw_keys()

    def action_down(self) -> None:
        """The next place; in a passage, on in it."""
        if self.has_class(READING):
            self.query_one("#passage").scroll_down(animate=False)
        else:
            super().action_down()

    def action_up(self) -> None:
        """The place before; in a passage, back in it."""
        if self.has_class(READING):
            self.query_one("#passage").scroll_up(animate=False)
        else:
            super().action_up()

    def action_type(self) -> None:
        """Search for something else."""
        self._leave_passage()
        box = self.query_one(Input)
        self.set_focus(box)
        box.select_all()

    def action_back(self) -> None:
        """One step back."""
        if self.has_class(READING):
            self._leave_passage()
        else:
            self.hive_app.leave_beside()

    def _leave_passage(self) -> None:
        if self.has_class(READING):
            self.remove_class(READING)
            self._arrange()
            self._draw_place()
            self.query_one(KeyedTable).focus()

    def action_wake(self) -> None:
        """Wake the agent of the selected place."""
        one = self._agent_view
        if one is None:
            self.refuse("No agent of the registry is selected.")
            return
        action = BY_NAME["wake"]
        refusal = action.refusal(one)
        self.hive_app.verbs.doing.press()
        if refusal:
            self.refuse(refusal)
        else:
            self.hive_app.do_with_agent(action, one)

    @work(group="open")
    async def action_open(self) -> None:
        """Show the agent of the selected place in the list of agents."""
        agent_id = self.subject
        if agent_id is None:
            self.refuse("The agent of this conversation is not in the registry any more.")
            return
        await self.app.switch_mode("agents")
        agents: AgentsScreen = self.app.screen  # type: ignore[assignment]
        agents.select(agent_id)
