"""Brings failures to the desktop: of this process, and of every other that writes into the same log."""

import sqlite3
from dataclasses import replace
from datetime import datetime, timedelta

from hive_tui.domain.errors import HiveError
from hive_tui.domain.events import Event, EventKind, Severity
from hive_tui.domain.ports import Clock, Notifier
from hive_tui.store import agents as agent_store
from hive_tui.store import journal, settings
from hive_tui.store.database import Database
from hive_tui.store.journal import LoggedEvent

TOLD = "alerts.told_seq"
TOO_OLD = timedelta(minutes=10)
"""Failures that happened so long before any heartbeat ran are left to the screen."""
QUIET = timedelta(minutes=10)
"""The same failure is not shown again within this time."""
QUIET_CALL = timedelta(minutes=1)
"""An agent that asks again after so long is told of again."""


MANY = 3
"""So many crashes at once are told together."""


class Unheard:
    """The notifier of a person who wants none."""

    def notify(self, title: str, body: str) -> str:
        """Says nothing."""
        return "switched off in the settings"

    def probe(self) -> str:
        """How messages would be delivered."""
        return "switched off in the settings"


class Alerts:
    """Run by the heartbeat alone, so that each failure is told once however many dashboards are open."""

    def __init__(self, database: Database, notifier: Notifier, clock: Clock, *, calls: bool = True) -> None:
        """Make it; `calls` says whether agents that wait for a person are told of, too."""
        self._calls = calls
        self._database = database
        self._notifier = notifier
        self._clock = clock
        self._told: dict[str, datetime] = {}
        self.delivery = "no failure yet"
        """How the last notification was delivered, or why it was not."""

    def tell(self) -> int:
        """Show the failures that were logged since the last time; how many."""
        last = int(self._database.read(settings.get, TOLD, 0))
        logged, reached = self._database.read(journal.events_after, last)
        if reached == last:
            return 0
        loud = [one for one in logged if self._is_loud(one.event)]
        shown = sum(self._show(one.at, one.event) for one in _together(loud))
        self._database.write(settings.put, TOLD, reached, now=self._clock.now())
        return shown

    def _is_loud(self, event: Event) -> bool:
        """A failure, or an agent that began to wait for a person who does not look at its pane."""
        if event.kind is EventKind.AGENT_NEEDS_YOU:
            return self._calls and not event.payload.get("watched")
        return event.severity is Severity.FAILURE

    def test(self) -> str:
        """Show a notification that says it is a test; how it was delivered, or why it was not, as a sentence."""
        try:
            self.delivery = self._notifier.notify("hive: test", "Failures and questions of your agents look like this.")
        except HiveError as error:
            return f"No notification was shown: {error.what} {error.hint}".strip()
        return f"A notification was sent: {self.delivery}."

    def _show(self, at: datetime, event: Event) -> bool:
        now = self._clock.now()
        text = event.text
        quiet = QUIET_CALL if event.kind is EventKind.AGENT_NEEDS_YOU else QUIET
        self._told = {key: at for key, at in self._told.items() if now - at < QUIET}
        told_at = self._told.get(text)
        if now - at > TOO_OLD or (told_at is not None and now - told_at < quiet):
            return False
        self._told[text] = now
        name = self._database.read(_name, event.agent_id)
        try:
            self.delivery = self._notifier.notify(f"hive: {name}" if name else "hive", text)
        except HiveError as error:
            self.delivery = f"not delivered: {error.what}"
            return False
        return True


def _together(loud: list[LoggedEvent]) -> list[LoggedEvent]:
    """Many crashes at once, as when a tmux server ends, are one thing to tell."""
    crashes = [one for one in loud if one.event.kind is EventKind.AGENT_CRASHED]
    if len(crashes) < MANY:
        return loud
    text = f"{len(crashes)} agents have crashed. `hive-tui recover`, or a new start of the dashboard, brings them back."
    last = crashes[-1]
    all_of_them = replace(last, event=replace(last.event, text=text, agent_id=None))
    return [*(one for one in loud if one not in crashes), all_of_them]


def _name(db: sqlite3.Connection, agent_id: str | None) -> str:
    names = {agent.id: agent.name for agent in agent_store.everyone(db)} if agent_id else {}
    return names.get(agent_id or "", "")
