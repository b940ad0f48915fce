"""Long work that a person has started: how far it is, and how to stop it."""

from collections.abc import Callable
from itertools import count

from msgspec import Struct, field

from hive_tui.domain.ports import Clock
from hive_tui.domain.progress import MeasuredProgress


class Job(Struct, frozen=True):
    """One piece of work in flight."""

    number: int
    title: str
    agent_id: str | None
    progress: MeasuredProgress

    def in_words(self) -> str:
        """One line."""
        return f"{self.title}: {self.progress.in_words()}"


class Jobs(Struct):
    """What is in flight, the oldest first."""

    clock: Clock
    changed: Callable[[], None] = lambda: None
    """Called in the event loop when a job begins or ends, or something can be undone."""
    running: dict[int, Job] = field(default_factory=dict)
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    def begin(self, title: str, agent_id: str | None) -> Job:
        """A new job; it has to `end`."""
        job = Job(next(self._numbers), title, agent_id, MeasuredProgress(self.clock))
        self.running[job.number] = job
        self.changed()
        return job

    def end(self, job: Job) -> None:
        """It is done, or it failed."""
        self.running.pop(job.number, None)
        self.changed()

    def cancel(self, agent_id: str | None = None) -> int:
        """Ask the jobs of an agent to stop, or if it has none those that are nobody's; None for all. How many were."""
        running = self.running.values()
        asked = [one for one in running if agent_id in (None, one.agent_id)]
        asked = asked or [one for one in running if one.agent_id is None]
        for job in asked:
            job.progress.ask_to_stop()
        return len(asked)

    def of(self, agent_id: str) -> Job | None:
        """The first job of an agent."""
        return next((job for job in self.running.values() if job.agent_id == agent_id), None)

    @property
    def is_any(self) -> bool:
        """Whether something is in flight."""
        return bool(self.running)
