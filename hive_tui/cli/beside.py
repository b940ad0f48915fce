"""The HTTP surface beside the dashboard, where the settings want it; where they do not, nothing of it is imported."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from hive_tui.domain.errors import HiveError

if TYPE_CHECKING:
    from hive_tui.hive import Hive
    from hive_tui.http.standing_by import StandingBy


class Beside:
    """Started once the first screen is drawn, stopped when the dashboard is left.

    Args:
        hive: Of the dashboard.
    """

    def __init__(self, hive: Hive) -> None:
        self._hive = hive
        self._failed: Callable[[HiveError], None] = lambda _: None
        self._beside: StandingBy | None = None
        self._is_begun = self._stopping = False
        self._turn = threading.Lock()

    @property
    def address(self) -> str:
        """Where this process answers now; empty if it does not."""
        return self._beside.address if self._beside is not None else ""

    @property
    def is_acting(self) -> bool:
        """Whether an action that a program asked for is under way."""
        return self._beside is not None and self._beside.is_acting

    @property
    def is_busy(self) -> bool:
        """Whether something of it is under way."""
        return self._beside is not None and self._beside.is_busy

    def start(self, failed: Callable[[HiveError], None]) -> None:
        """Begin, if the settings name an address; returns at once. A second time does nothing.

        Args:
            failed: Told, in another thread, that it cannot answer at all.
        """
        self._failed = failed
        if self._hive.settings.http.address and not self._is_begun:
            self._is_begun = True
            threading.Thread(target=self._begin, name="http start", daemon=True).start()

    def stop(self) -> None:
        """Answer no more. Blocks."""
        with self._turn:
            self._stopping = True
        if self._beside is not None:
            self._beside.stop()

    def _begin(self) -> None:
        try:
            from hive_tui.http.standing_by import StandingBy
        except HiveError as error:
            self._failed(error)
            return
        with self._turn:
            if not self._stopping:
                self._beside = StandingBy(self._hive)
                self._beside.start()
