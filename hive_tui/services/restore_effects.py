"""Restores in the log of side effects. What becomes of one that is cut off is decided by its own journal."""

import sqlite3
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from hive_tui.domain.agents import Agent
from hive_tui.domain.checkpoints import Checkpoint
from hive_tui.domain.effects import EffectKind, EffectState, Ending, NewEffect
from hive_tui.domain.events import Event, EventKind
from hive_tui.store import effects, journal


def begin(db: sqlite3.Connection, agent: Agent, wanted: Checkpoint, state: Mapping[str, Any], *, now: datetime) -> None:
    """Open the journal of a restore, and write its intent into the log."""
    journal.begin(db, agent.id, "restore", state, now=now)
    new = NewEffect(
        _key(state),
        EffectKind.RESTORE,
        agent.cwd,
        {"checkpoint_id": wanted.id, "parts": list(state.get("parts", ()))},
        f"take {agent.name} back to the checkpoint of {wanted.created_at:%Y-%m-%d %H:%M} UTC",
        agent.id,
        checkpoint_id=str(state["safety_id"]),
    )
    effects.begin(db, new, None, now=now)


def end(db: sqlite3.Connection, agent_id: str, event: Event, *, now: datetime) -> None:
    """Write down how the restore has ended whose journal is still open."""
    for operation in journal.operations(db):
        if operation.agent_id == agent_id and operation.kind == "restore":
            effect = effects.find(db, _key(operation.state))
            if effect is not None:
                effects.end(db, effect, _ending(event), now=now)


def _key(state: Mapping[str, Any]) -> str:
    return f"restore:{Path(str(state['folder'])).name}"


def _ending(event: Event) -> Ending:
    if event.kind is EventKind.RESTORE_DONE:
        return Ending(EffectState.DONE)
    return Ending(EffectState.FAILED, event.text, is_repeatable=True)
