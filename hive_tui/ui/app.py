"""The dashboard: screens, keys, and the bridge from the hive's events to the screen."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from textual import on
from textual.app import App
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.timer import Timer

from hive_tui.domain.agents import Agent, Lifecycle
from hive_tui.domain.beat import Beat
from hive_tui.domain.errors import HiveError
from hive_tui.domain.events import ActorKind, Event, EventKind, Severity
from hive_tui.domain.guide import Guide
from hive_tui.domain.panes import Pane
from hive_tui.hive import Hive
from hive_tui.services.dashboard import AgentView, Dashboard, HiveView
from hive_tui.services.heartbeat_thread import HeartbeatThread
from hive_tui.ui.actions import Action
from hive_tui.ui.dialogs import Confirm, Form, Help
from hive_tui.ui.format import printable, short_path
from hive_tui.ui.generation_changes import GenerationChanges
from hive_tui.ui.messages import Happened, HiveChanged
from hive_tui.ui.palette import HiveCommands
from hive_tui.ui.screens.agents import AgentsScreen
from hive_tui.ui.screens.base import HiveScreen
from hive_tui.ui.screens.checkpoints import CheckpointsScreen
from hive_tui.ui.screens.events import EventsScreen
from hive_tui.ui.screens.planned import MetricsScreen, ScheduleScreen, ServicesScreen
from hive_tui.ui.screens.queue import QueueScreen
from hive_tui.ui.themes import CONTRAST, THEMES, theme_named
from hive_tui.ui.travel import Travel
from hive_tui.ui.verbs import Verbs
from hive_tui.ui.widgets.side import EXPLAIN

if TYPE_CHECKING:
    from hive_tui.services.heartbeat import Heartbeat
    from hive_tui.services.observer import Observation

T = TypeVar("T")
JOBS_EVERY_S = 0.5
EXCLUSIVE = frozenset({"nap", "wake", "checkpoint", "restore", "validate"})
"""Actions that wait for each other on one agent."""

TABLE_KEYS = (("↑ ↓", "Move"), ("g G", "First, last"), ("pgup pgdn", "A page up, down"))
TOLD_BY_TOAST = frozenset({EventKind.AGENT_AWAKE, EventKind.WAKEUP_RETRY, EventKind.WAKEUP_FAILED})
"""Events of the heartbeat that become a toast even where they are no failure."""


SERVER_ENDED = "the tmux server ended"


class HiveApp(App[None]):
    """One app with the heartbeat inside; where another process has the heartbeat, a viewer that takes over."""

    TITLE = "hive"
    CSS_PATH = Path("hive.tcss")
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]
    COMMANDS = {HiveCommands}
    COMMAND_PALETTE_BINDING = "ctrl+p"
    SCREENS_IN_ORDER: ClassVar[dict[str, type[HiveScreen]]] = {
        "agents": AgentsScreen,
        "queue": QueueScreen,
        "checkpoints": CheckpointsScreen,
        "schedule": ScheduleScreen,
        "services": ServicesScreen,
        "metrics": MetricsScreen,
        "events": EventsScreen,
    }
    DEFAULT_MODE = "agents"
    MODES: ClassVar[dict[str, str | Callable[[], Screen[None]]]] = {**SCREENS_IN_ORDER}
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(str(at), f"show_screen({at})", name.title()) for at, name in enumerate(SCREENS_IN_ORDER, 1)),
        Binding("n", "launch", "Launch an agent"),
        Binding("u", "undo", "Undo"),
        Binding("P", "pause", "Pause all automatic actions, or go on"),
        Binding("t", "test_notification", "Test the desktop notification"),
        Binding("question_mark", "help", "Help", key_display="?"),
        Binding("q", "leave", "Quit"),
        Binding("ctrl+c", "leave", "Quit, too", show=False, priority=True),
    ]

    def __init__(
        self, hive: Hive, *, beats: bool = True, observation: Observation | None = None, guide: Guide | None = None
    ) -> None:
        """Make the app.

        Args:
            hive: The parts it stands on.
            beats: Whether the heartbeat runs; it stands still for pictures.
            observation: What was seen last; pictures bring their own.
            guide: Says what happens, in a line above the keys; its hive is thrown away afterwards.
        """
        super().__init__()
        self.hive = hive
        self.guide = guide
        self.dashboard = Dashboard(hive.database, hive.clock)
        self.verbs = Verbs(self, hive)
        self.verbs.jobs.changed = self._jobs_changed
        self.travel = Travel(self)
        self.changes = GenerationChanges(self)
        self.view: HiveView | None = None
        self._beats = beats
        self._job_timer: Timer | None = None
        self._observation = observation
        self._has_offered = not beats
        self._long_work = ThreadPoolExecutor(8, thread_name_prefix="verb")
        self._heartbeat = HeartbeatThread(self._new_heartbeat)

    def on_mount(self) -> None:
        """Show the agents and start to beat."""
        self._dress()
        self.hive.hub.subscribe(self._on_event)

    def begin(self) -> None:
        """The first screen is drawn: look at the panes, and work off the queue."""
        if self._beats:
            self._heartbeat.start()

    def _new_heartbeat(self, beat: Beat) -> Heartbeat:
        every_s = self.hive.settings.observer.every_s
        return self.hive.heartbeat(observe_every_s=every_s, on_observed=self._observed, beat=beat)

    def _dress(self) -> None:
        """Put on the theme of the settings."""
        self.register_theme(CONTRAST)
        wanted = theme_named(self.hive.settings.ui.theme)
        if wanted in self.available_themes:
            self.theme = wanted
        else:
            known = ", ".join([*THEMES, *sorted(self.available_themes)])
            self.notify(f"There is no theme {wanted!r}; known are {known}.", severity="warning", timeout=15)

    async def on_unmount(self) -> None:
        """Let the heartbeat end what is in flight."""
        await self.in_thread(self.travel.forget)
        await self.in_thread(self._heartbeat.stop)
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

    @property
    def observation(self) -> Observation | None:
        """What was seen at the last look."""
        return self._observation

    async def capture(self, pane_id: str, *, history_lines: int = 0) -> str:
        """The pane's screen with its colours, and so many lines of its scrollback."""
        return await self.in_thread(lambda: self.hive.panes.capture(pane_id, history_lines=history_lines))

    def do_with_agent(self, action: Action, one: AgentView) -> None:
        """What a key, the palette or the mouse asks for."""
        agent, verbs = one.agent, self.verbs
        deeds: dict[str, Callable[[], object]] = {
            "nap": lambda: verbs.nap(agent),
            "wake": lambda: verbs.wake(agent),
            "visit": lambda: self.run_worker(self.travel.go(agent)),
            "message": lambda: self._ask_message(agent),
            "checkpoint": lambda: verbs.checkpoint(agent),
            "restore": lambda: verbs.restore(agent),
            "validate": lambda: verbs.validate(agent),
            "explain": self._explain,
            "cancel": lambda: verbs.cancel_of(agent),
            "retry": lambda: verbs.retry_of(agent),
            "pin": lambda: verbs.pin(agent),
            "hold": lambda: verbs.hold(agent),
        }
        under_way = verbs.jobs.of(agent.id)
        if under_way is not None and action.name in EXCLUSIVE:
            self.notify(f"{under_way.title} is under way; x stops it.", severity="warning")
            return
        deeds[action.name]()

    def action_show_screen(self, number: int) -> None:
        """Show the screen on that key."""
        self.switch_mode(list(self.SCREENS_IN_ORDER)[number - 1])

    def action_undo(self) -> None:
        """Take back the latest thing that was done here."""
        self.verbs.undo()

    def action_pause(self) -> None:
        """Stop all automatic actions, or let them go on."""
        self.verbs.pause()

    async def action_test_notification(self) -> None:
        """Show a notification on the desktop, and say how it got there."""
        said = await self.in_thread(self.hive.alerts.test)
        self.notify(said, timeout=10)

    def action_recover(self) -> None:
        """Bring back what a crash took away."""
        self.verbs.recover()

    def action_launch(self) -> None:
        """Ask for name, folder and command, and start an agent."""

        def answered(said: dict[str, str] | None) -> None:
            if said is not None:
                command = shlex.split(said["command"])
                self.verbs.launch(said["name"], Path(said["folder"]).expanduser(), command)

        here = self.screen.selected if isinstance(self.screen, AgentsScreen) else None
        folder = short_path(here.agent.cwd if here else str(Path.cwd()))
        fields = (("name", "Name", ""), ("folder", "Folder", folder), ("command", "Command", "claude"))
        self.push_screen(Form("Start an agent in a new pane", fields, "Launch", check=_launch_error), answered)

    def _ask_message(self, agent: Agent) -> None:
        def answered(said: dict[str, str] | None) -> None:
            if said is not None:
                self.verbs.wake(agent, message=said["message"])

        asleep = "" if agent.lifecycle is Lifecycle.AWAKE else "It is woken first."
        form = Form(
            f"Say something to {agent.name}", (("message", asleep or "Message", ""),), "Send", check=_message_error
        )
        self.push_screen(form, answered)

    def _explain(self) -> None:
        if isinstance(self.screen, AgentsScreen):
            if self.screen.has_class("-narrow"):
                self.screen.add_class("-side")
            self.screen.action_tab(EXPLAIN)

    def _jobs_changed(self) -> None:
        """A job began or ended: show that, and how far the others are as long as there are any."""
        if isinstance(self.screen, HiveScreen):
            self.screen.draw_jobs()
        if self._job_timer is None and self.verbs.jobs.is_any:
            self._job_timer = self.set_interval(JOBS_EVERY_S, self._jobs_changed)
        elif self._job_timer is not None and not self.verbs.jobs.is_any:
            self._job_timer.stop()
            self._job_timer = None

    def notify(self, message: str, **options: Any) -> None:
        """A toast; plain text, since names and errors may hold what looks like markup."""
        super().notify(printable(message), **{"markup": False, **options})

    def toast_error(self, error: HiveError) -> None:
        """What failed, and what to do."""
        self.notify(f"{error.what}\n{error.hint}".strip(), severity="error", timeout=12)

    def action_help(self) -> None:
        """The keys of the screen that is shown."""
        if isinstance(self.screen, HiveScreen):
            bindings = [*type(self.screen).BINDINGS, *HiveApp.BINDINGS]
            keys = [(shown_key(self, one), one.description) for one in bindings if isinstance(one, Binding)]
            self.push_screen(Help(f"Keys of {self.screen.TITLE_TEXT}", [*keys, *TABLE_KEYS]))

    async def action_leave(self) -> None:
        """Leave; asks only if something is in flight or wakes would lose their only heartbeat, and they matter."""
        reasons = self._reasons_to_stay() if self.guide is None else []
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
        return self._heartbeat.is_busy or self.verbs.jobs.is_any

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
        if event.kind is EventKind.AGENT_CRASHED and event.text.endswith(SERVER_ENDED):
            self._has_offered = not self._beats  # one question for all of them, in place of a toast each
        elif event.severity is Severity.FAILURE:
            self.notify(event.text, severity="error", timeout=12)
            self._ring()
        elif event.kind is EventKind.AGENT_NEEDS_YOU:
            self.notify(event.text, severity="warning")
            self._ring()
        elif event.kind in TOLD_BY_TOAST and event.actor.kind is ActorKind.HEARTBEAT:
            self.notify(event.text)
        self.post_message(HiveChanged())

    def _ring(self) -> None:
        if self.hive.settings.notify.bell:
            self.bell()

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


def shown_key(app: App[None], binding: Binding) -> str:
    """All keys of a binding, as people write them."""
    if binding.key_display:
        return binding.key_display
    return " ".join(app.get_key_display(one) for one in binding.make_bindings([binding]))


def _launch_error(said: dict[str, str]) -> str:
    try:
        words = shlex.split(said["command"])
    except ValueError:
        return "A quote in the command is not closed."
    if not words:
        return "Name the command that starts the agent."
    try:
        Path(said["folder"]).expanduser()
    except RuntimeError:
        return f"There is no home folder for {said['folder']}."
    return "" if said["name"] else "Give it a name."


def _message_error(said: dict[str, str]) -> str:
    try:
        from hive_tui.services.messages import checked

        checked(said["message"])
    except HiveError as error:
        return error.what
    return ""
