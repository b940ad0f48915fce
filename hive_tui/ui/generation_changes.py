"""What a restore of the generation before would change, for the page of generations: found once, and kept."""

from pathlib import Path
from typing import TYPE_CHECKING

from hive_tui.domain.checkpoints import Checkpoint
from hive_tui.domain.errors import HiveError
from hive_tui.domain.progress import Unwatched
from hive_tui.services.dashboard import AgentHistory
from hive_tui.ui.messages import HiveChanged

if TYPE_CHECKING:
    from hive_tui.ui.app import HiveApp

SHOWN_FILES = 8
KEPT = 50


class GenerationChanges:
    """Compares in the background; the page is drawn again when it is done."""

    def __init__(self, app: "HiveApp") -> None:
        self._app = app
        self._found: dict[tuple[str, str], list[str]] = {}

    def lines(self, history: AgentHistory) -> list[str]:
        """From the newest checkpoint to the one before; that it is being found out, the first time."""
        good = [one for one in history.checkpoints if one.is_valid and Path(one.path).exists()][:2]
        if len(good) < 2:
            return []
        newest, before = good
        pair = (newest.id, before.id)
        if pair not in self._found:
            self._found[pair] = ["  is being found out ..."]
            self._app.run_worker(self._compare(newest, before), group="changes")
        heading = f"A restore of generation {before.generation} changes, counted from generation {newest.generation}:"
        return [heading, *self._found[pair]]

    async def _compare(self, newest: Checkpoint, before: Checkpoint) -> None:
        comparer = self._app.hive.keeping.comparer
        try:
            found = await self._app.in_background(lambda: comparer.compare(newest, before, Unwatched()))
            lines = found.lines(limit=SHOWN_FILES)
        except HiveError as error:
            lines = [f"  cannot be said: {error.what}"]
        while len(self._found) > KEPT:
            self._found.pop(next(iter(self._found)))
        self._found[newest.id, before.id] = lines
        self._app.post_message(HiveChanged())
