"""Long work that a person has started: how far it is, and how to stop it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from hive_tui.domain.durations import bytes_in_words
from hive_tui.domain.ports import Clock
from hive_tui.domain.progress import Unwatched

SPEED_AFTER_S = 1.0
"""Before that a speed would be a guess."""


class JobProgress(Unwatched):
    """Remembers where the work is; written by the work's thread, read by the screen."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        self._began = clock.monotonic()
        self._step = "begins"
        self._total_bytes = 0
        self._done_bytes = 0

    def step(self, name: str, total_bytes: int = 0) -> None:
        """A new step begins; 0 bytes where its size is not known."""
        self._began, self._step = self._clock.monotonic(), name
        self._total_bytes, self._done_bytes = total_bytes, 0
        super().step(name, total_bytes)

    def advance(self, done_bytes: int) -> None:
        """So many more bytes of this step are done."""
        self._done_bytes += done_bytes
        super().advance(done_bytes)

    def in_words(self) -> str:
        """Step, bytes, speed and time left, as far as they are known."""
        if self.cancelled.is_set():
            return "stopping"
        parts = [self._step]
        spent_s = self._clock.monotonic() - self._began
        if self._done_bytes:
            of = f" of {bytes_in_words(self._total_bytes)}" if self._total_bytes > self._done_bytes else ""
            parts.append(f"{bytes_in_words(self._done_bytes)}{of}")
            if spent_s >= SPEED_AFTER_S:
                speed = self._done_bytes / spent_s
                parts.append(f"{bytes_in_words(int(speed))}/s")
                if of:
                    parts.append(f"{(self._total_bytes - self._done_bytes) / speed:.0f}s left")
        elif spent_s >= SPEED_AFTER_S:
            parts.append(f"{spent_s:.0f}s")
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of work in flight."""

    number: int
    title: str
    agent_id: str | None
    progress: JobProgress

    def in_words(self) -> str:
        """One line."""
        return f"{self.title}: {self.progress.in_words()}"


@dataclass(slots=True)
class Jobs:
    """What is in flight, the oldest first."""

    clock: Clock
    changed: Callable[[], None] = lambda: None
    """Called in the event loop when a job begins or ends."""
    running: dict[int, Job] = field(default_factory=dict)
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    def begin(self, title: str, agent_id: str | None) -> Job:
        """A new job; it has to `end`."""
        job = Job(next(self._numbers), title, agent_id, JobProgress(self.clock))
        self.running[job.number] = job
        self.changed()
        return job

    def end(self, job: Job) -> None:
        """It is done, or it failed."""
        self.running.pop(job.number, None)
        self.changed()

    def cancel(self, agent_id: str | None = None) -> int:
        """Ask the jobs of an agent, or all, to stop; how many were asked."""
        asked = [one for one in self.running.values() if agent_id in (None, one.agent_id)]
        for job in asked:
            job.progress.cancelled.set()
        return len(asked)

    def of(self, agent_id: str) -> Job | None:
        """The first job of an agent."""
        return next((job for job in self.running.values() if job.agent_id == agent_id), None)

    @property
    def is_any(self) -> bool:
        """Whether something is in flight."""
        return bool(self.running)
