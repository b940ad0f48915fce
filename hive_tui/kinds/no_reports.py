"""Stands for the hooks of agents where none are installed."""

from hive_tui.domain.hooks import HookReport
from hive_tui.domain.processes import ProcessId


class NoReports:
    """No hooks are installed."""

    mark = None

    def take_in(self) -> int:
        """Nothing."""
        return 0

    def of_session(self, kind: str, session_id: str) -> HookReport | None:
        """None."""
        return None

    def of_process(self, kind: str, process: ProcessId) -> HookReport | None:
        """None."""
        return None


NO_REPORTS = NoReports()
