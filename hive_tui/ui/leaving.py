"""Leaving the dashboard: asks only where something would be lost, and ends what is in flight in good order."""

from typing import TYPE_CHECKING

from textual.screen import ModalScreen

from hive_tui.adapters.clock import wait_until

if TYPE_CHECKING:
    from hive_tui.ui.app import HiveApp

PATIENCE_S = 10.0
"""Work that is stopped comes to the end of its step within this time, or is left to the next start."""


class Leaving:
    """Asked again while it waits, it leaves at once."""

    def __init__(self, app: "HiveApp") -> None:
        self._app = app
        self._is_waiting = False

    def begin(self) -> None:
        """Close a dialog, if there is one; else leave, after a question where there is a reason to stay."""
        from hive_tui.ui.dialogs import Confirm

        app = self._app
        if isinstance(app.screen, ModalScreen):
            app.screen.dismiss(None)
            return
        if self._is_waiting:
            app.exit()
            return
        reasons = self.reasons_to_stay() if app.guide is None else []
        if not reasons:
            self._leave()
            return
        app.push_screen(Confirm("Leave all the same?", reasons, "Leave"), lambda yes: self._leave() if yes else None)

    def reasons_to_stay(self) -> list[str]:
        """What would be lost, as sentences."""
        app = self._app
        reasons = [
            f"In flight: {job.title}. It is stopped, and changes nothing; what cannot be stopped is finished."
            for job in app.verbs.jobs.running.values()
        ]
        if app.is_busy and not reasons:
            reasons.append("Something is in flight; it would be finished or rolled back at the next start.")
        depth = app.view.queue_depth if app.view else 0
        if depth and app.has_heartbeat and not app.hive.heartbeat_lock.successor().is_held():
            wait = "1 wakeup waits" if depth == 1 else f"{depth} wakeups wait"
            reasons.append(f"{wait}, and this is the only heartbeat. `hive-tui serve` keeps one running.")
        return reasons

    def _leave(self) -> None:
        app = self._app
        if not app.verbs.doing.is_busy:
            app.exit()
            return
        self._is_waiting = True
        app.verbs.jobs.cancel()
        app.notify("Stopping what is in flight; q again leaves at once.", timeout=PATIENCE_S)
        app.run_worker(self._wait_and_leave(), group="leave")

    async def _wait_and_leave(self) -> None:
        app = self._app
        doing = app.verbs.doing
        await app.in_thread(
            lambda: wait_until(lambda: not doing.is_busy, timeout_s=PATIENCE_S, clock=app.hive.clock, every_s=0.05)
        )
        app.exit()
