"""What screens and checkpoints show of side effects."""

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hive_tui.domain.effects import Effect, EffectState
from hive_tui.domain.ports import Clock
from hive_tui.store import effects as store
from hive_tui.store.database import Database

MOST_SHOWN = 30
MOST_KEPT = 1_000


@dataclass(frozen=True, slots=True)
class EffectsView:
    """The side effects of an agent: those that are open first, then the newest."""

    at: datetime
    effects: tuple[Effect, ...]

    @property
    def asks(self) -> bool:
        """Whether a person has to say what has become of one."""
        return any(one.state is EffectState.UNKNOWN for one in self.effects)


def of_agent(database: Database, clock: Clock, agent_id: str) -> EffectsView:
    """For its page."""
    return EffectsView(clock.now(), tuple(database.read(store.everything, agent_id=agent_id, limit=MOST_SHOWN)))


def unknown(database: Database, agent_id: str | None = None) -> list[Effect]:
    """Those whose end nobody knows, of one agent or of all."""
    return database.read(store.everything, agent_id=agent_id, states=[EffectState.UNKNOWN])


def for_checkpoint(db: sqlite3.Connection, agent_id: str) -> list[dict[str, Any]]:
    """The newest effects of an agent, without what they have printed and how they are probed."""
    return [
        {
            "key": one.key,
            "kind": one.kind,
            "state": one.state,
            "target": one.target,
            "what": one.shown,
            "arguments_sha256": one.digest,
            "attempt": one.attempt,
            "intent_at": one.intent_at.isoformat(),
            "ended_at": one.ended_at.isoformat() if one.ended_at else None,
            "exit_code": one.exit_code,
            "error": one.error,
            "result": dict(one.result),
        }
        for one in store.everything(db, agent_id=agent_id, limit=MOST_KEPT)
    ]
