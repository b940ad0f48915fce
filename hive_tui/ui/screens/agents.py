"""The agents, who needs you first, with everything about the selected one beside them."""

from collections.abc import Callable

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.widgets import Input

from hive_tui.domain.agents import NEEDS_PERSON, Activity, Lifecycle
from hive_tui.domain.errors import HiveError, TmuxError
from hive_tui.services.dashboard import AgentView, HiveView
from hive_tui.store import agents as agent_store
from hive_tui.ui.actions import AGENT_ACTIONS, BY_NAME, Action
from hive_tui.ui.arranging import GROUP, Order, arranged
from hive_tui.ui.format import AGENT_COLUMNS, agent_details, state_of
from hive_tui.ui.generations import generation_lines
from hive_tui.ui.screens.base import HiveScreen
from hive_tui.ui.timeline import timeline
from hive_tui.ui.widgets.key_bar import Key
from hive_tui.ui.widgets.keyed_table import KeyedTable
from hive_tui.ui.widgets.pane_preview import SCROLLBACK_LINES
from hive_tui.ui.widgets.side import EXPLAIN, GENERATIONS, PANE, TIMELINE, Side
from hive_tui.ui.widgets.steady import Steady

CAPTURE_EVERY_S = 0.3
CALM_AFTER = 10
"""So many captures without a change, and then only every `CALM_EVERY`-th is taken."""
CALM_EVERY = 3
WELCOME = """No agents are running in this tmux server.

  Start one in any pane, for example  claude  or  codex : it appears here by itself.

  n  starts one from here, in a new pane of its own.

  hive-tui adopt %PANE  takes any other program under care.

  hive-tui demo  shows naps, wakes, retries and fallbacks on small agents of its own,
  on a tmux server of its own. It touches nothing of yours.

  Once agents are here: z puts one to sleep, w wakes it with the same conversation,
  ? shows all keys.
"""


