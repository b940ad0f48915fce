"""Work that stands still at one of its steps until somebody asks it to stop."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from hive_tui.domain.progress import Unwatched


@dataclass
class Held:
    """How far the work has come."""

    reached: threading.Event = field(default_factory=threading.Event)
    steps: list[tuple[str, int]] = field(default_factory=list)
    """Name and bytes of each step."""


@contextmanager
def held_at(step: str) -> Iterator[Held]:
    """Any work stands still at the step with that name."""
    held, real = Held(), Unwatched.step

    def slow(self: Unwatched, name: str, total_bytes: int = 0) -> None:
        held.steps.append((name, total_bytes))
        if name == step:
            held.reached.set()
            assert self.cancelled.wait(20), "it is asked to stop"
        real(self, name, total_bytes)

    Unwatched.step = slow  # type: ignore[method-assign]
    try:
        yield held
    finally:
        Unwatched.step = real  # type: ignore[method-assign]
