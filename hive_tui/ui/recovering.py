"""Offers to bring back agents that a crash took away: one question, however many they are."""

from typing import TYPE_CHECKING

from hive_tui.services.dashboard import HiveView
from hive_tui.store.journal import LoggedEvent

if TYPE_CHECKING:
    from hive_tui.ui.app import HiveApp


class RecoveryOffer:
    """Made after the first look, and again each time the tmux server ends."""

    def __init__(self, app: "HiveApp", *, is_wanted: bool) -> None:
        self._app = app
        self._is_wanted = is_wanted
        self._is_due = is_wanted
        self._is_sure = False
        """Whether agents have crashed for certain, although the last look may not show it yet."""

    def note(self, logged: list[LoggedEvent]) -> None:
        """Agents that crashed together with their server are one question."""
        if self._is_wanted and any(one.event.payload.get("server_gone") for one in logged):
            self._is_due = self._is_sure = True

    def make(self, view: HiveView) -> None:
        """Ask, if there is something to ask; or do it at once, where the settings say so."""
        # What lies under the question stands still: not before the first beat, or it would say that there is none.
        if not self._is_due or not view.has_looked or view.beat_at is None:
            return
        crashed = [one.agent for one in view.agents if one.agent.has_crashed and one.agent.session_id]
        self._is_due = not crashed and self._is_sure
        if not crashed:
            return
        self._is_sure = False
        if self._app.hive.settings.recover.on_start == "wake":
            self._app.verbs.recover()
            return

        from hive_tui.ui.dialogs import Confirm

        def answered(yes: bool | None) -> None:
            if yes:
                self._app.verbs.recover()

        lines = [f"{agent.name}  {agent.reason}" for agent in crashed]
        count = "1 agent has" if len(crashed) == 1 else f"{len(crashed)} agents have"
        question = f"{count} crashed. Bring {'it' if len(crashed) == 1 else 'them'} back?"
        self._app.push_screen(Confirm(question, lines, "Recover"), answered)
