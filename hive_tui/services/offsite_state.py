"""What the database keeps of the second place and of the copies there; every function is one transaction."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from hive_tui.domain.checkpoints import Checkpoint
from hive_tui.domain.events import Event
from hive_tui.domain.offsite import CopyState, OffsiteCopy
from hive_tui.store import agents as agent_store
from hive_tui.store import checkpoints, journal, offsite, settings

if TYPE_CHECKING:
    from hive_tui.domain.effects import NewEffect

PLACE = "offsite.place."
"""Settings key, before the destination: what tells the place from another, and how often it failed."""


@dataclass(frozen=True, slots=True)
class PlaceState:
    """How the second place was the last times."""

    identity: str | None = None
    failures: int = 0
    """In a row."""
    next_try_at: datetime | None = None
    error: str = ""


def enter_missing(
    db: sqlite3.Connection, destination: str, name: Callable[[Checkpoint, str], str], *, now: datetime
) -> None:
    """A row for each good checkpoint that has none, or whose copy is in a place that is used no more."""
    names = {agent.id: agent.name for agent in agent_store.everyone(db)}
    for checkpoint_id in offsite.missing(db, destination):
        one = checkpoints.get(db, checkpoint_id)
        file_name = name(one, names.get(one.agent_id, "forgotten"))
        copy = OffsiteCopy(one.id, destination, file_name, CopyState.PENDING, next_try_at=now)
        offsite.put(db, copy, now=now)


def put_copy(db: sqlite3.Connection, copy: OffsiteCopy, event: Event | None = None, *, now: datetime) -> None:
    """Write down how far a copy is, unless its checkpoint was deleted meanwhile: then it is to be removed."""
    known = offsite.get(db, copy.checkpoint_id)
    if known is None or (known.state is CopyState.REMOVING and copy.state is not CopyState.REMOVING):
        if copy.sha256 is None:
            return
        copy = replace(copy, state=CopyState.REMOVING, attempts=0, next_try_at=now)
    offsite.put(db, copy, now=now)
    if event is not None:
        journal.log(db, event, now=now)


def retry_all(db: sqlite3.Connection, destination: str, *, now: datetime) -> None:
    """Forget the waits."""
    offsite.hurry(db, destination, now=now)
    put_place(db, destination, replace(place_state(db, destination), next_try_at=None), now=now)


def adopt(db: sqlite3.Connection, destination: str, *, now: datetime) -> None:
    """Whatever is there now is the place, and all is sent again."""
    offsite.start_again(db, destination, now=now)
    put_place(db, destination, PlaceState(), now=now)


def put_place(db: sqlite3.Connection, destination: str, state: PlaceState, *, now: datetime) -> None:
    """How the place was this time."""
    next_try_at = state.next_try_at.isoformat() if state.next_try_at else None
    value = {"identity": state.identity, "failures": state.failures, "next_try_at": next_try_at, "error": state.error}
    settings.put(db, PLACE + destination, value, now=now)


def place_state(db: sqlite3.Connection, destination: str) -> PlaceState:
    """How the place was the last time."""
    value: dict[str, Any] = settings.get(db, PLACE + destination, {})
    next_try_at = value.get("next_try_at")
    return PlaceState(
        value.get("identity"),
        int(value.get("failures", 0)),
        datetime.fromisoformat(next_try_at) if next_try_at else None,
        str(value.get("error", "")),
    )


def log(db: sqlite3.Connection, event: Event, fetched_id: str | None, *, now: datetime) -> None:
    """Log what happened; `fetched_id` names a checkpoint whose file is here again."""
    if fetched_id is not None:
        checkpoints.set_local(db, fetched_id, True)
    journal.log(db, event, now=now)


def push_effect(checkpoint: Checkpoint, copy: OffsiteCopy, destination: str) -> "NewEffect":
    """For the log of side effects; whether it is done again is decided by the state of the copy."""
    from hive_tui.domain.effects import EffectKind, NewEffect

    return NewEffect(
        f"push:{copy.checkpoint_id}:{destination}",
        EffectKind.PUSH,
        f"{destination}/{copy.name}",
        {"sha256": copy.sha256, "size_bytes": copy.size_bytes},
        f"copy a checkpoint of {checkpoint.created_at:%Y-%m-%d %H:%M} UTC",
        checkpoint.agent_id,
    )
