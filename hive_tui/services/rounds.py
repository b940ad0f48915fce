"""Work on one thing after the other that a person can stop between two of them."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import TypeVar

from hive_tui.domain.errors import Cancelled
from hive_tui.domain.ports import Progress
from hive_tui.domain.progress import Unwatched

T = TypeVar("T")


class Rounds:
    """Tells each thing as a step, and remembers in words what was not come to."""

    def __init__(self, progress: Progress | None = None) -> None:
        self._progress = progress or Unwatched()
        self.left: list[str] = []
        """What was not done, since the person stopped the work before."""

    @property
    def is_stopped(self) -> bool:
        """Whether the person has asked to stop."""
        return self._progress.cancelled.is_set()

    def each(self, items: Iterable[T], doing: Callable[[T], str]) -> Iterator[T]:
        """The items, up to the stop.

        Args:
            items: What is worked on.
            doing: What is done to one, for a person: `waking shop`.
        """
        for item in items:
            if not self.is_stopped:
                with suppress(Cancelled):  # a stop in this moment is seen by the next check
                    self._progress.step(doing(item))
            if self.is_stopped:
                self.left.append(doing(item))
            else:
                yield item
