"""Every action by name, in the command palette."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from textual.command import DiscoveryHit, Hit, Hits, Provider

from hive_tui.ui.actions import AGENT_ACTIONS
from hive_tui.ui.screens.agents import AgentsScreen

if TYPE_CHECKING:
    from hive_tui.ui.app import HiveApp

APP_ACTIONS = (
    ("launch", "Launch an agent", "Start an agent in a new pane"),
    ("undo", "Undo", "Take back the latest thing that was done here"),
    ("pause", "Pause", "Stop all automatic actions, or let them go on"),
    ("test_notification", "Test notification", "Show a notification on the desktop, and say how it got there"),
    ("recover", "Recover", "Build lost sessions again and wake the agents that a crash took away"),
    ("leave", "Quit", "Leave the dashboard"),
)


class HiveCommands(Provider):
    """The actions for the selected agent, the screens, and those of the whole hive."""

    async def discover(self) -> Hits:
        """Everything, before anything is typed."""
        for title, action, text in self._commands():
            yield DiscoveryHit(title, partial(self.app.run_action, action), help=text)

    async def search(self, query: str) -> Hits:
        """What matches."""
        matcher = self.matcher(query)
        for title, action, text in self._commands():
            score = matcher.match(f"{title} {text}")
            if score > 0:
                yield Hit(score, matcher.highlight(title), partial(self.app.run_action, action), help=text)

    def _commands(self) -> Iterator[tuple[str, str, str]]:
        app: HiveApp = self.app  # type: ignore[assignment]
        screen = self.screen
        if isinstance(screen, AgentsScreen) and screen.selected is not None:
            for action in AGENT_ACTIONS:
                name = ", ".join(one.agent.name for one in screen.targets(action))
                yield f"{action.label}: {name}", f"screen.agent('{action.name}')", action.help
        for mode, kind in app.SCREENS_IN_ORDER.items():
            yield f"Show {kind.TITLE_TEXT}", f"app.switch_mode('{mode}')", "Another screen"
        for name, title, text in APP_ACTIONS:
            yield title, f"app.{name}", text
