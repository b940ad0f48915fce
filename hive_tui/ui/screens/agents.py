"""The agents, who needs you first, with everything about the selected one beside them."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, cast

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding

from hive_tui.domain.agents import NEEDS_PERSON, Activity, Lifecycle
from hive_tui.services.dashboard import REDRAW_AT_LEAST_EVERY_S, AgentView, HiveView
from hive_tui.ui.actions import AGENT_ACTIONS, BY_NAME, Action
from hive_tui.ui.arranging import GROUP, Order, arranged
from hive_tui.ui.format import AGENT_COLUMNS, Row, agent_details, state_of
from hive_tui.ui.marks import Marks
from hive_tui.ui.screens.watching import WatchingScreen
from hive_tui.ui.widgets.key_bar import Key
from hive_tui.ui.widgets.keyed_table import KeyedTable
from hive_tui.ui.widgets.lines import Below, Beside
from hive_tui.ui.widgets.side import PANE, TASKS, Side
from hive_tui.ui.widgets.steady import Steady

if TYPE_CHECKING:
    from textual.widgets import Input

LIST_AT_LEAST_EVERY_S = 15.0
"""It tells times in minutes."""
WELCOME = """No agents are running in this tmux server.

  Start one in any pane, for example  claude  or  codex : it appears here by itself.

  n  starts one from here, in a new pane of its own.

  hive-tui adopt %PANE  takes any other program under care.

  hive-tui demo  shows naps, wakes, retries and fallbacks on small agents of its own,
  on a tmux server of its own. It touches nothing of yours.

  Once agents are here: z puts one to sleep, w wakes it with the same conversation,
  ? shows all keys.
