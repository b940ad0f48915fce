"""The catalog of checkpoints."""

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.widgets import Static

from hive_tui.domain.checkpoints import Checkpoint
from hive_tui.services.dashboard import CheckpointsView
from hive_tui.ui.format import CHECKPOINT_COLUMNS, checkpoint_rows, local, short_path
from hive_tui.ui.screens.base import HiveScreen
from hive_tui.ui.widgets.keyed_table import KeyedTable


class CheckpointsScreen(HiveScreen):
    """Every checkpoint, newest first; generation 0 is the newest of its agent."""

    TITLE_TEXT = "Checkpoints"
    BINDINGS = [
        Binding("V", "validate", "Validate"),
        Binding("R", "restore", "Restore this one"),
        Binding("j", "down", "Down", show=False),
        Binding("k", "up", "Up", show=False),
    ]

    _view: CheckpointsView | None = None

    def body(self) -> ComposeResult:
        """Table and details."""
        yield Static("No checkpoints yet: every nap takes one, and so does c on the Agents screen.", id="empty")
        yield KeyedTable(CHECKPOINT_COLUMNS, id="checkpoints")
        yield Static(id="attempts")

    def on_mount(self) -> None:
        """The keys go to the table."""
        self.query_one(KeyedTable).focus()

    async def reload(self) -> None:
        """Draw the catalog."""
        self._view = await self.hive_app.in_thread(self.hive_app.dashboard.checkpoints)
        self.query_one("#empty").display = not self._view.checkpoints
        self.query_one(KeyedTable).show(checkpoint_rows(self._view))
        self._draw_details()

    @property
    def selected(self) -> Checkpoint | None:
        """The checkpoint under the cursor."""
        key = self.query_one(KeyedTable).selected_key
        found = self._view.checkpoints if self._view else ()
        return next((one for one in found if one.id == key), None)

    @on(KeyedTable.RowHighlighted)
    def _draw_details(self) -> None:
        one = self.selected
        lines: list[str] = []
        if one is not None:
            lines = [f"{local(one.created_at):%Y-%m-%d %H:%M:%S}  {one.id[:8]}  {short_path(one.path)}"]
            lines += [f"✕ {error}" for error in one.validation_errors[:5]]
        self.query_one("#attempts", Static).update("\n".join(lines))

    def action_down(self) -> None:
        """Cursor down."""
        self.query_one(KeyedTable).action_cursor_down()

    def action_up(self) -> None:
        """Cursor up."""
        self.query_one(KeyedTable).action_cursor_up()

    def action_validate(self) -> None:
        """Validate the selected checkpoint."""
        if one := self.selected:
            self.hive_app.verbs.validate_one(one)

    def action_restore(self) -> None:
        """Restore the selected checkpoint."""
        if one := self.selected:
            self.hive_app.verbs.restore_one(one)
