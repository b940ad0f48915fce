"""Tasks and goals, and how far each agent has come."""

import sqlite3
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from hive_tui.domain.errors import NotFound
from hive_tui.domain.task_state import TaskState
from hive_tui.domain.tasks import Task, TaskStatus
from hive_tui.store.values import from_json, from_us, optional_time, optional_us, to_json, to_us

COLUMNS = "id, parent_id, goal, title, agent_id, status, routine, idempotency_key, created_at, updated_at, done_at"
_TASK = ", ".join(f"tasks.{name}" for name in COLUMNS.split(", "))
_UNFINISHED = "status IN ('open', 'doing')"

LEAST_OF_ID = 4
"""So many letters of an id are enough to name a task."""


def add(db: sqlite3.Connection, task: Task) -> None:
    """Enter a new task; its parent, if it has one, is there."""
    names = COLUMNS.split(", ")
    db.execute(f"INSERT INTO tasks ({COLUMNS}) VALUES ({', '.join(f':{name}' for name in names)})", _values(task))


def put(db: sqlite3.Connection, task: Task, *, now: datetime) -> Task:
    """Store what can change of a task: parent, agent, status and when it was finished."""
    changed = replace(task, updated_at=now)
    db.execute(
        "UPDATE tasks SET parent_id = :parent_id, agent_id = :agent_id, status = :status, updated_at = :updated_at,"
        " done_at = :done_at WHERE id = :id",
        _values(changed),
    )
    return changed


def get(db: sqlite3.Connection, task_id: str) -> Task:
    """The task with that id, or with an id that begins like that.

    Raises:
        NotFound: There is none, or several begin like that.
    """
    rows = db.execute(f"SELECT {COLUMNS} FROM tasks WHERE id = ?", (task_id,)).fetchall()
    if not rows and len(task_id) >= LEAST_OF_ID:
        # By the index; a `~` comes after all that ids are made of.
        rows = db.execute(
            f"SELECT {COLUMNS} FROM tasks WHERE id > :id AND id < :id || '~' LIMIT 2", {"id": task_id}
        ).fetchall()
    if len(rows) != 1:
        what = "Several tasks begin with" if rows else "There is no task"
        raise NotFound(f"{what} {task_id!r}.", hint="`hive-tui task list --all` shows them.")
    return _task(rows[0])


def by_key(db: sqlite3.Connection, key: str) -> Task | None:
    """The task that was made under this idempotency key."""
    row = db.execute(f"SELECT {COLUMNS} FROM tasks WHERE idempotency_key = ?", (key,)).fetchone()
    return _task(row) if row else None


def everything(db: sqlite3.Connection, *, finished: bool = False, agent_id: str | None = None) -> list[Task]:
    """Tasks in the order in which they were made; the finished ones, too, if asked for."""
    rows = db.execute(
        f"SELECT {COLUMNS} FROM tasks WHERE (:finished OR {_UNFINISHED}) AND (:agent IS NULL OR agent_id = :agent)"
        " ORDER BY seq",
        {"finished": finished, "agent": agent_id},
    )
    return [_task(row) for row in rows]


def lineage(db: sqlite3.Connection, task_id: str) -> dict[str, Task]:
    """The task and all that stand above it, by id; `domain.tasks.ancestry` puts them in order."""
    rows = db.execute(
        "WITH RECURSIVE up (id) AS (SELECT ? UNION SELECT parent_id FROM tasks JOIN up USING (id)"
        f" WHERE parent_id IS NOT NULL) SELECT {_TASK} FROM up JOIN tasks USING (id)",
        (task_id,),
    )
    return {row["id"]: _task(row) for row in rows}


def below(db: sqlite3.Connection, task_id: str) -> list[Task]:
    """All tasks below this one, itself not included, in the order in which they were made."""
    rows = db.execute(
        "WITH RECURSIVE down (id) AS (SELECT ? UNION SELECT tasks.id FROM tasks JOIN down ON parent_id = down.id)"
        f" SELECT {_TASK} FROM down JOIN tasks USING (id) WHERE id <> ? ORDER BY seq",
        (task_id, task_id),
    )
    return [_task(row) for row in rows]


def parts(db: sqlite3.Connection, task_id: str) -> list[Task]:
    """The tasks right below this one, in the order in which they were made."""
    rows = db.execute(f"SELECT {COLUMNS} FROM tasks WHERE parent_id = ? ORDER BY seq", (task_id,))
    return [_task(row) for row in rows]


def state(db: sqlite3.Connection, agent_id: str) -> TaskState:
    """How far the agent has come; empty if nothing was written down."""
    row = db.execute("SELECT * FROM task_states WHERE agent_id = ?", (agent_id,)).fetchone()
    if row is None:
        return TaskState(agent_id)
    return TaskState(
        agent_id,
        row["step"],
        tuple(from_json(row["done_steps"])),
        tuple(from_json(row["next_steps"])),
        dict(from_json(row["failures"])),
        from_us(row["updated_at"]),
    )


def put_state(db: sqlite3.Connection, state: TaskState, *, now: datetime) -> TaskState:
    """Store how far the agent has come."""
    db.execute(
        "INSERT OR REPLACE INTO task_states (agent_id, step, done_steps, next_steps, failures, updated_at)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (
            state.agent_id,
            state.step,
            to_json(state.done_steps),
            to_json(state.next_steps),
            to_json(dict(state.failures)),
            to_us(now),
        ),
    )
    return replace(state, updated_at=now)


def _values(task: Task) -> Mapping[str, object]:
    return {
        "id": task.id,
        "parent_id": task.parent_id,
        "goal": task.goal,
        "title": task.title,
        "agent_id": task.agent_id,
        "status": task.status,
        "routine": task.routine,
        "idempotency_key": task.idempotency_key,
        "created_at": to_us(task.created_at),
        "updated_at": to_us(task.updated_at),
        "done_at": optional_us(task.done_at),
    }


def _task(row: sqlite3.Row) -> Task:
    return Task(
        row["id"],
        row["goal"],
        row["title"],
        from_us(row["created_at"]),
        from_us(row["updated_at"]),
        row["parent_id"],
        row["agent_id"],
        TaskStatus(row["status"]),
        optional_time(row["done_at"]),
        row["routine"],
        row["idempotency_key"],
    )
