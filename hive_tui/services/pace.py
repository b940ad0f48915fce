"""How soon a heartbeat looks again where something moves, and which of its rounds are looks and nothing more."""

from collections.abc import Callable

GLANCE_EVERY_S = 1.0
LOOKS_AT_ONCE = 3
"""So many changes in a row are looked at as soon as they are noticed; those that never end, each `every_s`."""
WORK_AT_LEAST_EVERY_S = 5.0
"""So often all is done that a round can do, although nobody has written: much of it is due at some time."""


class Pace:
    """For one thread at a time.

    Args:
        every_s: How often is looked while something moves all the time.
        monotonic: Seconds that never jump.
        commits: How many transactions of this process have ended well.
    """

    def __init__(self, every_s: float, monotonic: Callable[[], float], commits: Callable[[], int]) -> None:
        self._every_s = every_s
        self._monotonic = monotonic
        self._commits = commits
        self._saved_looks, self._saved_at = float(LOOKS_AT_ONCE), 0.0
        self._worked_at = float("-inf")
        self._commits_then = -1
        self._is_for_news = False

    @property
    def glance_s(self) -> float:
        """Seconds between two glances."""
        return min(GLANCE_EVERY_S, self._every_s)

    def rest_s(self) -> float:
        """Seconds from the last look to one for news: few after a quiet time, more where news does not end."""
        now = self._monotonic()
        saved = self._saved_looks + (now - self._saved_at) / self._every_s
        self._saved_looks, self._saved_at = min(saved, float(LOOKS_AT_ONCE)), now
        if self._saved_looks < 1:
            return self._every_s
        self._saved_looks -= 1
        return self.glance_s

    def rested(self, *, is_for_news: bool) -> None:
        """The next round begins.

        Args:
            is_for_news: Something moves that a glance has seen, and nothing else asks for the round: it is not time for
                anything, and nobody has rung or written.
        """
        self._is_for_news = is_for_news

    @property
    def is_only_look(self) -> bool:
        """Whether all that the round would do beside the look has been done a moment ago, and nobody wrote since."""
        is_new = self._monotonic() - self._worked_at < WORK_AT_LEAST_EVERY_S
        return self._is_for_news and is_new and self._commits() == self._commits_then

    def works(self) -> None:
        """All that a round can do is done now; what is written meanwhile is for the next one."""
        self._worked_at, self._commits_then = self._monotonic(), self._commits()
