"""The dashboard: screens, keys, and the bridge from the hive's events to the screen."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from textual import on, work
from textual.app import App
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen, Screen
from textual.timer import Timer

from hive_tui.domain.agents import Agent
from hive_tui.domain.beat import Beat
from hive_tui.domain.events import Event
from hive_tui.domain.panes import Pane
from hive_tui.hive import Hive
from hive_tui.services.dashboard import REDRAW_AT_LEAST_EVERY_S, AgentView, Dashboard, HiveView
from hive_tui.services.heartbeat_thread import HeartbeatThread
from hive_tui.store import unread
from hive_tui.store.journal import LoggedEvent
from hive_tui.ui.actions import Action
from hive_tui.ui.answering import Answering, Silent
from hive_tui.ui.format import printable
from hive_tui.ui.messages import HiveChanged
from hive_tui.ui.mishaps import Enduring, tell
from hive_tui.ui.news import News
from hive_tui.ui.pane_picture import Pictures
from hive_tui.ui.recovering import RecoveryOffer
from hive_tui.ui.screens import BESIDE, TITLES, screen_class
from hive_tui.ui.screens.agents import AgentsScreen
from hive_tui.ui.screens.base import HiveScreen
from hive_tui.ui.themes import CONTRAST, THEMES, theme_named
from hive_tui.ui.verbs import Verbs
from hive_tui.ui.widgets.side import EXPLAIN

if TYPE_CHECKING:
    from hive_tui.domain.guide import Guide
    from hive_tui.services.heartbeat import Heartbeat
    from hive_tui.services.observer import Observation
    from hive_tui.ui.generation_changes import GenerationChanges
    from hive_tui.ui.leaving import Leaving
    from hive_tui.ui.palette import HiveCommands
    from hive_tui.ui.travel import Travel

T = TypeVar("T")
JOBS_EVERY_S = 0.5
FIRST = "agents"
"""The screen that the dashboard opens with."""


# What the first screen does not need is imported when it is needed: half of the start is imports.
def _commands() -> type[HiveCommands]:
    from hive_tui.ui.palette import HiveCommands

    return HiveCommands


def _new_screen(name: str) -> Screen[None]:
    return screen_class(name)()


class HiveApp(Enduring, App[None]):
    """One app with the heartbeat inside; where another process has the heartbeat, a viewer that takes over."""

    TITLE = "hive"
    CSS_PATH = Path("hive.tcss")
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]
    COMMANDS = {_commands}
    COMMAND_PALETTE_BINDING = "ctrl+p"
    DEFAULT_MODE = FIRST
    # The first screen is not among them: Textual would read the style sheet three times before it is drawn.
    MODES: ClassVar[dict[str, str | Callable[[], Screen[None]]]] = {
        name: partial(_new_screen, name) for name in (*TITLES, *BESIDE) if name != FIRST
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(str(at), f"show_screen({at})", title) for at, title in enumerate(TITLES.values(), 1)),
        Binding("n", "launch", "Launch an agent in a new pane"),
        Binding("ctrl+f", "search", "Search in all conversations"),
        Binding("comma", "settings", "Settings", key_display=","),
        Binding("u", "undo", "Undo what the last key did here"),
        Binding("P", "pause", "Pause all automatic actions, or go on"),
        Binding("t", "test_notification", "Test the notifications"),
        Binding("question_mark", "help", "Help", key_display="?"),
        Binding("q", "leave", "Quit"),
        Binding("ctrl+c", "leave", "Close a dialog, or quit", show=False, priority=True),
    ]

    verbs: Verbs

    def __init__(
        self,
        hive: Hive,
        *,
        beats: bool = True,
        observation: Observation | None = None,
        guide: Guide | None = None,
        answering: Answering | None = None,
    ) -> None:
        """Make the app.

        Args:
            hive: The parts it stands on.
            beats: Whether the heartbeat runs; it stands still for pictures.
            observation: What was seen last; pictures bring their own.
            guide: Says what happens, in a line above the keys; its hive is thrown away afterwards.
            answering: Answers programs meanwhile.
        """
        super().__init__()
        self.hive = hive
        self.guide = guide
        self.dashboard = Dashboard(hive.database, hive.clock)
        self.verbs = Verbs(self, hive)
        self.verbs.jobs.changed = self._jobs_changed
        self.view: HiveView | None = None
        self.agents_every_s = 0.0
        """How often the agents' screen is drawn anew at least, although nothing has happened; 0 for with each look."""
        self.on_look: Callable[[], object] | None = None
        """Called after each look, in the thread that looked."""
        self._before = self.DEFAULT_MODE
        self._news = News(self, hive)
        self.pictures = Pictures(hive)
        self._offer = RecoveryOffer(self, is_wanted=beats)
        self._held_back: list[tuple[str, dict[str, Any]]] = []
        self._beats = beats
        self._job_timer: Timer | None = None
        self._observation = observation
        self._heartbeat = HeartbeatThread(self._new_heartbeat, partial(self.call_from_thread, self.toast_error))
        self._answering = answering or Silent()

    def get_default_screen(self) -> Screen[None]:
        """The agents."""
        return AgentsScreen()

    def on_mount(self) -> None:
        """Show the agents and start to beat."""
        self.add_mode(self.DEFAULT_MODE, AgentsScreen)
        self.dress()
        self.hive.hub.subscribe(self._on_event)

    def begin(self) -> None:
        """The first screen is drawn: look at the panes, and work off the queue."""
        if not gc.isenabled():
            gc.freeze()  # what the start has made is never looked through again
            gc.enable()
        if self._beats:
            self._heartbeat.start()
            self._answering.start(partial(self.call_from_thread, self.toast_error))

    def _new_heartbeat(self, beat: Beat) -> Heartbeat:
        from hive_tui.assembly.beating import new_heartbeat

        every_s = self.hive.settings.observer.every_s
        return new_heartbeat(self.hive, observe_every_s=every_s, on_observed=self._observed, beat=beat)

    def dress(self) -> None:
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
        if "travel" in self.__dict__:
            await self.in_thread(self.travel.forget)
        await asyncio.gather(self.in_thread(self._answering.stop), self.in_thread(self._heartbeat.stop))
        self.verbs.doing.close()

    @cached_property
    def _leaving(self) -> Leaving:
        from hive_tui.ui.leaving import Leaving

        return Leaving(self)

    @cached_property
    def travel(self) -> Travel:
        """The way to a pane and back."""
        from hive_tui.ui.travel import Travel

        return Travel(self)

    @cached_property
    def changes(self) -> GenerationChanges:
        """What a restore of the generation before would change."""
        from hive_tui.ui.generation_changes import GenerationChanges

        return GenerationChanges(self)

    async def in_thread(self, work: Callable[[], T]) -> T:
        """Run what blocks beside the screen."""
        return await asyncio.to_thread(work)

    async def in_background(self, work: Callable[[], T]) -> T:
        """Run long work, on threads of its own: no number of checkpoints may hold up a picture."""
        return await self.verbs.doing.in_background(work)

    async def read_hive(self) -> HiveView:
        """Header and agents as they are now; tells what has happened since the last time."""
        view, logged = await self.in_thread(self._read)
        self.view = view
        self._news.tell(logged)
        self._offer.note(logged)
        self._offer.make(view)
        return view

    def _read(self) -> tuple[HiveView, list[LoggedEvent]]:
        logged = self._news.read()
        return self.dashboard.hive(self._observation, self._heartbeat.beat, self._answering.address), logged

    @property
    def screen_titles(self) -> list[str]:
        """The screens on the keys 1, 2, 3, ..."""
        return list(TITLES.values())

    @property
    def is_busy(self) -> bool:
        """Whether a verb, a wake or an action of a program runs."""
        return self._heartbeat.is_busy or self.verbs.doing.is_busy or self._answering.is_acting

    @property
    def is_stuck(self) -> bool:
        """Whether all was stopped and something of it has not ended."""
        return self._heartbeat.is_stuck or self._answering.is_busy

    @property
    def has_heartbeat(self) -> bool:
        """Whether this process works off the queue."""
        return self._heartbeat.beat.is_working

    @property
    def observation(self) -> Observation | None:
        """What was seen at the last look."""
        return self._observation

    def pane_of(self, agent: Agent) -> Pane | None:
        """The agent's pane, if it was there at the last look."""
        return self._observation.pane_of(agent) if self._observation is not None else None

    async def was_looked_at(self, agent_id: str) -> None:
        """Its person has seen the end of its last turn."""
        now = self.hive.database
        await self.in_thread(lambda: now.write(unread.clear, [agent_id]))
        self.post_message(HiveChanged())

    def do_with_agent(self, action: Action, one: AgentView) -> None:
        """What a key, the palette or the mouse asks for."""
        under_way = self.verbs.jobs.of(one.agent.id)
        if under_way is not None and action.is_exclusive:
            self.notify(f"{under_way.title} is under way; x stops it.", severity="warning")
            return
        action.do(self, one.agent)

    def explain(self) -> None:
        """Show why the selected agent is in its state."""
        if isinstance(self.screen, AgentsScreen):
            if self.screen.has_class("-narrow"):
                self.screen.add_class("-side")
            self.screen.action_tab(EXPLAIN)

    def action_show_screen(self, number: int) -> None:
        """Show the screen on that key."""
        self.switch_mode(list(TITLES)[number - 1])

    def action_search(self) -> None:
        """Search in what agents said, did and were told; what was found last is still there."""
        self._show_beside("search")

    def action_settings(self) -> None:
        """Show every setting."""
        self._show_beside("settings")

    def _show_beside(self, name: str) -> None:
        if self.current_mode not in BESIDE:
            self._before = self.current_mode
        self.switch_mode(name)

    def leave_beside(self) -> None:
        """Back to where search or settings were asked for."""
        self.switch_mode(self._before)

    def action_undo(self) -> None:
        """Take back what the latest key press did here."""
        self.verbs.doing.undo()

    def action_pause(self) -> None:
        """Stop all automatic actions, or let them go on."""
        self.verbs.doing.press()
        self.verbs.pause()

    @work(group="notification", exclusive=True)
    async def action_test_notification(self) -> None:
        """Send a test to the desktop, the terminal and wherever else alerts go, and say how each took it."""
        from hive_tui.ui.ringing import ring

        rung = ring(self, "hive: test. Failures and questions of your agents look like this.")
        tested = await self.in_thread(self.hive.alerting.alerts.test)
        is_told = tested.is_delivered or bool(rung)
        self.notify(" ".join((tested.said, *rung)), severity="information" if is_told else "warning", timeout=10)

    def action_recover(self) -> None:
        """Bring back what a crash took away."""
        self.verbs.doing.press()
        self.verbs.recover()

    def action_effects(self) -> None:
        """Ask about side effects that nobody knows the end of."""
        from hive_tui.ui.effect_verbs import ask_effects

        ask_effects(self)

    def action_launch(self) -> None:
        """Ask for name, folder and command, and start an agent."""
        from hive_tui.ui.asking import ask_launch

        self.verbs.doing.press()
        here = self.screen.selected if isinstance(self.screen, AgentsScreen) else None
        ask_launch(self, here.agent.cwd if here else str(Path.cwd()))

    def action_help(self) -> None:
        """The keys of the screen that is shown."""
        from hive_tui.ui.dialogs import Help
        from hive_tui.ui.keys import keys_of

        if isinstance(self.screen, HiveScreen):
            self.push_screen(Help(f"Keys of {self.screen.TITLE_TEXT}", keys_of(self, type(self.screen))))

    def action_leave(self) -> None:
        """Close a dialog; else leave, after a question if something would be lost."""
        self._leaving.begin()

    def _jobs_changed(self) -> None:
        """A job began or ended, or can be undone: show that, and how far the others are while there are any."""
        if self.screen_stack and isinstance(self.screen, HiveScreen) and self.screen.is_mounted:
            self.screen.draw_jobs()
            self.screen.draw_keys()
        if self._job_timer is None and self.verbs.jobs.is_any:
            self._job_timer = self.set_interval(JOBS_EVERY_S, self._jobs_changed)
        elif self._job_timer is not None and not self.verbs.jobs.is_any:
            self._job_timer.stop()
            self._job_timer = None

    def notify(self, message: str, **options: Any) -> None:
        """A toast; plain text, since names and errors may hold what looks like markup.

        A dialog is not covered: what is said meanwhile is shown once it is closed. Why a key does nothing stands
        there once, however often it is pressed.
        """
        if self.screen_stack and isinstance(self.screen, ModalScreen):
            self._held_back.append((message, options))
            return
        said = printable(message)
        if options.get("severity") == "warning":
            for shown in [one for one in self._notifications if one.message == said]:
                self._unnotify(shown, refresh=False)
        super().notify(said, **{"markup": False, **options})

    def dialog_was_closed(self) -> None:
        """Say what was held back."""
        held_back, self._held_back = self._held_back, []
        for message, options in held_back:
            self.notify(message, **options)

    def toast_error(self, error: Exception) -> None:
        """What failed, and what to do."""
        tell(self, error)

    def _observed(self, observation: Observation) -> None:
        """A new look at the panes, from the heartbeat's thread."""
        before, self._observation = self._observation, observation
        every_s = self.agents_every_s if self.current_mode == FIRST else REDRAW_AT_LEAST_EVERY_S
        if self.dashboard.is_news(before, observation, every_s):
            self.post_message(HiveChanged())
        if (on_look := self.on_look) is not None:  # read once: the screen's thread may take it away
            on_look()

    def _on_event(self, _: Event) -> None:
        """An event of the hive, from any thread: the log has it, and says in which order it came."""
        self.post_message(HiveChanged())

    @on(HiveChanged)
    def _pass_on(self) -> None:
        # There is no screen while the app closes.
        if self.screen_stack and isinstance(self.screen, HiveScreen):
            self.screen.post_message(HiveChanged())