class AgentsScreen(HiveScreen):
    """List left, pane and history right; on narrow terminals one of them at a time."""

    TITLE_TEXT = "Agents"
    BINDINGS = [
        *(
            Binding(action.keys, f"agent('{action.name}')", f"{action.label}: {action.help}")
            for action in AGENT_ACTIONS
        ),
        Binding("space", "mark", "Mark"),
        Binding("slash", "filter", "Filter", key_display="/"),
        Binding("s", "order", "Order"),
        Binding("exclamation_mark", "next_in_need", "Next that needs you", key_display="!"),
        Binding("tab", "next_pane", "Next with a pane"),
        Binding("right_square_bracket", "turn(1)", "Next tab", key_display="]"),
        Binding("left_square_bracket", "turn(-1)", "Tab before", key_display="["),
        Binding("shift+pageup", "scroll_back", "Scrollback"),
        Binding("shift+pagedown,shift+end", "scroll_on", "Towards the live end"),
        Binding("escape", "clear", "Clear marks and filter, back to the list"),
        Binding("j", "down", "Down", show=False),
        Binding("k", "up", "Up", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._view: HiveView | None = None
        self._has_looked = False
        self._marked: set[str] = set()
        self._order = Order.NEED
        self._wanted = ""
        self._calm = 0

    def body(self) -> ComposeResult:
        """List and side."""
        with Horizontal(id="agents"):
            with Vertical(id="left"):
                yield Input(placeholder="filter: words of name, kind, state or folder", id="filter", compact=True)
                yield KeyedTable(AGENT_COLUMNS, id="list")
                yield Steady(id="list-note")
            yield Side(id="side")
        yield Steady(WELCOME, id="nobody")

    def on_mount(self) -> None:
        """Look at the selected pane again and again, as long as it is shown."""
        self.query_one("#filter").display = False
        self.query_one(KeyedTable).focus()
        self.set_interval(CAPTURE_EVERY_S, self._capture_again)

    async def reload(self) -> None:
        """Draw the agents."""
        self._view = view = self.hive_app.view
        if view is None:
            return
        self._marked &= {one.agent.id for one in view.agents}
        self.query_one("#agents").display = bool(view.agents)
        self.query_one("#nobody").display = not view.agents
        self.query_one("#nobody", Steady).put(WELCOME if view.has_looked else "Looking at your panes ...")
        table = self.query_one(KeyedTable)
        table.show(arranged(view.agents, self._order, self._wanted, self._marked, view.at))
        self._note()
        if view.has_looked and not self._has_looked:
            # Until now the list was that of the registry; who needs you comes first.
            self._has_looked = True
            table.move_cursor(row=0)
        self._draw_side()
        if self.query_one(Side).tab != PANE:
            self.read_history()

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
            return one.next_wake_at is not None or one.agent.lifecycle in (Lifecycle.NAPPING, Lifecycle.WAKING)
        return action.name not in ("hold",) or one.agent.lifecycle is not Lifecycle.AWAKE

    @property
    def selected(self) -> AgentView | None:
        """The agent under the cursor; of a project, its most urgent one."""
        key = self.query_one(KeyedTable).selected_key or ""
        agents = self._view.agents if self._view else ()
        if key.startswith(GROUP):
            return next((one for one in agents if one.project == key.removeprefix(GROUP)), None)
        return next((one for one in agents if one.agent.id == key), None)

    def targets(self, action: Action) -> list[AgentView]:
        """What an action is done to: the marked agents, if it is for them, else the selected one."""
        agents = self._view.agents if self._view else ()
        marked = [one for one in agents if one.agent.id in self._marked]
        one = self.selected
        return marked if marked and action.for_marked else [one] if one else []

    @on(KeyedTable.RowHighlighted)
    def _selected(self) -> None:
        self._calm = 0
        self.query_one(Side).preview.follow()
        self._draw_side()
        self.draw_keys()
        self.capture()
        if self.query_one(Side).tab != PANE:
            self.read_history()

    @on(KeyedTable.RowSelected)
    def _chosen(self) -> None:
        self.action_agent("visit")

    @on(Input.Changed, "#filter")
    async def _filtered(self, changed: Input.Changed) -> None:
        self._wanted = changed.value
        await self.reload()

    @on(Input.Submitted, "#filter")
    def _filter_done(self) -> None:
        self.query_one(KeyedTable).focus()

    def _note(self) -> None:
        """What of the list is not to be seen in it: order, filter, marks."""
        parts = [f"ordered by {self._order}"] if self._order is not Order.NEED else []
        if self._wanted:
            parts.append(f"only {self._wanted!r}")
        if self._marked:
            parts.append(f"{len(self._marked)} marked")
        note = self.query_one("#list-note", Steady)
        note.display = bool(parts)
        note.put(f"{' · '.join(parts)} · Esc clears")

    def _draw_side(self) -> None:
        one = self.selected
        if one is None or self._view is None:
            return
        pane = self.hive_app.pane_of(one.agent)
        where = f"{pane.id} {pane.place}" if pane else "its pane is gone"
        title = f"{one.agent.name}  {state_of(one.agent).text}  {where}"
        self.query_one(Side).head(title, agent_details(one, self._view.at))

    def _capture_again(self) -> None:
        """A pane that stands still is looked at less often."""
        self._calm += 1
        if self._calm < CALM_AFTER or self._calm % CALM_EVERY == 0:
            self.capture()

    @work(exclusive=True, group="capture")
    async def capture(self) -> None:
        """Draw the selected pane; what is not to be seen is not captured."""
        side = self.query_one(Side)
        one = self.selected
        if one is None or not self.is_current or side.tab != PANE or not side.is_to_be_seen or side.preview.is_back:
            return
        pane = self.hive_app.pane_of(one.agent)
        if pane is None:
            asleep = one.agent.lifecycle in (Lifecycle.ASLEEP, Lifecycle.FAILED)
            side.preview.say("Its pane is gone; a wake builds it again." if asleep else "Its pane is not to be seen.")
            return
        try:
            if side.preview.show(await self.hive_app.capture(pane.id)):
                self._calm = 0
        except TmuxError as error:
            side.preview.say(error.what)

    @work(exclusive=True, group="history")
    async def read_history(self) -> None:
        """Draw timeline, generations or explanation of the selected agent."""
        side, one = self.query_one(Side), self.selected
        if one is None or side.tab == PANE:
            return
        if side.tab == EXPLAIN:
            side.page(EXPLAIN).show(await self._explanation(one))
            return
        try:
            history = await self.hive_app.in_thread(lambda: self.hive_app.dashboard.history(one.agent.id))
        except HiveError as error:
            side.page(side.tab).show([error.what])
            return
        width = max(20, side.size.width - 4)
        policy = self.hive_app.hive.retry_policy
        lines: list[Text | str] = []
        for wakeup in history.wakeups:
            attempts = history.attempts.get(wakeup.id, ())
            lines += [*timeline(wakeup, attempts, history.at, width, policy), ""]
        side.page(TIMELINE).show(lines or [f"Nobody has asked for a wake of {one.agent.name} yet."])
        changes = self.hive_app.changes.lines(history) if side.tab == GENERATIONS else []
        side.page(GENERATIONS).show(generation_lines(one.agent, history, width, changes))

    async def _explanation(self, one: AgentView) -> list[str]:
        hive, observation = self.hive_app.hive, self.hive_app.observation
        if observation is None:
            return ["Looking at your panes ..."]
        try:
            agent = await self.hive_app.in_thread(lambda: hive.database.read(agent_store.get, one.agent.id))
            return (await self.hive_app.in_thread(lambda: hive.explainer.explain(agent, observation))).lines()
        except HiveError as error:
            return [error.what]

    def action_agent(self, name: str) -> None:
        """Do something with the marked agents, or with the selected one; what cannot be done says why."""
        action = BY_NAME[name]
        for one in self.targets(action):
            refusal = action.refusal(one)
            if refusal:
                self.app.notify(refusal, severity="warning")
            else:
                self.hive_app.do_with_agent(action, one)

    def action_mark(self) -> None:
        """Mark the selected agent, or let it go; on a project, all its agents."""
        key = self.query_one(KeyedTable).selected_key or ""
        agents = self._view.agents if self._view else ()
        found = {one.agent.id for one in agents if key in (one.agent.id, GROUP + one.project)}
        self._marked = self._marked - found if found <= self._marked else self._marked | found
        self.query_one(KeyedTable).action_cursor_down()
        self.run_worker(self.reload())

    def action_filter(self) -> None:
        """Show the filter and type into it."""
        box = self.query_one("#filter", Input)
        box.display = True
        box.focus()

    def action_order(self) -> None:
        """Order the list by the next thing."""
        self._order = self._order.next()
        self.run_worker(self.reload())

    def action_clear(self) -> None:
        """Back to the whole list, unmarked, and on a narrow terminal back from the side."""
        self._marked.clear()
        self._wanted = ""
        self.query_one("#filter", Input).value = ""
        self.query_one("#filter").display = False
        self.remove_class("-side")
        self.query_one(Side).preview.follow()
        self.query_one(KeyedTable).focus()
        self.run_worker(self.reload())

    def action_next_in_need(self) -> None:
        """To the next agent that needs you."""
        needy = (*NEEDS_PERSON, Activity.LIMITED, Activity.ERROR)
        if not self._go_to_next(lambda one: one.agent.lifecycle is Lifecycle.FAILED or one.agent.activity in needy):
            self.app.notify("No agent needs you now.")

    def action_next_pane(self) -> None:
        """To the next agent whose pane is there."""
        self._go_to_next(lambda one: self.hive_app.pane_of(one.agent) is not None)

    def _go_to_next(self, is_wanted: Callable[[AgentView], bool]) -> bool:
        table = self.query_one(KeyedTable)
        by_id = {one.agent.id: one for one in (self._view.agents if self._view else ())}
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
        self.capture()
        self.read_history()

    def action_turn(self, by: int) -> None:
        """Show the tab beside; on a narrow terminal, the side instead of the list."""
        side = self.query_one(Side)
        if self.has_class("-narrow") and not self.has_class("-side"):
            self.add_class("-side")
        else:
            side.turn(by)
        self.capture()
        self.read_history()

    async def action_scroll_back(self) -> None:
        """Read the scrollback; the picture stands still meanwhile."""
        preview, one = self.query_one(Side).preview, self.selected
        if preview.is_back:
            preview.scroll_page_up(animate=False)
            return
        pane = self.hive_app.pane_of(one.agent) if one else None
        if pane is not None:
            try:
                preview.show_scrollback(await self.hive_app.capture(pane.id, history_lines=SCROLLBACK_LINES))
            except TmuxError as error:
                preview.say(error.what)

    def action_scroll_on(self) -> None:
        """Towards the end, where it is live again."""
        preview = self.query_one(Side).preview
        if preview.is_back:
            preview.scroll_page_down(animate=False)

    def action_down(self) -> None:
        """Cursor down."""
        self.query_one(KeyedTable).action_cursor_down()

    def action_up(self) -> None:
        """Cursor up."""
        self.query_one(KeyedTable).action_cursor_up()


def _shown(action: Action) -> str:
    return {"enter": "⏎"}.get(action.key, action.key)
