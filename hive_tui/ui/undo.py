"""What can be undone, the latest first."""

from collections.abc import Callable
from dataclasses import dataclass, field

MOST = 20


@dataclass(frozen=True, slots=True)
class Undo:
    """The way back from one thing that was done."""

    what: str
    """What was done, in words: `the nap of shop`."""
    do: Callable[[], None]


@dataclass(slots=True)
class UndoStack:
    """Forgets all but the latest."""

    _stack: list[Undo] = field(default_factory=list)

    def push(self, what: str, do: Callable[[], None]) -> None:
        """Something was done; `do` undoes it."""
        self._stack = [*self._stack[-MOST + 1 :], Undo(what, do)]

    def pop(self) -> Undo | None:
        """The latest, which is no longer to be undone after that."""
        return self._stack.pop() if self._stack else None