"""


class AgentsScreen(WatchingScreen):
    """List left, pane and history right; on narrow terminals one of them at a time."""

    TITLE_TEXT = "Agents"
    BINDINGS = [
        *(
            Binding(action.keys, f"agent('{action.name}')", f"{action.label}: {action.help}")
            for action in AGENT_ACTIONS
        ),
        Binding("space", "mark", "Mark, or unmark: some keys act on all marked agents"),
        Binding("slash", "filter", "Filter by words of name, kind, state or folder", key_display="/"),
        Binding("s", "order", "Order by need, name, memory or time in state"),
        Binding("exclamation_mark", "next_in_need", "To the next agent that needs you", key_display="!"),
        Binding("tab", "next_pane", "To the next agent with a pane"),
        Binding(
            "right_square_bracket",
            "turn(1)",
            "Next tab: timeline, generations, tasks and effects, explain, pane",
            key_display="]",
        ),
        Binding("left_square_bracket", "turn(-1)", "Tab before", key_display="["),
        Binding("escape", "clear", "Clear marks and filter, back to the list"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._view: HiveView | None = None
        self._has_looked = False
        self._has_welcomed = False
        self._marks = Marks()
        self._order = Order.NEED
        self._wanted = ""
        self._asked = object()
        self._side_until: datetime | None = None
        """When the details of the selected agent are others because a second has passed; None for no such ones."""
        self._is_side_quick = False
        """Whether they are others before the list is drawn anew."""

    def body(self) -> ComposeResult:
        """List and side."""
        with Beside(id="agents"):
            with Below(id="left"):
                yield KeyedTable(AGENT_COLUMNS, id="list")
                yield Steady(id="list-note")
            yield Side(id="side")

    def on_mount(self) -> None:
        """The keys go to the list."""
        self.query_one(KeyedTable).focus()

    async def reload(self) -> None:
        """Draw the agents."""
        self._view = view = self.hive_app.view
        if view is None:
            return
        self._marks.keep(one.agent.id for one in view.agents)
        self.query_one("#agents").display = bool(view.agents)
        if not view.agents or self._has_welcomed:
            self._welcome(view)
        rows = await self._arranged(view)
        if rows is None:
            return
        table = self.query_one(KeyedTable)
        table.show(rows)
        self._note()
        if view.has_looked and not self._has_looked:
            # Until now the list was that of the registry; who needs you comes first.
            self._has_looked = True
            if not table.was_moved:
                table.move_cursor(row=0)
        self._draw_side(view.at)
        self.read_history()

    def _set_pace(self) -> None:
        """The preview draws itself; what else counts seconds, but for the details (see `tick`), is drawn at each look.

        Where nothing else is to be drawn, the details of an agent that stands still follow within a few seconds, and
        the list a little later.
        """
        every_s = REDRAW_AT_LEAST_EVERY_S if self._is_side_quick else LIST_AT_LEAST_EVERY_S
        is_any_nap = any(one.nap is not None for one in self._agents)
        self.hive_app.agents_every_s = 0.0 if is_any_nap or self.query_one(Side).tab != PANE else every_s

    def tick(self) -> None:
        """Draw the details of the selected agent, if they count seconds, together with the new picture of its pane."""
        now = self.hive_app.hive.clock.now()
        if self._side_until is not None and now >= self._side_until:
            self._draw_side(now)

    def _welcome(self, view: HiveView) -> None:
        """In place of a list that is empty."""
        if not self._has_welcomed:
            self._has_welcomed = True
            self.mount(Steady(id="nobody"), after="#agents")
        page = self.query_one("#nobody", Steady)
        page.display = not view.agents
        page.put(WELCOME if view.has_looked else "Looking at your panes ...")

    async def _arranged(self, view: HiveView) -> tuple[Row, ...] | None:
        """The rows, made beside the loop: 200 take 10 ms; None if they are asked for anew meanwhile."""
        self._asked = asked = object()
        order, wanted, marked = self._order, self._wanted, frozenset(self._marks.ids)
        rows = await self.hive_app.in_thread(lambda: arranged(view.agents, order, wanted, marked, view.at))
        return rows if asked is self._asked else None

    def keys(self) -> list[Key]:
        """Those that apply to the selected agent."""
        one = self.selected
        offered = [
            Key(_shown(action), action.label, f"screen.agent('{action.name}')")
            for action in AGENT_ACTIONS
            if one is not None and not action.refusal(one) and self._is_wanted(action, one)
        ]
        always = [("n", "Launch", "app.launch"), ("/", "Filter", "screen.filter"), ("]", "Tabs", "screen.turn(1)")]
        return [*offered, *(Key(*one) for one in always)]

    def _is_wanted(self, action: Action, one: AgentView) -> bool:
        """Whether the key bar mentions an action that is possible now."""
        if action.name in ("cancel", "retry"):
            if action.name == "cancel" and one.nap is not None:
                return True
            return one.next_wake_at is not None or one.agent.lifecycle in (Lifecycle.NAPPING, Lifecycle.WAKING)
        if action.name in ("task", "done", "effects"):
            return self.query_one(Side).tab == TASKS
        return action.name not in ("hold",) or one.agent.lifecycle is not Lifecycle.AWAKE

    @property
    def selected(self) -> AgentView | None:
        """The agent under the cursor; of a project, its most urgent one."""
        key = self.query_one(KeyedTable).selected_key or ""
        if key.startswith(GROUP):
            return next((one for one in self._agents if one.project == key.removeprefix(GROUP)), None)
        return next((one for one in self._agents if one.agent.id == key), None)

    @property
    def _agents(self) -> tuple[AgentView, ...]:
        return self._view.agents if self._view else ()

    def targets(self, action: Action) -> list[AgentView]:
        """What an action is done to: the marked agents, if it is for them, else the selected one."""
        return self._marks.targets(action, self._agents, self.selected)

    @on(KeyedTable.RowHighlighted)
    def _selected(self) -> None:
        self.look_elsewhere()
        self._draw_side(self.hive_app.hive.clock.now())
        self.draw_keys()
        self.read_history()

    @on(KeyedTable.RowSelected)
    def _chosen(self) -> None:
        self.action_agent("visit")

    async def on_input_changed(self, changed: "Input.Changed") -> None:
        """Something else is wanted of the list."""
        self._wanted = changed.value
        await self.reload()

    def on_input_submitted(self) -> None:
        """The filter stays, and the keys go to the list."""
        self.query_one(KeyedTable).focus()

    def _note(self) -> None:
        """What of the list is not to be seen in it: order, filter, marks."""
        parts = [f"ordered by {self._order}"] if self._order is not Order.NEED else []
        if self._wanted:
            parts.append(f"only {self._wanted!r}")
        if self._marks.ids:
            parts.append(self._marks.in_words(self.query_one(KeyedTable).keys_in_order()))
        note = self.query_one("#list-note", Steady)
        note.display = bool(parts)
        note.put(f"{' · '.join(parts)} · Esc clears")

    def _draw_side(self, at: datetime) -> None:
        one = self.selected
        self._side_until, self._is_side_quick = None, False
        if one is not None:
            self._draw_details(one, at)
        self._set_pace()

    def _draw_details(self, one: AgentView, at: datetime) -> None:
        pane = self.hive_app.pane_of(one.agent)
        where = pane.place if pane else "tmux does not answer" if one.is_stale else "its pane is gone"
        details = agent_details(one, at)
        self.query_one(Side).head(f"{one.agent.name}  {state_of(one, at).text}  {where}", details)
        if details != agent_details(one, soon := at + timedelta(seconds=1)):
            self._side_until = soon
        # What is old says how old it was at the last look.
        later = at + timedelta(seconds=LIST_AT_LEAST_EVERY_S)
        self._is_side_quick = one.is_stale or details != agent_details(one, later)

    def read_history(self) -> None:
        """Draw timeline, generations or explanation of the selected agent."""
        side, one = self.query_one(Side), self.selected
        if one is not None and side.tab != PANE:
            self._fill_pages(side, one)

    @work(exclusive=True, group="history")
    async def _fill_pages(self, side: Side, one: AgentView) -> None:
        from hive_tui.ui.pages import fill_pages

        await fill_pages(self.hive_app, side, one)

    def select(self, agent_id: str) -> None:
        """Put the cursor on an agent; a filter that hides it goes."""
        table = self.query_one(KeyedTable)
        if agent_id not in table.keys_in_order():
            self.action_clear()
        if agent_id in table.keys_in_order():
            table.move_cursor(row=table.keys_in_order().index(agent_id))

    def action_agent(self, name: str) -> None:
        """Do something with the marked agents, or with the selected one; what cannot be done says why."""
        action = BY_NAME[name]
        targets = self.targets(action)
        if not targets:
            self.app.notify("No agent is selected.", severity="warning")
        hidden = self._marks.hidden(self.query_one(KeyedTable).keys_in_order()) if action.for_marked else 0
        if hidden:
            count = f"{len(targets)} marked agents" if len(targets) > 1 else "1 marked agent"
            self.app.notify(f"{action.label}: {count}, {hidden} of them hidden by the filter", severity="warning")
        self.hive_app.verbs.doing.press()
        for one in targets:
            refusal = action.refusal(one)
            if refusal:
                self.app.notify(refusal, severity="warning")
            else:
                self.hive_app.do_with_agent(action, one)

    def action_mark(self) -> None:
        """Mark the selected agent, or let it go; on a project, all its agents that are shown."""
        table = self.query_one(KeyedTable)
        key, shown = table.selected_key or "", set(table.keys_in_order())
        found = {one.agent.id for one in self._agents if key in (one.agent.id, GROUP + one.project)}
        self._marks.toggle(found & shown)
        table.action_cursor_down()
        self.run_worker(self.reload())

    def action_filter(self) -> None:
        """Show the filter and type into it."""
        box = self._filter or self._new_filter()
        box.display = True
        # At once: of keys typed fast the next one is on its way, and must not be taken for an action.
        self.set_focus(box)

    @property
    def _filter(self) -> "Input | None":
        found = self.query("#filter")
        return cast("Input", found.first()) if found else None

    def _new_filter(self) -> "Input":
        """Made when it is first wanted: the start is quicker without it."""
        from textual.widgets import Input

        box = Input(placeholder="filter: words of name, kind, state or folder", id="filter", compact=True)
        self.query_one("#left").mount(box, before=0)
        return box

    def action_order(self) -> None:
        """Order the list by the next thing."""
        self._order = self._order.next()
        self.run_worker(self.reload())

    def action_clear(self) -> None:
        """Back to the whole list, unmarked, and on a narrow terminal back from the side."""
        self._marks.ids.clear()
        self._wanted = ""
        if (box := self._filter) is not None:
            box.value = ""
            box.display = False
        self.remove_class("-side")
        self.query_one(Side).preview.follow()
        self.query_one(KeyedTable).focus()
        self.run_worker(self.reload())

    def action_next_in_need(self) -> None:
        """To the next agent that needs you, or has done what it was told."""
        needy = (*NEEDS_PERSON, Activity.LIMITED, Activity.ERROR)
        if not self._go_to_next(
            lambda one: one.agent.lifecycle is Lifecycle.FAILED or one.agent.activity in needy or one.is_unread
        ):
            self.app.notify("No agent needs you now.")

    def action_next_pane(self) -> None:
        """To the next agent whose pane is there."""
        if not self._go_to_next(lambda one: self.hive_app.pane_of(one.agent) is not None):
            self.app.notify("No agent has a pane now.")

    def _go_to_next(self, is_wanted: Callable[[AgentView], bool]) -> bool:
        table = self.query_one(KeyedTable)
        by_id = {one.agent.id: one for one in self._agents}
        keys = table.keys_in_order()
        at = table.cursor_row
        for step in range(1, len(keys) + 1):
            row = (at + step) % len(keys)
            one = by_id.get(keys[row])
            if one is not None and is_wanted(one):
                table.move_cursor(row=row)
                return True
        return False

    def action_tab(self, name: str) -> None:
        """Show a tab."""
        self.query_one(Side).choose(name)
        self._show_tab()

    def action_turn(self, by: int) -> None:
        """Show the tab beside; on a narrow terminal, the side instead of the list."""
        side = self.query_one(Side)
        if self.has_class("-narrow") and not self.has_class("-side"):
            self.add_class("-side")
        else:
            side.turn(by)
        self._show_tab()

    def _show_tab(self) -> None:
        self.draw_keys()
        self.capture()
        self.read_history()
        self._set_pace()


def _shown(action: Action) -> str:
    return {"enter": "⏎"}.get(action.key, action.key)
