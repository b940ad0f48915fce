"""What becomes of errors that nobody has caught: they are told, and end as little as possible."""

import traceback
from collections.abc import Callable
from io import StringIO
from typing import Any

from rich.console import Console
from textual.app import App
from textual.worker import Worker, WorkerState

from hive_tui.domain.errors import HiveError

WIDTH = 120
"""Columns of a traceback in a file."""


class Enduring:
    """Begins work whose failure is told and does not end the dashboard, as Textual's own way would.

    Stands before a class of Textual's; it is none itself, or style sheets would take it for what follows.
    """

    def run_worker(self, *arguments: Any, **options: Any) -> Worker[Any]:
        """As Textual's, but never with an end to everything."""
        begun: Worker[Any] = super().run_worker(*arguments, **{**options, "exit_on_error": False})  # type: ignore[misc]
        return begun

    def on_worker_state_changed(self, changed: Worker.StateChanged) -> None:
        """Tell why work has failed."""
        error = changed.worker.error
        if changed.state is WorkerState.ERROR and error is not None:
            tell(changed.worker.node.app, error)


def tell(app: App[Any], error: BaseException) -> None:
    """One sentence and a hint."""
    if not isinstance(error, HiveError):
        from hive_tui.adapters.mishaps import keep_details

        # A bug of ours must be seen, and must not take the dashboard with it.
        details = keep_details("".join(traceback.format_exception(error)))
        error = HiveError(f"hive-tui made a mistake: {type(error).__name__}: {error}", hint=details)
    app.notify(f"{error.what}\n{error.hint}".strip(), severity="error", timeout=12)


def last_words(app: App[Any]) -> Callable[[], HiveError | None]:
    """Keep what Textual would print should the dashboard break.

    Returns:
        Gives, once the app has ended, what there is to say of it; None where it ended as it should.
    """
    said = StringIO()
    app.error_console = Console(file=said, width=WIDTH, markup=False, highlight=False)

    def find() -> HiveError | None:
        if not app.return_code:
            return None
        from hive_tui.adapters.mishaps import keep_details

        last = (said.getvalue().strip().splitlines() or ["it ended without a word"])[-1].strip()
        hint = f"{keep_details(said.getvalue())} It can be opened again at once."
        return HiveError(f"hive-tui made a mistake: {last}", hint=hint)

    return find
