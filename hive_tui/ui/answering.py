"""What answers programs beside the dashboard; the dashboard itself knows nothing of HTTP."""

from collections.abc import Callable
from typing import Protocol

from hive_tui.domain.errors import HiveError


class Answering(Protocol):
    """Answers from `start` to `stop`, if the settings want it."""

    @property
    def address(self) -> str:
        """Where this process answers now; empty if it does not."""

    @property
    def is_acting(self) -> bool:
        """Whether something is under way that changes more than a row: leaving would cut it off."""

    @property
    def is_busy(self) -> bool:
        """Whether something of it is under way, be it a read."""

    def start(self, failed: Callable[[HiveError], None]) -> None:
        """Begin; returns at once, and a second time does nothing. `failed` is told, in a thread, that it cannot."""

    def stop(self) -> None:
        """Answer no more. Blocks."""


class Silent:
    """Answers nobody."""

    address = ""
    is_acting = is_busy = False

    def start(self, failed: Callable[[HiveError], None]) -> None:
        """Do nothing."""

    def stop(self) -> None:
        """Do nothing."""
