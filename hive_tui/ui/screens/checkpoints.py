"""The catalog of checkpoints, with what a restore of the selected one would change."""

from collections.abc import Callable

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.events import Resize
from textual.widgets import Static

from hive_tui.domain.checkpoints import Checkpoint
from hive_tui.domain.errors import Cancelled, HiveError
from hive_tui.domain.progress import MeasuredProgress
from hive_tui.services.dashboard import CheckpointsView
from hive_tui.ui.catalog_rows import WIDE_COLUMNS, checkpoint_details, checkpoint_rows, columns_for
from hive_tui.ui.catalog_verbs import CatalogVerbs
from hive_tui.ui.screens.base import HiveScreen
from hive_tui.ui.verbs import YOU
from hive_tui.ui.widgets.key_bar import Key
from hive_tui.ui.widgets.keyed_table import KeyedTable
from hive_tui.ui.widgets.side import Page

HOW_TO = "⏎ shows what a restore of it would change now, d what differs from the generation before."
NOTHING = "There is no checkpoint yet; c on the Agents screen takes one, and I imports one."
PAIR = 2


class CheckpointsScreen(HiveScreen):
    """Every checkpoint, newest first; generation 0 is the newest of its agent."""

    TITLE_TEXT = "Checkpoints"
    BINDINGS = [
        Binding("enter", "compare", "Show what a restore would change", key_display="⏎"),
        Binding("R", "restore", "Restore this one, after a question"),
        Binding("o", "restore_part", "Restore only its workspace, conversation or streams"),
        Binding("d", "diff", "Show what differs from the generation before, or between two marked ones"),
        Binding("space", "mark", "Mark, or unmark: two for d, any number for X"),
        Binding("V", "validate", "Read this one back"),
        Binding("D", "drill", "Drill: restore it into a scratch folder, for proof"),
        Binding("E", "export", "Export a verified copy to a file"),
        Binding("I", "import", "Import a file that was exported"),
        Binding("S", "offsite", "Copy to the second place what is not there yet"),
        Binding("X,delete", "delete", "Delete this one, or the marked ones, after a question", key_display="X"),
        Binding("C", "prune", "Clean up: remove what the settings do not keep, after a question"),
        Binding("shift+pageup", "scroll(-1)", "Read on above in what was found", key_display="shift+pgup"),
        Binding("shift+pagedown", "scroll(1)", "Read on below", key_display="shift+pgdn"),
        Binding("escape", "clear", "Clear the marks"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._view: CheckpointsView | None = None
        self._marked: tuple[str, ...] = ()
        """Ids, in the order in which they were marked."""
        self._compared: tuple[str, list[str]] = ("", [])
        """Id of a checkpoint, and what a comparison with it has found."""

    def body(self) -> ComposeResult:
        """Table and details."""
        yield Static("No checkpoints yet: every nap takes one, and so does c on the Agents screen.", id="empty")
        yield KeyedTable(WIDE_COLUMNS, id="checkpoints")
        yield Page(id="found")

    def on_mount(self) -> None:
        """The keys go to the table."""
        self.query_one(KeyedTable).focus()

    async def reload(self) -> None:
        """Draw the catalog."""
        self._view = await self.hive_app.in_thread(self.hive_app.dashboard.checkpoints)
        there = {one.id for one in self._view.checkpoints}
        self._marked = tuple(one for one in self._marked if one in there)
        self.query_one("#empty").display = not there
        self._draw()

    def _draw(self) -> None:
        if self._view is None:
            return
        columns = columns_for(self.size.width)
        table = self.query_one(KeyedTable)
        table.name_columns(columns)
        table.show(checkpoint_rows(self._view, columns, self._marked))
        self._draw_details()

    def on_resize(self, _: Resize) -> None:
        """There is room for more columns, or for less."""
        self._draw()

    def keys(self) -> list[Key]:
        """What can be done with the selected one, or with the marked ones."""
        imported = Key("I", "Import", "screen.import")
        if self.selected is None:
            return [imported]
        return [
            Key("⏎", "Changes", "screen.compare"),
            Key("R", "Restore", "screen.restore"),
            Key("o", "Restore a part", "screen.restore_part"),
            Key("d", "Diff", "screen.diff"),
            Key("space", "Mark", "screen.mark"),
            Key("V", "Validate", "screen.validate"),
            Key("D", "Drill", "screen.drill"),
            Key("E", "Export", "screen.export"),
            imported,
            Key("X", "Delete", "screen.delete"),
            Key("C", "Clean up", "screen.prune"),
            Key("S", "Off-site", "screen.offsite"),
        ]

    @property
    def selected(self) -> Checkpoint | None:
        """The checkpoint under the cursor."""
        return self._by_id(self.query_one(KeyedTable).selected_key)

    def _by_id(self, checkpoint_id: str | None) -> Checkpoint | None:
        found = self._view.checkpoints if self._view else ()
        return next((one for one in found if one.id == checkpoint_id), None)

    @property
    def _marked_ones(self) -> list[Checkpoint]:
        return [one for one in map(self._by_id, self._marked) if one is not None]

    @property
    def _verbs(self) -> CatalogVerbs:
        verbs = self.hive_app.verbs
        verbs.doing.press()
        return CatalogVerbs(self.hive_app, verbs.doing, self.hive_app.hive, YOU)

    @on(KeyedTable.RowHighlighted)
    def _draw_details(self) -> None:
        one = self.selected
        lines: list[str] = []
        if one is not None and self._view is not None:
            copy = self._view.copies.get(one.id)
            lines = checkpoint_details(one, copy, self.hive_app.hive.clock.now())
            compared_id, compared = self._compared
            lines += compared if one.id == compared_id else [HOW_TO]
        if self._marked:
            lines.append(f"{len(self._marked)} marked · Esc clears")
        self.query_one(Page).show(lines)

    @on(KeyedTable.RowSelected)
    def action_compare(self) -> None:
        """Show what a restore of the selected checkpoint would change; changes nothing."""
        if one := self._selected_or_refused():
            preview = self.hive_app.verbs.preview_lines
            self._find_out(one, "Comparing it with what is there now ...", lambda progress: preview(one, progress))

    def action_diff(self) -> None:
        """Show what differs between the two marked ones, or from the generation before the selected one."""
        one, before = self._selected_or_refused(), None
        if one is None:
            return
        if marked := self._marked_ones:
            if len(marked) != PAIR or marked[0].agent_id != marked[1].agent_id:
                self.refuse("Mark two checkpoints of one agent to compare them, or none; Esc clears the marks.")
                return
            before, after = sorted(marked, key=lambda each: -each.generation)
        else:
            after = one
        verbs = self._verbs
        self._find_out(one, "Comparing ...", lambda progress: verbs.diff_lines(before, after, progress))

    @work(exclusive=True, group="compare")
    async def _find_out(self, one: Checkpoint, meanwhile: str, find: Callable[[MeasuredProgress], list[str]]) -> None:
        self._compared = (one.id, [meanwhile])
        self._draw_details()
        progress: list[MeasuredProgress] = []

        def watched(watch: MeasuredProgress) -> list[str]:
            progress.append(watch)
            return find(watch)

        try:
            lines = await self.hive_app.verbs.doing.watched(f"compare {self._name_of(one)}", one.agent_id, watched)
        except Cancelled:
            lines = ["Stopped: nothing was compared."]
        except HiveError as error:
            lines = [f"✕ {error.what} {error.hint}".strip()]
        finally:
            for each in progress:  # another comparison was asked for meanwhile: nobody waits for this one
                each.ask_to_stop()
        self._compared = (one.id, lines)
        self._draw_details()

    def action_mark(self) -> None:
        """Mark the selected checkpoint, or let it go."""
        if one := self._selected_or_refused():
            rest = tuple(each for each in self._marked if each != one.id)
            self._marked = rest if len(rest) < len(self._marked) else (*rest, one.id)
            self._draw()
            self.query_one(KeyedTable).action_cursor_down()

    def action_clear(self) -> None:
        """Nothing is marked any more."""
        self._marked = ()
        self._draw()

    def action_scroll(self, pages: int) -> None:
        """Read on in what was found."""
        page = self.query_one(Page)
        page.scroll_relative(y=pages * max(1, page.size.height - 1), animate=False)

    def action_validate(self) -> None:
        """Validate the selected checkpoint."""
        if one := self._selected_or_refused():
            self.hive_app.verbs.validate_one(one, self._name_of(one))

    def action_restore(self) -> None:
        """Restore the selected checkpoint."""
        if one := self._selected_or_refused():
            self.hive_app.verbs.doing.press()
            self.hive_app.verbs.restore_one(one)

    def action_restore_part(self) -> None:
        """Restore a part of the selected checkpoint."""
        if one := self._selected_or_refused():
            self.hive_app.verbs.restoring.part_of(one, self._name_of(one))

    def action_drill(self) -> None:
        """Prove the selected checkpoint."""
        if one := self._selected_or_refused():
            self._verbs.drill(one, self._name_of(one))

    def action_export(self) -> None:
        """Write the selected checkpoint to a file."""
        if one := self._selected_or_refused():
            self._verbs.export(one, self._name_of(one))

    def action_import(self) -> None:
        """Enter a checkpoint from a file."""
        self._verbs.import_()

    def action_offsite(self) -> None:
        """Bring the second place up to date."""
        self._verbs.offsite()

    def action_delete(self) -> None:
        """Delete the marked checkpoints, or the selected one."""
        found = self._marked_ones or ([self.selected] if self.selected else [])
        if not found:
            self.refuse(NOTHING)
        elif self._view is not None:
            self._verbs.delete([one for one in found if one is not None], self._view.names)

    def action_prune(self) -> None:
        """Remove what the settings do not keep."""
        self._verbs.prune()

    def _name_of(self, one: Checkpoint) -> str:
        return self._view.names.get(one.agent_id, "(forgotten)") if self._view else "(forgotten)"

    def _selected_or_refused(self) -> Checkpoint | None:
        one = self.selected
        if one is None:
            self.refuse(NOTHING)
        return one
