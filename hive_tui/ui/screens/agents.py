"""The agents, who needs you first, with the live pane of the selected one."""

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from hive_tui.domain.agents import Lifecycle
from hive_tui.domain.errors import TmuxError
from hive_tui.services.dashboard import AgentView, HiveView
from hive_tui.ui.format import AGENT_COLUMNS, agent_details, agent_row, state_of
from hive_tui.ui.screens.base import HiveScreen
from hive_tui.ui.widgets.keyed_table import KeyedTable
from hive_tui.ui.widgets.pane_preview import PanePreview

CAPTURE_EVERY_S = 0.3
NOBODY = """No agents are running.

Start one in any pane of this tmux server, for example:

    claude          codex

and it appears here by itself. Or start one from a shell:

    hive-tui launch NAME --cwd FOLDER -- claude
"""


class AgentsScreen(HiveScreen):
    """List left, live pane right; on narrow terminals the list alone."""

    TITLE_TEXT = "Agents"
    BINDINGS = [
        Binding("z", "nap", "Nap"),
        Binding("w,v", "wake", "Wake", key_display="w"),
        Binding("c", "checkpoint", "Checkpoint"),
        Binding("V", "validate", "Validate"),
        Binding("R", "restore", "Restore previous"),
        Binding("e", "explain", "Explain"),
        Binding("enter", "visit", "Go to pane"),
        Binding("j", "down", "Down", show=False),
        Binding("k", "up", "Up", show=False),
    ]

    _view: HiveView | None = None
    _has_looked = False

    def body(self) -> ComposeResult:
        """List, preview, details."""
        with Horizontal(id="agents"):
            yield KeyedTable(AGENT_COLUMNS, id="list")
            with Vertical(id="side"):
                yield Static(id="side-title")
                yield PanePreview(id="preview")
                yield Static(id="details")
        yield Static(NOBODY, id="nobody")

    def on_mount(self) -> None:
        """Look at the selected pane again and again, as long as it is shown."""
        self.query_one(KeyedTable).focus()
        self.set_interval(CAPTURE_EVERY_S, self.capture)

    async def reload(self) -> None:
        """Draw the agents."""
        self._view = view = self.hive_app.view
        if view is None:
            return
        self.query_one("#agents").display = bool(view.agents)
        self.query_one("#nobody", Static).display = not view.agents
        self.query_one("#nobody", Static).update(NOBODY if view.has_looked else "Looking at your panes ...")
        table = self.query_one(KeyedTable)
        table.show([agent_row(one, view.at) for one in view.agents])
        if view.has_looked and not self._has_looked:
            # Until now the list was that of the registry; who needs you comes first.
            self._has_looked = True
            table.move_cursor(row=0)
        self._draw_details()

    @property
    def selected(self) -> AgentView | None:
        """The agent under the cursor."""
        key = self.query_one(KeyedTable).selected_key
        agents = self._view.agents if self._view else ()
        return next((one for one in agents if one.agent.id == key), None)

    @on(KeyedTable.RowHighlighted)
    def _selected(self) -> None:
        self._draw_details()
        self.capture()

    @on(KeyedTable.RowSelected)
    def _chosen(self) -> None:
        self.action_visit()

    def _draw_details(self) -> None:
        one = self.selected
        if one is None or self._view is None:
            return
        pane = self.hive_app.pane_of(one.agent)
        where = f"{pane.id} {pane.place}" if pane else "its pane is gone"
        self.query_one("#side-title", Static).update(f"{one.agent.name}  {state_of(one.agent).text}  {where}")
        details = agent_details(one, self._view.at)
        self.query_one("#details", Static).update("\n".join(f"{label:>10}  {text}" for label, text in details))

    @work(exclusive=True, group="capture")
    async def capture(self) -> None:
        """Draw the selected pane; a hidden preview is not captured."""
        preview = self.query_one(PanePreview)
        one = self.selected
        if one is None or not self.is_current or self.has_class("-narrow") or not preview.display:
            return
        pane = self.hive_app.pane_of(one.agent)
        if pane is None:
            asleep = one.agent.lifecycle in (Lifecycle.ASLEEP, Lifecycle.FAILED)
            preview.say("Its pane is gone; a wake builds it again." if asleep else "Its pane is not to be seen.")
            return
        try:
            preview.show(await self.hive_app.capture(pane.id))
        except TmuxError as error:
            preview.say(error.what)

    def action_down(self) -> None:
        """Cursor down."""
        self.query_one(KeyedTable).action_cursor_down()

    def action_up(self) -> None:
        """Cursor up."""
        self.query_one(KeyedTable).action_cursor_up()

    def action_nap(self) -> None:
        """Put the selected agent to sleep."""
        if one := self.selected:
            self.hive_app.verbs.nap(one.agent)

    def action_wake(self) -> None:
        """Wake the selected agent."""
        if one := self.selected:
            self.hive_app.verbs.wake(one.agent)

    def action_checkpoint(self) -> None:
        """Take a checkpoint of the selected agent."""
        if one := self.selected:
            self.hive_app.verbs.checkpoint(one.agent)

    def action_validate(self) -> None:
        """Validate the newest checkpoint of the selected agent."""
        if one := self.selected:
            self.hive_app.verbs.validate(one.agent)

    def action_restore(self) -> None:
        """Restore the previous generation of the selected agent."""
        if one := self.selected:
            self.hive_app.verbs.restore(one.agent, generation=1)

    def action_explain(self) -> None:
        """Say why the selected agent is in its state."""
        if one := self.selected:
            self.hive_app.verbs.explain(one.agent)

    def action_visit(self) -> None:
        """Go to the pane of the selected agent."""
        if one := self.selected:
            self.hive_app.verbs.visit(one.agent)
