"""The catalog of checkpoints, with what a restore of the selected one would change."""

from collections.abc import Callable

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.widgets import Static

from hive_tui.domain.checkpoints import Checkpoint
from hive_tui.domain.errors import HiveError
from hive_tui.domain.offsite import OffsiteCopy
from hive_tui.domain.progress import Unwatched
from hive_tui.services.dashboard import CheckpointsView
from hive_tui.store import checkpoints as store
from hive_tui.ui.catalog_rows import CHECKPOINT_COLUMNS, checkpoint_details, checkpoint_rows
from hive_tui.ui.format import printable
from hive_tui.ui.screens.base import HiveScreen
from hive_tui.ui.widgets.key_bar import Key
from hive_tui.ui.widgets.keyed_table import KeyedTable
from hive_tui.ui.widgets.steady import Steady

HOW_TO = "⏎ shows what a restore of it would change now, d what differs from the generation before."


class CheckpointsScreen(HiveScreen):
    """Every checkpoint, newest first; generation 0 is the newest of its agent."""

    TITLE_TEXT = "Checkpoints"
    BINDINGS = [
        Binding("enter", "compare", "Show what a restore would change", key_display="⏎"),
        Binding("d", "diff", "Show what differs from the generation before"),
        Binding("R", "restore", "Restore this one, after a question"),
        Binding("V", "validate", "Read this one back"),
        Binding("j", "down", "Down", show=False),
        Binding("k", "up", "Up", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._view: CheckpointsView | None = None
        self._compared: tuple[str, list[str]] = ("", [])
        """Id of a checkpoint, and what a restore of it would change."""

    def body(self) -> ComposeResult:
        """Table and details."""
        yield Static("No checkpoints yet: every nap takes one, and so does c on the Agents screen.", id="empty")
        yield KeyedTable(CHECKPOINT_COLUMNS, id="checkpoints")
        yield Steady(id="attempts")

    def on_mount(self) -> None:
        """The keys go to the table."""
        self.query_one(KeyedTable).focus()

    async def reload(self) -> None:
        """Draw the catalog."""
        self._view = await self.hive_app.in_thread(self.hive_app.dashboard.checkpoints)
        self.query_one("#empty").display = not self._view.checkpoints
        self.query_one(KeyedTable).show(checkpoint_rows(self._view))
        self._draw_details()

    def keys(self) -> list[Key]:
        """What can be done with the selected one."""
        if self.selected is None:
            return []
        return [
            Key("⏎", "What a restore would change", "screen.compare"),
            Key("d", "Diff", "screen.diff"),
            Key("R", "Restore", "screen.restore"),
            Key("V", "Validate", "screen.validate"),
        ]

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
            lines = checkpoint_details(one, self._copy_of(one), self.hive_app.hive.clock.now())
            compared_id, compared = self._compared
            lines += compared if one.id == compared_id else [HOW_TO]
        self.query_one("#attempts", Steady).put(Text(printable("\n".join(lines))))

    @on(KeyedTable.RowSelected)
    def action_compare(self) -> None:
        """Show what a restore of the selected checkpoint would change; changes nothing."""
        if one := self.selected:
            self._compare(one)

    def action_diff(self) -> None:
        """Show what differs between the selected checkpoint and the generation before it."""
        if one := self.selected:
            self._diff(one)

    @work(exclusive=True, group="compare")
    async def _compare(self, one: Checkpoint) -> None:
        await self._find_out(one, "Comparing it with what is there now ...", self._preview_lines)

    @work(exclusive=True, group="compare")
    async def _diff(self, one: Checkpoint) -> None:
        await self._find_out(one, "Comparing it with the generation before ...", self._diff_lines)

    async def _find_out(self, one: Checkpoint, meanwhile: str, find: Callable[[Checkpoint], list[str]]) -> None:
        self._compared = (one.id, [meanwhile])
        self._draw_details()
        try:
            lines = await self.hive_app.in_background(lambda: find(one))
        except HiveError as error:
            lines = [f"✕ {error.what} {error.hint}".strip()]
        self._compared = (one.id, lines)
        self._draw_details()

    def _preview_lines(self, one: Checkpoint) -> list[str]:
        return self.hive_app.verbs.preview_lines(one, Unwatched())

    def _diff_lines(self, one: Checkpoint) -> list[str]:
        hive = self.hive_app.hive
        # By its number now: others may have come or gone since the list was drawn.
        one = hive.database.read(store.get, one.id)
        before = hive.database.read(store.generation, one.agent_id, one.generation + 1)
        found = hive.keeping.comparer.compare(before, one, Unwatched())
        return [f"From generation {before.generation} to this one:", *found.lines()]

    def _copy_of(self, one: Checkpoint) -> OffsiteCopy | None:
        return self._view.copies.get(one.id) if self._view else None

    def action_down(self) -> None:
        """Cursor down."""
        self.query_one(KeyedTable).action_cursor_down()

    def action_up(self) -> None:
        """Cursor up."""
        self.query_one(KeyedTable).action_cursor_up()

    def action_validate(self) -> None:
        """Validate the selected checkpoint."""
        if one := self.selected:
            self.hive_app.verbs.validate_one(one, self._view.names.get(one.agent_id, "?") if self._view else "?")

    def action_restore(self) -> None:
        """Restore the selected checkpoint."""
        if one := self.selected:
            self.hive_app.verbs.restore_one(one)
