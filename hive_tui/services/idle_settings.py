"""Changes of the idle sleep's figures while the program runs."""

import sqlite3
from collections.abc import Mapping

from hive_tui.domain.events import Actor, Event, EventKind
from hive_tui.domain.ports import Clock
from hive_tui.services.hub import Hub
from hive_tui.store import journal, settings
from hive_tui.store.database import Database

CHANGES = "idle_sleep"
"""In the database: the figures that a person has changed, which overrule those of the settings file."""
WORDS = {
    "idle_minutes": "services after {:g} min",
    "model_keep_alive_hours": "models after {:g} h",
    "check_minutes": "a look each {:g} min",
}


def store_changes(
    database: Database, hub: Hub, clock: Clock, changes: Mapping[str, float | bool], actor: Actor | None
) -> None:
    """Keep changed figures, beside those that were changed before, and tell of them; nothing where none are given."""
    if not changes:
        return
    said = ", ".join(_words(name, value) for name, value in changes.items())
    event = Event(
        EventKind.IDLE_SLEEP_CHANGED,
        f"Idle sleep of services and models: {said}",
        actor=actor or Actor.person(),
        payload=dict(changes),
    )

    def store(db: sqlite3.Connection) -> None:
        kept = {**settings.get(db, CHANGES, {}), **changes}
        settings.put(db, CHANGES, kept, now=clock.now())
        journal.log(db, event, now=clock.now())

    database.write(store)
    hub.publish(event)


def _words(name: str, value: float | bool) -> str:
    if name == "enabled":
        return "on" if value else "off"
    return WORDS[name].format(value)
