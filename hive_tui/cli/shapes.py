"""The JSON shapes of the command line. Fields may grow and never change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hive_tui.domain.task_state import TaskState
from hive_tui.domain.tasks import Task
from hive_tui.services.shapes import agent_json, checkpoint_json, nap_json, offsite_json, wake_json, wakeup_json

__all__ = [
    "agent_json", "checkpoint_json", "nap_json", "offsite_json", "task_json", "task_state_json", "wake_json",
    "wakeup_json",
]  # fmt: skip


def task_json(task: Task, names: Mapping[str, str]) -> dict[str, Any]:
    """One task; `names` are the agents' by id."""
    return {
        "id": task.id,
        "parent_id": task.parent_id,
        "title": task.title,
        "goal": task.goal,
        "agent": names.get(task.agent_id) if task.agent_id else None,
        "status": task.status,
        "routine": task.routine,
        "idempotency_key": task.idempotency_key,
        "created_at": task.created_at,
        "updated_at": task.updated_at,
        "done_at": task.done_at,
    }


def task_state_json(state: TaskState, agent_name: str) -> dict[str, Any]:
    """How far an agent has come."""
    return {
        "agent": agent_name,
        "step": state.step,
        "done_steps": list(state.done_steps),
        "next_steps": list(state.next_steps),
        "failure_counts": dict(state.failures),
        "reason_tags": list(state.failures),
        "updated_at": state.updated_at,
    }
