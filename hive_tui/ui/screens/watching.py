"""What a screen needs that shows the pane of its selected agent, live."""

import asyncio
from contextvars import copy_context
from functools import partial

from textual import work
from textual.binding import Binding

from hive_tui.domain.agents import Lifecycle
from hive_tui.domain.errors import HiveError, TmuxError
from hive_tui.domain.panes import Pane
from hive_tui.services.dashboard import AgentView
from hive_tui.ui.screens.base import HiveScreen
from hive_tui.ui.widgets.pane_preview import SCROLLBACK_LINES
from hive_tui.ui.widgets.side import PANE, Side

CAPTURE_EVERY_S = 0.3
CALM_AFTER = 10
"""So many captures without a change, and then they are taken every `CALM_EVERY_S`."""
CALM_EVERY_S = 1.0
EASED_AFTER_S, EASED_EVERY_S = 10.0, 0.5
"""Of a pane that has not stood still for so long: who only sees that an agent works need not see each step of it.
A key, another selection, or a pane that stands still begins anew."""
LOOKS_AFTER_S = 30.0
"""Then what the looks at all agents have captured is shown, one a second."""
LOOKS_MISSING_S = 1.5
"""So long after a look that showed something new the pane is captured all the same."""
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
        self._calm = 0
        self._moves_since: float | None = None
        """Since when the pane has never stood still while nobody pressed a key; in seconds of the loop."""
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
        self.watch(self.app, "app_focus", self._watch_closely, init=False)
        self._look_again_soon()

    def look_elsewhere(self) -> None:
        """Another agent is selected."""
        self.query_one(Side).preview.follow()
        self.capture()
        self._watch_closely()

    def on_key(self) -> None:
        """Somebody is there, and sees all that moves; a key that is held does not put the next picture off."""
        soon = asyncio.get_running_loop().time() + CAPTURE_EVERY_S
        if self._next_look is None or self._next_look.when() > soon:
            self._watch_closely()
        else:
            self._calm, self._moves_since = 0, None

    def _watch_closely(self) -> None:
        self._calm, self._moves_since = 0, None
        self._look_again_soon()

    def tick(self) -> None:
        """A new picture of the pane is drawn: what counts seconds costs no drawing of its own now."""

    def _capture_again(self) -> None:
        self._calm += 1
        if self._looking is None or self._looking.done():
            self.capture()
        self._look_again_soon()

    def _look_again_soon(self) -> None:
        """A pane that stands still is looked at less often, and nobody wakes up in between."""
        if self._next_look is not None:
            self._next_look.cancel()
        loop, wait_s, on_look = asyncio.get_running_loop(), CAPTURE_EVERY_S, None
        span_s = loop.time() - self._moves_since if self._moves_since is not None else 0.0
        if self._calm >= CALM_AFTER:
            wait_s, self._moves_since = CALM_EVERY_S, None
        elif self._moves_since is None:
            self._moves_since = loop.time()
        elif span_s >= LOOKS_AFTER_S:
            wait_s = LOOKS_MISSING_S
            show, context = self._show_what_was_seen, copy_context()
            on_look = partial(loop.call_soon_threadsafe, show, context=context)
        elif span_s >= EASED_AFTER_S:
            wait_s = EASED_EVERY_S
        self.hive_app.on_look = on_look
        self._next_look = loop.call_later(wait_s, self._capture_again)

    def _show_what_was_seen(self) -> None:
        """Draw the selected pane as the last look has captured it, which costs no capture of its own.

        A bug in it ends the app like one in any handler.
        """
        try:
            self._draw_what_was_seen()
        except Exception as error:
            self.call_later(partial(_fail, error))

    def _draw_what_was_seen(self) -> None:
        watched = self._watched()
        if watched is None or watched[1] is None:
            return
        preview = self.query_one(Side).preview
        if watched[0].is_unread:
            self.capture()  # which notes that it was looked at
        elif preview.show(self.hive_app.pictures.seen(watched[1].ref, preview.shown)):
            self._calm = 0
            self.tick()
            self._look_again_soon()

    def on_unmount(self) -> None:
        """Look no more."""
        self.hive_app.on_look = None
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
        watched = self._watched()
        if watched is None:
            return
        (one, pane), preview = watched, self.query_one(Side).preview
        if pane is None:
            asleep = one.agent.lifecycle in (Lifecycle.ASLEEP, Lifecycle.FAILED)
            again = "; a wake builds it again" if one.agent.session_id else ""
            preview.say(f"Its pane is gone{again}." if asleep else "Its pane is not to be seen.")
            return
        capture = partial(self.hive_app.pictures.capture, pane.id, known=preview.shown)
        try:
            if preview.show(await self.hive_app.in_thread(capture)):
                self._calm = 0
                self.tick()
            await self._look_at(one)
        except HiveError as error:
            preview.say(error.what)

    def _watched(self) -> tuple[AgentView, Pane | None] | None:
        """The selected agent and its pane; None where it is not to be seen live."""
        if not self.is_current:
            return None
        side, one = self.query_one(Side), self.selected
        if one is None or side.tab != PANE or not side.is_to_be_seen or side.preview.is_back:
            return None
        return one, self.hive_app.pane_of(one.agent)

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
            capture = partial(self.hive_app.pictures.capture, pane.id, SCROLLBACK_LINES)
            picture = await self.hive_app.in_thread(capture)
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


def _fail(error: Exception) -> None:
    raise error
