"""The JSON shapes of the command line and of the HTTP surface. Fields may grow and never change."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from hive_tui.domain.agents import Agent
from hive_tui.domain.checkpoints import Checkpoint
from hive_tui.domain.offsite import OffsiteCopy
from hive_tui.domain.sightings import Sighting
from hive_tui.domain.wakeups import Attempt, Wakeup

if TYPE_CHECKING:
    from hive_tui.services.nap import NapResult


def as_text(value: Any, *, indent: int | None = None) -> str:
    """A JSON document; times as ISO 8601 in UTC, with a Z."""
    return json.dumps(value, indent=indent, ensure_ascii=False, default=_plain)


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return str(value)


def agent_json(
    agent: Agent,
    sighting: Sighting | None,
    checkpoint: Checkpoint | None,
    next_wake_at: datetime | None,
    now: datetime,
) -> dict[str, Any]:
    """One agent."""
    return {
        "id": agent.id,
        "name": agent.name,
        "kind": agent.kind,
        "lifecycle": agent.lifecycle,
        "activity": agent.activity,
        "reason": agent.reason,
        "since": agent.since_at,
        "pane_id": agent.pane.pane_id if agent.pane else None,
        "place": sighting.pane.place if sighting else None,
        "hosting": agent.hosting,
        "session_id": agent.session_id,
        "transcript": agent.transcript,
        "cwd": agent.cwd,
        "pid": agent.process.pid if agent.process else None,
        "memory_bytes": sighting.memory_bytes if sighting else 0,
        "freed_bytes": agent.freed_bytes,
        "age_seconds": round((now - agent.started_at).total_seconds()) if agent.started_at else None,
        "pinned": agent.pinned,
        "held": agent.held,
        "origin": agent.origin,
        "tokens_today": None,
        "last_checkpoint_at": checkpoint.created_at if checkpoint else None,
        "next_wake_at": next_wake_at,
    }


def checkpoint_json(checkpoint: Checkpoint, agent_name: str, copy: OffsiteCopy | None = None) -> dict[str, Any]:
    """One entry of the catalog, with its copy in the second place."""
    return {
        "id": checkpoint.id,
        "agent": agent_name,
        "generation": checkpoint.generation,
        "created_at": checkpoint.created_at,
        "path": checkpoint.path,
        "sha256": checkpoint.sha256,
        "size_bytes": checkpoint.size_bytes,
        "is_valid": checkpoint.is_valid,
        "validation_errors": [error.to_json() for error in checkpoint.validation_errors],
        "validated_at": checkpoint.validated_at,
        "reason": checkpoint.reason,
        "session_id": checkpoint.session_id,
        "took_seconds": round(checkpoint.took_s, 3),
        "summary": dict(checkpoint.summary),
        "new_bytes": checkpoint.new_bytes,
        "proven_at": checkpoint.proven_at,
        "proven_note": checkpoint.proven_note or None,
        "drilled_at": checkpoint.drilled_at,
        "is_local": checkpoint.is_local,
        "imported_at": checkpoint.imported_at,
        "offsite": offsite_json(copy) if copy is not None else None,
    }


def offsite_json(copy: OffsiteCopy) -> dict[str, Any]:
    """The copy of a checkpoint in the second place."""
    return {
        "checkpoint_id": copy.checkpoint_id,
        "destination": copy.destination,
        "name": copy.name,
        "state": copy.state,
        "size_bytes": copy.size_bytes,
        "sha256": copy.sha256,
        "is_encrypted": copy.is_encrypted,
        "attempts": copy.attempts,
        "next_try_at": copy.next_try_at,
        "verified_at": copy.verified_at,
        "error": copy.error,
    }


def wakeup_json(wakeup: Wakeup, agent_name: str, attempts: list[Attempt] | None = None) -> dict[str, Any]:
    """One row of the queue."""
    shape: dict[str, Any] = {
        "id": wakeup.id,
        "agent": agent_name,
        "action": wakeup.action,
        "trigger": wakeup.trigger,
        "also": list(wakeup.also),
        "priority": wakeup.priority,
        "status": wakeup.status,
        "scheduled_for": wakeup.scheduled_for,
        "attempts": wakeup.attempts,
        "max_attempts": wakeup.max_attempts,
        "last_error": wakeup.last_error,
        "idempotency_key": wakeup.idempotency_key,
        "context": dict(wakeup.context),
        "created_at": wakeup.created_at,
        "started_at": wakeup.started_at,
        "finished_at": wakeup.finished_at,
        "result": dict(wakeup.result) if wakeup.result else None,
    }
    if attempts is not None:
        shape["attempt_log"] = [
            {
                "number": attempt.number,
                "started_at": attempt.started_at,
                "finished_at": attempt.finished_at,
                "outcome": attempt.outcome,
                "verdict": attempt.verdict,
                "error": attempt.error,
                "error_class": attempt.error_class,
                "next_at": attempt.next_at,
            }
            for attempt in attempts
        ]
    return shape


def nap_json(result: NapResult) -> dict[str, Any]:
    """What a nap gave."""
    return {
        "agent": result.agent.name,
        "checkpoint_id": result.checkpoint.id,
        "freed_bytes": result.freed_bytes,
        "processes_ended": result.processes_ended,
        "warnings": list(result.warnings),
    }


def wake_json(wakeup: Wakeup) -> dict[str, Any]:
    """What a wake gave."""
    result = dict(wakeup.result or {})
    return {
        "wakeup_id": wakeup.id,
        "agent": result.get("agent"),
        "generation": result.get("generation"),
        "session_id": result.get("session_id"),
        "resumed": result.get("resumed", False),
        "fallbacks": result.get("fallbacks", 0),
        "restored": result.get("restored", []),
        "context": result.get("context"),
        "context_reason": result.get("context_reason"),
    }
