"""Files that change while an agent sleeps: what counts, and when it has settled."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

IGNORED = frozenset({".git"})
SHOWN = 10
SHOWN_LETTERS = 120


@dataclass(frozen=True, slots=True)
class FileNews:
    """What has changed last."""

    newest_ns: int
    """When, by the file system: nanoseconds since the epoch. Names this state of the files."""
    paths: tuple[str, ...] = ()
    """The newest ones first, below the folder that is watched; not all of them."""
    count: int = 0

    def message(self) -> str:
        """What the agent is told."""
        shown = [_plain(path) for path in self.paths[:SHOWN]]
        more = f" and {self.count - len(shown)} more" if self.count > len(shown) else ""
        return f"Changed while you slept: {', '.join(shown)}{more}."


class FileWatch(Protocol):
    """Watches folders and files, and looks at them. For one thread, but for `close`."""

    def watch(self, paths: Collection[Path]) -> str:
        """Watch these, and no others; why changes are not noticed at once, if they are not."""
        ...

    def touched(self, timeout_s: float) -> frozenset[Path] | None:
        """Paths that something has happened to; waits for one so long.

        None if others may have been touched, too: there were many, or the watch has just begun.
        """
        ...

    def look_at(self, paths: Collection[Path], since_ns: int) -> FileNews | None:
        """Whether one of these very files and folders has changed since; nothing below them."""
        ...

    def look_below(self, paths: Collection[Path], since_ns: int) -> FileNews | None:
        """Whether anything at or below these has changed since."""
        ...

    def close(self) -> None:
        """Watch nothing, and end a wait, from any thread; it may be used again."""
        ...


class Debounce:
    """Lets changes settle: done when nothing has come for a while, or after a longest time.

    Args:
        quiet_s: Seconds without a change.
        longest_s: Seconds after the first change.
    """

    def __init__(self, quiet_s: float, longest_s: float) -> None:
        self._quiet_s, self._longest_s = quiet_s, longest_s
        self._first_s: float | None = None
        self._last_s = 0.0

    def note(self, now_s: float) -> None:
        """Something has changed."""
        self._first_s = now_s if self._first_s is None else self._first_s
        self._last_s = now_s

    def due_s(self) -> float | None:
        """When it is done; None if nothing has changed."""
        if self._first_s is None:
            return None
        return min(self._last_s + self._quiet_s, self._first_s + self._longest_s)

    def reset(self) -> None:
        """Begin anew."""
        self._first_s = None


def is_ignored(path: Path, own: Sequence[Path]) -> bool:
    """Whether what happens there is nobody's work: git's own files, and ours."""
    return not IGNORED.isdisjoint(path.parts) or any(path == one or one in path.parents for one in own)


def _plain(path: str) -> str:
    """A name may hold anything, also lines that look like orders."""
    kept = "".join(one if one.isprintable() else "?" for one in path)
    return kept if len(kept) <= SHOWN_LETTERS else f"{kept[: SHOWN_LETTERS - 1]}…"
