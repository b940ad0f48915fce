"""Takes the person to an agent's pane and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hive_tui.domain.agents import Agent
from hive_tui.domain.errors import HiveError
from hive_tui.ui.verbs import no_pane

if TYPE_CHECKING:
    from hive_tui.adapters.tmux.visit import WayBack
    from hive_tui.ui.app import HiveApp


class Travel:
    """Inside the agents' tmux server the client is switched; from outside, this terminal attaches."""

    def __init__(self, app: HiveApp) -> None:
        self._app = app
        self._back: WayBack | None = None

    async def go(self, agent: Agent) -> None:
        """Go to the agent's pane."""
        pane = self._app.pane_of(agent)
        if pane is None:
            trouble = self._app.observation.trouble if self._app.observation else "The panes were not looked at yet."
            self._app.toast_error(HiveError(trouble) if trouble else no_pane(agent))
            return
        from hive_tui.adapters.tmux import visit

        tmux = self._app.hive.tmux
        try:
            if await self._app.in_thread(lambda: visit.is_inside(tmux)):
                if self._back is None:
                    self._back = await self._app.in_thread(lambda: visit.bind_way_back(tmux))
                await self._app.in_thread(lambda: visit.switch_to(tmux, pane.id))
                self._app.notify(f"{self._back.in_words} brings you back here")
            else:
                with self._app.suspend():
                    visit.attach_to(tmux, pane.id)
        except HiveError as error:
            self._app.toast_error(error)

    def forget(self) -> None:
        """Leave tmux's keys as they were. Blocks."""
        if self._back is not None:
            self._back.unbind()
