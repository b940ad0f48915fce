"""The last sentence of an agent, for messages that stay on this machine."""

import sqlite3
from contextlib import suppress

from hive_tui.domain.agents import Agent
from hive_tui.domain.errors import HiveError
from hive_tui.domain.last_words import last_sentence, on_screen
from hive_tui.domain.panes import Pane
from hive_tui.domain.ports import Panes
from hive_tui.domain.redaction import REDACTED, secrets_in
from hive_tui.kinds.catalog import Kinds
from hive_tui.kinds.screen import Screen
from hive_tui.services.hooks import HookReports

SCREEN_LINES = 30


class LastWords:
    """Reads; a failure of what it reads is no failure of the message."""

    def __init__(self, kinds: Kinds, panes: Panes, hooks: HookReports) -> None:
        self._kinds = kinds
        self._panes = panes
        self._hooks = hooks

    def of(self, agent: Agent) -> str:
        """From its transcript, else from its hooks, else from its screen; without secrets. Empty for nothing."""
        for look in (self._in_transcript, self._of_hook, self._on_screen):
            with suppress(HiveError, OSError, ValueError, sqlite3.Error):
                if said := look(agent):
                    return _without_secrets(said)
        return ""

    def _in_transcript(self, agent: Agent) -> str:
        return last_sentence(self._kinds.get(agent.kind).last_said(agent))

    def _of_hook(self, agent: Agent) -> str:
        report = self._hooks.read().of(agent)
        return last_sentence(report.said) if report is not None else ""

    def _on_screen(self, agent: Agent) -> str:
        pane = _pane(self._panes, agent)
        if pane is None:
            return ""
        screen = Screen(self._panes.capture(pane.id))
        return on_screen(screen.bottom(SCREEN_LINES), self._kinds.get(agent.kind).manifest.screen.prompt)


def _pane(panes: Panes, agent: Agent) -> Pane | None:
    """The agent's pane, of the same run of the tmux server."""
    return panes.list().get(agent.pane)


def _without_secrets(said: str) -> str:
    for secret in set(secrets_in(said)):
        said = said.replace(secret, REDACTED)
    return said
