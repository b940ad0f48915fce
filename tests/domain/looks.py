"""One look at the machine, and what it changes in the registry, for the tests of reconciling."""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from hive_tui.domain.agents import Agent
from hive_tui.domain.processes import ProcessId
from hive_tui.domain.reconcile import Change, Ending, Seen, ServerState, applied, reconcile
from hive_tui.domain.sightings import Sighting
from tests.builders import NOON, SERVER

LATER = NOON + timedelta(minutes=5)
OTHER_SERVER = "901:7"


def seen(
    *sightings: Sighting,
    state: ServerState = ServerState.UP,
    server: str | None = SERVER,
    alive: Iterable[ProcessId] = (),
    ending: Ending | Callable[[Agent], Ending] = Ending.CRASHED,
    at: datetime = LATER,
) -> Seen:
    """One look. Alive is what was seen, and `alive` beside it."""
    there = {sighting.root.id for sighting in sightings} | set(alive)
    return Seen(
        state,
        server if state is ServerState.UP else None,
        sightings,
        is_alive=there.__contains__,
        ending=ending if callable(ending) else lambda agent: ending,
        at=at,
    )


def changes(
    agents: Sequence[Agent], look: Seen, *, locked: Collection[str] = (), kept: Collection[str] = ()
) -> list[Change]:
    numbers = count(1)
    return reconcile(
        agents,
        look,
        locked={f"id-of-{name}" for name in locked},
        worth_keeping={f"id-of-{name}" for name in kept},
        new_id=lambda: f"new-{next(numbers)}",
    )


def after(agents: Sequence[Agent], look: Seen, **keep: Any) -> list[Agent]:
    return applied(agents, changes(agents, look, **keep))


def only(found: list[Change]) -> Change:
    (change,) = found
    return change
