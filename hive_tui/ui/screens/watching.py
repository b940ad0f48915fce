"""What a screen needs that shows the pane of its selected agent, live."""

import asyncio

from textual import work
from textual.binding import Binding

from hive_tui.domain.agents import Lifecycle
from hive_tui.domain.errors import HiveError, TmuxError
from hive_tui.services.dashboard import AgentView
from hive_tui.ui.screens.base import HiveScreen
from hive_tui.ui.widgets.pane_preview import SCROLLBACK_LINES
from hive_tui.ui.widgets.side import PANE, Side

CAPTURE_EVERY_S = 0.3
CALM_AFTER = 10
"""So many captures without a change, and then they are taken every `CALM_EVERY_S`."""
CALM_EVERY_S = 1.0
STEADY_AFTER = 30
"""So many pictures that were each another one, and then they are taken every `STEADY_EVERY_S`: who only sees that an
agent works need not see each step of it. Another selection, or a pane that stands still, begins anew."""
STEADY_EVERY_S = 0.5
LOOKED_AT_AFTER_S = 1.0
"""A pane that the cursor only passes by was not looked at."""


class WatchingScreen(HiveScreen):
    """Captures the pane of the selected agent as long as that is to be seen, and reads its scrollback."""

    BINDINGS = [
        Binding("shift+pageup", "scroll_back", "Read the scrollback of the pane"),
        Binding("shift+pagedown,shift+end", "scroll_on", "Towards its live end", key_display="shift+pgdn"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._calm = self._drawn = 0
        self._next_look: asyncio.TimerHandle | None = None
        self._looking: asyncio.Task[None] | None = None
        self._arrived = ("", 0.0)
        """Id of the agent under the cursor, and since when it is (monotonic seconds)."""

    @property
    def selected(self) -> AgentView | None:
        """The agent whose pane is shown."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Look at the selected pane again and again, as long as it is shown."""
        self._look_again_soon()

    def look_elsewhere(self) -> None:
        """Another agent is selected."""
        self._calm = self._drawn = 0
        self.query_one(Side).preview.follow()
        self.capture()
        self._look_again_soon()

    def _capture_again(self) -> None:
        self._calm += 1
        if self._looking is None or self._looking.done():
            self.capture()
        self._look_again_soon()

    def _look_again_soon(self) -> None:
        """A pane that stands still is looked at less often, and nobody wakes up in between."""
        if self._next_look is not None:
            self._next_look.cancel()
        if self._calm >= CALM_AFTER:
            wait_s, self._drawn = CALM_EVERY_S, 0
        else:
            wait_s = CAPTURE_EVERY_S if self._drawn < STEADY_AFTER else STEADY_EVERY_S
        self._next_look = asyncio.get_running_loop().call_later(wait_s, self._capture_again)

    def on_unmount(self) -> None:
        """Look no more."""
        for one in (self._next_look, self._looking):
            if one is not None:
                one.cancel()

    def capture(self) -> "asyncio.Task[None]":
        """Draw the selected pane as it is now, whatever is being drawn; what does it, cancelled by the next call.

        By a plain task: a timer and a worker of Textual three times a second cost more than all that they do.
        """
        if self._looking is not None:
            self._looking.cancel()
        self._looking = asyncio.create_task(self._draw_pane())
        self._looking.add_done_callback(self._note_failure)
        return self._looking

    def _note_failure(self, looked: "asyncio.Task[None]") -> None:
        """A bug in it ends the app like one in any handler."""
        if not looked.cancelled() and looked.exception() is not None:
            self.call_later(looked.result)

    async def _draw_pane(self) -> None:
        """What is not to be seen is not captured."""
        if not self.is_current:
            return
        side, one = self.query_one(Side), self.selected
        if one is None or side.tab != PANE or not side.is_to_be_seen or side.preview.is_back:
            return
        pane = self.hive_app.pane_of(one.agent)
        if pane is None:
            asleep = one.agent.lifecycle in (Lifecycle.ASLEEP, Lifecycle.FAILED)
            again = "; a wake builds it again" if one.agent.session_id else ""
            side.preview.say(f"Its pane is gone{again}." if asleep else "Its pane is not to be seen.")
            return
        try:
            if side.preview.show(await self.hive_app.capture(pane.id, known=side.preview.shown)):
                self._calm = 0
                self._drawn += 1
            await self._look_at(one)
        except HiveError as error:
            side.preview.say(error.what)

    async def _look_at(self, one: AgentView) -> None:
        """The pane is drawn: whoever stays for a moment has seen it."""
        now = self.hive_app.hive.clock.monotonic()
        if self._arrived[0] != one.agent.id:
            self._arrived = (one.agent.id, now)
        if one.is_unread and self.app.app_focus and now - self._arrived[1] >= LOOKED_AT_AFTER_S:
            await self.hive_app.was_looked_at(one.agent.id)

    def action_scroll_back(self) -> None:
        """Read the scrollback; the picture stands still meanwhile."""
        preview = self.query_one(Side).preview
        if preview.is_back:
            preview.scroll_page_up(animate=False)
        else:
            self._read_scrollback()

    @work(exclusive=True, group="scrollback")
    async def _read_scrollback(self) -> None:
        side, one = self.query_one(Side), self.selected
        pane = self.hive_app.pane_of(one.agent) if one else None
        if pane is None or side.tab != PANE or not side.is_to_be_seen:
            self.app.notify("There is no pane to be seen whose scrollback could be read.", severity="warning")
            return
        try:
            picture = await self.hive_app.capture(pane.id, history_lines=SCROLLBACK_LINES)
        except TmuxError as error:
            side.preview.say(error.what)
            return
        still = self.selected
        if picture is not None and one is not None and still is not None and still.agent.id == one.agent.id:
            side.preview.show_scrollback(picture)

    def action_scroll_on(self) -> None:
        """Towards the end, where it is live again."""
        preview = self.query_one(Side).preview
        if preview.is_back:
            preview.scroll_page_down(animate=False)
