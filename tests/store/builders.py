"""Rows of the catalog and the queue, where a test names only what it is about."""

from datetime import datetime, timedelta
from typing import Any

from hive_tui.domain.checkpoints import Checkpoint, CheckpointReason
from hive_tui.domain.wakeups import NewWakeup, Trigger, Wakeup
from hive_tui.store import checkpoints, claims, wakeups
from hive_tui.store.database import Database
from tests.builders import NOON


def a_checkpoint(checkpoint_id: str, agent_id: str = "id-of-ada", **facts: Any) -> Checkpoint:
    values: dict[str, Any] = {
        "generation": 0,
        "created_at": NOON,
        "path": f"/checkpoints/{checkpoint_id}.tar.zst",
        "sha256": "00" * 32,
        "size_bytes": 1000,
        "is_valid": True,
        "reason": CheckpointReason.NAP,
    }
    return Checkpoint(id=checkpoint_id, agent_id=agent_id, **{**values, **facts})


def enter(database: Database, checkpoint: Checkpoint) -> None:
    database.write(checkpoints.add, checkpoint)


def ask(
    database: Database,
    wakeup_id: str,
    agent: str = "ada",
    *,
    in_s: float = 0,
    trigger: Trigger = Trigger.GOAL,
    **facts: Any,
) -> wakeups.Enqueued:
    """Ask for a wakeup of the agent, due `in_s` after noon."""
    new = NewWakeup(f"id-of-{agent}", trigger, NOON + timedelta(seconds=in_s), **facts)
    return database.write(wakeups.enqueue, new, wakeup_id, now=NOON)


def claim(database: Database, *, now: datetime = NOON, limit: int = 10, by: str = "worker") -> list[Wakeup]:
    return database.write(claims.claim_due, by=by, now=now, limit=limit)
