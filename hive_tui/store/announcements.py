"""Naps that were announced and not begun yet, and those that a person has stopped."""

import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hive_tui.store import settings

ANNOUNCED, STOPPED = "naps.announced", "naps.stopped"
REMEMBERED = timedelta(days=35)
"""No usage limit lasts longer, so nobody asks for older stops."""


@dataclass(frozen=True, slots=True)
class Announced:
    """A nap that begins by itself unless somebody stops it. Times are aware UTC."""

    agent_id: str
    at: datetime
    """When it begins."""
    why: str
    """As in `naps in 60 s: idle for 30m`."""


def announced(db: sqlite3.Connection) -> dict[str, Announced]:
    """All of them, by agent."""
    found: dict[str, Any] = settings.get(db, ANNOUNCED, {})
    return {one: Announced(one, datetime.fromisoformat(nap["at"]), nap["why"]) for one, nap in found.items()}


def announce(db: sqlite3.Connection, nap: Announced, *, now: datetime) -> None:
    """Announce a nap, in place of an earlier one of the same agent."""
    _put(db, {**announced(db), nap.agent_id: nap}, now)


def withdraw(db: sqlite3.Connection, agent_id: str, *, now: datetime) -> bool:
    """Take back what was announced; False if there was nothing, or somebody else did."""
    known = announced(db)
    if known.pop(agent_id, None) is None:
        return False
    _put(db, known, now)
    return True


def withdraw_all(db: sqlite3.Connection, *, now: datetime) -> None:
    """Take back all that was announced."""
    if announced(db):
        _put(db, {}, now)


def stop(db: sqlite3.Connection, agent_id: str, *, now: datetime) -> bool:
    """Take it back because a person wants so, and remember that; False if nothing was announced."""
    is_stopped = withdraw(db, agent_id, now=now)
    if is_stopped:
        recent = {one: at for one, at in stopped_at(db).items() if now - at < REMEMBERED}
        values = {one: at.isoformat() for one, at in {**recent, agent_id: now}.items()}
        settings.put(db, STOPPED, values, now=now)
    return is_stopped


def stopped_at(db: sqlite3.Connection) -> dict[str, datetime]:
    """When a person last stopped a nap of which agent."""
    return {one: datetime.fromisoformat(at) for one, at in settings.get(db, STOPPED, {}).items()}


def begin(db: sqlite3.Connection, agent_id: str, *, now: datetime) -> bool:
    """Take up an announced nap; False if it was stopped meanwhile, or all automatic actions are paused.

    After a True nobody can stop it any more.
    """
    return not settings.get(db, settings.PAUSED, False) and withdraw(db, agent_id, now=now)


def _put(db: sqlite3.Connection, naps: dict[str, Announced], now: datetime) -> None:
    values = {one.agent_id: {"at": one.at.isoformat(), "why": one.why} for one in naps.values()}
    settings.put(db, ANNOUNCED, values, now=now)
