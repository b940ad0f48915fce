"""A plain Textual table of 200 rows with a loop probe: `python -m tests.bench.table_app FILE`."""

import sys
from pathlib import Path

from textual.app import App, ComposeResult
from textual.widgets import DataTable

from tests.bench.invented import AGENTS, name_of
from tests.bench.probe import LoopProbe


class TableApp(App[None]):
    """Draws the rows; `j` and `k` move."""

    BINDINGS = [("j", "down", "Down"), ("k", "up", "Up"), ("q", "quit", "Quit")]  # noqa: RUF012 - Textual's way

    def __init__(self, result: Path) -> None:
        super().__init__()
        self._result = result
        self._probe = LoopProbe()

    def compose(self) -> ComposeResult:
        yield DataTable[str](cursor_type="row")

    def on_mount(self) -> None:
        table = self.query_one(DataTable)
        table.add_columns("STATE", "NAME", "KIND", "MEMORY", "SINCE")
        for number in range(AGENTS):
            table.add_row("idle", name_of(number), "claude", "180 MB", "3m")
        self.run_worker(self._probe.run())

    def on_unmount(self) -> None:
        self._probe.save(self._result)

    def action_down(self) -> None:
        self.query_one(DataTable).action_cursor_down()

    def action_up(self) -> None:
        self.query_one(DataTable).action_cursor_up()


if __name__ == "__main__":
    TableApp(Path(sys.argv[1])).run()
