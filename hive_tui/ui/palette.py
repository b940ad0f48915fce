"""Every action by name, in the command palette: those of the screen that is shown, then those of the others."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from textual.binding import Binding
from textual.command import DiscoveryHit, Hit, Hits, Provider

from hive_tui.ui.actions import AGENT_ACTIONS
from hive_tui.ui.keys import bindings_of, shown_key
from hive_tui.ui.screens import TITLES, screen_class
from hive_tui.ui.screens.agents import AgentsScreen
from hive_tui.ui.screens.base import HiveScreen
from hive_tui.ui.themes import THEMES

if TYPE_CHECKING:
    from hive_tui.ui.app import HiveApp

Command = tuple[str, str | Callable[[], object], str]
"""Title; action, or what does it; and help."""


class HiveCommands(Provider):
    """What stands here is what the keys do; on another screen a command goes there, and acts on nothing unseen."""

    async def discover(self) -> Hits:
        """Everything, before anything is typed."""
        for title, action, text in self._commands():
            yield DiscoveryHit(title, self._run(action), help=text)

    async def search(self, query: str) -> Hits:
        """What matches."""
        matcher = self.matcher(query)
        for title, action, text in self._commands():
            score = max(matcher.match(title), matcher.match(text) / 2)
            if score > 0:
                yield Hit(score, matcher.highlight(title), self._run(action), help=text)

    def _run(self, action: str | Callable[[], object]) -> Callable[[], object]:
        return partial(self.app.run_action, action) if isinstance(action, str) else action

    def _commands(self) -> Iterator[Command]:
        app: HiveApp = self.app  # type: ignore[assignment]
        screen = self.screen
        if isinstance(screen, HiveScreen):
            yield from self._here(app, screen)
        for one in type(app).BINDINGS:
            if isinstance(one, Binding) and not one.priority:
                title = f"Show {one.description}" if one.key.isdigit() else one.description
                yield title, f"app.{one.action}", f"Key {shown_key(app, one)}"
        yield "Recover", "app.recover", "Build lost sessions again and wake the agents that a crash took away"
        yield "Side effects", "app.effects", "Say whether those have happened that nobody knows the end of"
        for theme in THEMES:
            yield f"Theme: {theme}", partial(_put_on, app, theme), "Other colours; written into the settings"
        for mode in TITLES:
            kind = screen_class(mode)
            if kind is not type(screen):
                yield from self._there(app, mode, kind)

    def _here(self, app: "HiveApp", screen: HiveScreen) -> Iterator[Command]:
        named: dict[str, str] = {}
        if isinstance(screen, AgentsScreen):
            for action in AGENT_ACTIONS:
                names = ", ".join(one.agent.name for one in screen.targets(action))
                named[f"agent('{action.name}')"] = f"{action.label}: {names or 'nobody is selected'}"
        for one in bindings_of(type(screen)):
            yield named.get(one.action, one.description), f"screen.{one.action}", _help(app, one)

    def _there(self, app: "HiveApp", mode: str, kind: type[HiveScreen]) -> Iterator[Command]:
        for one in bindings_of(kind):
            title = f"{kind.TITLE_TEXT}: {one.description}"
            yield title, f"app.switch_mode('{mode}')", f"Goes there; then it is key {shown_key(app, one)}"


def _put_on(app: "HiveApp", theme: str) -> None:
    from hive_tui.ui.setting_verbs import SettingVerbs

    SettingVerbs(app).put_on(theme)


def _help(app: "HiveApp", one: Binding) -> str:
    key = shown_key(app, one)
    return f"{one.description} (key {key})" if one.action.startswith("agent(") else f"Key {key}"
