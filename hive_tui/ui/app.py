"""The dashboard: screens, keys, and the bridge from the hive's events to the screen."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ClassVar, TypeVar

from textual import on
from textual.app import App
from textual.binding import Binding, BindingType
from textual.screen import Screen

from hive_tui.domain.agents import Agent
from hive_tui.domain.errors import HiveError
from hive_tui.domain.events import ActorKind, Event, EventKind, Severity
from hive_tui.domain.panes import Pane
from hive_tui.hive import Hive
from hive_tui.services.dashboard import Dashboard, HiveView
from hive_tui.services.heartbeat_thread import HeartbeatThread
from hive_tui.services.observer import Observation
from hive_tui.ui.dialogs import Confirm, Help
from hive_tui.ui.messages import Happened, HiveChanged
from hive_tui.ui.screens.agents import AgentsScreen
from hive_tui.ui.screens.base import HiveScreen
from hive_tui.ui.screens.checkpoints import CheckpointsScreen
from hive_tui.ui.screens.queue import QueueScreen
from hive_tui.ui.verbs import Verbs

T = TypeVar("T")

TABLE_KEYS = (("↑ ↓", "Move"), ("home end", "First, last"), ("pgup pgdn", "A page up, down"))
TOLD_BY_TOAST = frozenset({EventKind.AGENT_AWAKE, EventKind.WAKEUP_RETRY, EventKind.WAKEUP_FAILED})
"""Events of the heartbeat that become a toast even where they are no failure."""


class HiveApp(App[None]):
    """One app with the heartbeat inside; where another process has the heartbeat, a viewer that takes over."""

    TITLE = "hive"
    CSS_PATH = Path("hive.tcss")
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]
    ENABLE_COMMAND_PALETTE = False
    SCREENS_IN_ORDER: ClassVar[dict[str, type[HiveScreen]]] = {
        "agents": AgentsScreen,
        "queue": QueueScreen,
        "checkpoints": CheckpointsScreen,
    }
    MODES: ClassVar[dict[str, str | Callable[[], Screen[None]]]] = {**SCREENS_IN_ORDER}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1", "switch_mode('agents')", "Agents", show=False),
        Binding("2", "switch_mode('queue')", "Queue", show=False),
        Binding("3", "switch_mode('checkpoints')", "Checkpoints", show=False),
        Binding("question_mark", "help", "Help", key_display="?"),
        Binding("q", "leave", "Quit"),
        Binding("ctrl+c", "leave", "Quit, too", show=False, priority=True),
    ]

    def __init__(self, hive: Hive, *, beats: bool = True, observation: Observation | None = None) -> None:
        """Make the app.

        Args:
            hive: The parts it stands on.
            beats: Whether the heartbeat runs; it stands still for pictures.
            observation: What was seen last; pictures bring their own.
        """
        super().__init__()
        self.hive = hive
        self.dashboard = Dashboard(hive.database, hive.clock)
        self.verbs = Verbs(self, hive)
        self.view: HiveView | None = None
        self._beats = beats
        self._observation = observation
        self._has_offered = not beats
        self._long_work = ThreadPoolExecutor(8, thread_name_prefix="verb")
        self._heartbeat = hive.heartbeat(observe_every_s=hive.settings.observer.every_s, on_observed=self._observed)
        self._beating = HeartbeatThread(self._heartbeat)

    def on_mount(self) -> None:
        """Show the agents and start to beat."""
        self.switch_mode("agents")
        self.hive.hub.subscribe(self._on_event)
        if self._beats:
            self._beating.start()

    async def on_unmount(self) -> None:
        """Let the heartbeat end what is in flight."""
        if self._beats:
            await self.in_thread(self._beating.stop)
        self._long_work.shutdown(wait=False, cancel_futures=True)

    async def in_thread(self, work: Callable[[], T]) -> T:
        """Run what blocks beside the screen."""
        return await asyncio.to_thread(work)

    async def in_background(self, work: Callable[[], T]) -> T:
        """Run long work, on threads of its own: no number of checkpoints may hold up a picture."""
        return await asyncio.get_running_loop().run_in_executor(self._long_work, work)

    async def read_hive(self) -> HiveView:
        """Header and agents as they are now."""
        self.view = await self.in_thread(lambda: self.dashboard.hive(self._observation, self._heartbeat.beat))
        self._offer_recovery()
        return self.view

    @property
    def screen_titles(self) -> list[str]:
        """The screens on the keys 1, 2, 3, ..."""
        return [screen.TITLE_TEXT for screen in self.SCREENS_IN_ORDER.values()]

    def pane_of(self, agent: Agent) -> Pane | None:
        """The agent's pane, if it was there at the last look."""
        return self._observation.pane_of(agent) if self._observation is not None else None

    async def capture(self, pane_id: str) -> str:
        """The pane's screen with its colours."""
        return await self.in_thread(lambda: self.hive.panes.capture(pane_id))

    def toast_error(self, error: HiveError) -> None:
        """What failed, and what to do."""
        self.notify(f"{error.what}\n{error.hint}".strip(), severity="error", timeout=12)

    def action_help(self) -> None:
        """The keys of the screen that is shown."""
        if isinstance(self.screen, HiveScreen):
            bindings = [*type(self.screen).BINDINGS, *HiveApp.BINDINGS]
            keys = [(self.get_key_display(one), one.description) for one in bindings if isinstance(one, Binding)]
            self.push_screen(Help(f"Keys of {self.screen.TITLE_TEXT}", [*keys, *TABLE_KEYS]))

    async def action_leave(self) -> None:
        """Leave; asks only if something is in flight or wakes would lose their only heartbeat."""
        reasons = self._reasons_to_stay()
        if not reasons:
            self.exit()
            return

        def answered(leave: bool | None) -> None:
            if leave:
                self.exit()

        self.push_screen(Confirm("Leave all the same?", reasons, "Leave"), answered)

    @property
    def is_busy(self) -> bool:
        """Whether a verb or a wake is in flight."""
        return self._heartbeat.is_busy or any(one.group == "verbs" and one.is_running for one in self.workers)

    def _reasons_to_stay(self) -> list[str]:
        reasons = []
        if self.is_busy:
            reasons.append("Something is in flight; it would be finished or rolled back at the next start.")
        depth = self.view.queue_depth if self.view else 0
        if depth and self._heartbeat.beat.is_working:
            reasons.append(
                f"{depth} wakeups wait, and this is their only heartbeat. `hive-tui serve` keeps one running."
            )
        return reasons

    def _observed(self, observation: Observation) -> None:
        """A new look at the panes, from the heartbeat's thread."""
        self._observation = observation
        self.post_message(HiveChanged())

    def _on_event(self, event: Event) -> None:
        """An event of the hive, from any thread."""
        self.post_message(Happened(event))

    @on(Happened)
    def _show_event(self, happened: Happened) -> None:
        event = happened.event
        if event.severity is Severity.FAILURE:
            self.notify(event.text, severity="error", timeout=12)
        elif event.kind in TOLD_BY_TOAST and event.actor.kind is ActorKind.HEARTBEAT:
            self.notify(event.text)
        self.post_message(HiveChanged())

    def _offer_recovery(self) -> None:
        """Once, after the first look: agents that a crash took away can be brought back."""
        if self.view is None or not self.view.has_looked or self._has_offered:
            return
        self._has_offered = True
        crashed = [one.agent for one in self.view.agents if one.agent.has_crashed and one.agent.session_id]
        if not crashed:
            return
        if self.hive.settings.recover.on_start == "wake":
            self.verbs.recover()
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self.verbs.recover()

        lines = [f"{agent.name}  {agent.reason}" for agent in crashed]
        self.push_screen(Confirm(f"{len(crashed)} agents have crashed. Bring them back?", lines, "Recover"), answered)

    @on(HiveChanged)
    def _pass_on(self) -> None:
        # There is no screen while the app closes.
        if self.screen_stack and isinstance(self.screen, HiveScreen):
            self.screen.post_message(HiveChanged())
