"""What is in flight: a line a job, with how far it is."""

from collections.abc import Iterable

from rich.text import Text

from hive_tui.ui.jobs import Job
from hive_tui.ui.widgets.steady import Steady

MAX_LINES = 3


class JobBar(Steady):
    """Hidden while nothing is in flight."""

    def show(self, jobs: Iterable[Job]) -> None:
        """Draw the jobs."""
        running = list(jobs)
        self.display = bool(running)
        hint = " (x cancels)" if len(running) == 1 and running[0].agent_id is not None else ""
        lines = [f"● {job.title}{hint}: {job.progress.in_words()}" for job in running[:MAX_LINES]]
        if len(running) > MAX_LINES:
            lines[-1] = f"● and {len(running) - MAX_LINES + 1} more"
        self.put(Text("\n".join(lines), no_wrap=True, overflow="ellipsis"))
