"""Tells what happened, in toasts: of this process, and of every other that writes into the same log."""

from typing import TYPE_CHECKING

from hive_tui.domain.events import ActorKind, Event, EventKind, Severity
from hive_tui.hive import Hive
from hive_tui.store.journal import LoggedEvent
from hive_tui.ui.verbs import YOU

if TYPE_CHECKING:
    from hive_tui.ui.app import HiveApp

TOLD = frozenset({EventKind.AGENT_AWAKE, EventKind.WAKEUP_RETRY, EventKind.WAKEUP_FAILED})
"""Events of the heartbeat that become a toast even where they are no failure."""
CALLS = frozenset({EventKind.AGENT_NEEDS_YOU, EventKind.WAKEUP_HELD_BACK})
"""Nothing goes on until a person does something."""
MOST = 4
"""So many failures that come at once are told one by one."""


class News:
    """Reads the log through a subscription, so that nothing is told twice and nothing is missed."""

    def __init__(self, app: "HiveApp", hive: Hive) -> None:
        self._app = app
        self._hive = hive
        self._log = hive.listening.event_log.subscribe()

    def read(self) -> list[LoggedEvent]:
        """What was logged since the last time. Blocks.

        Raises:
            StoreError: The log cannot be read; the next time tells all of it.
        """
        return self._log.read()

    def tell(self, logged: list[LoggedEvent]) -> None:
        """Show what a person has to know of it."""
        events = [one.event for one in logged if not _is_told_by_its_verb(one.event)]
        questions = self._app.verbs.ask_again(events)
        events = [one for one in events if one not in questions]
        failures = [one for one in events if one.severity is Severity.FAILURE and not one.payload.get("server_gone")]
        for event in failures[:MOST]:
            self._app.notify(event.text, severity="error", timeout=12)
        if len(failures) > MOST:
            self._app.notify(f"{len(failures) - MOST} more failures; 7 lists them.", severity="error", timeout=12)
        calls = [one for one in events if one.kind in CALLS]
        for event in calls:
            self._app.notify(event.text, severity="warning")
        for event in events:
            if event not in failures and event.kind in TOLD and event.actor.kind is ActorKind.HEARTBEAT:
                self._app.notify(event.text)
        wanted = self._hive.settings
        if (failures or calls) and (wanted.notify.bell or wanted.alerts.osc9):
            from hive_tui.ui.ringing import ring

            ring(self._app, f"hive: {(failures or calls)[-1].text}")


def _is_told_by_its_verb(event: Event) -> bool:
    """Whether the dashboard that did it has told its person about it."""
    return event.actor.kind is ActorKind.PERSON and event.actor.name == YOU.name
