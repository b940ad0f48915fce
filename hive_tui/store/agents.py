"""The registry of agents."""

import sqlite3
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache

from hive_tui.domain.agents import Activity, Agent, Hosting, Lifecycle, Origin, PaneRef, checked_name
from hive_tui.domain.errors import NotFound
from hive_tui.domain.processes import ProcessId
from hive_tui.store.values import (
    from_json,
    from_us,
    optional_time,
    optional_us,
    path_from_text,
    path_to_text,
    sentence_to_text,
    to_json,
    to_us,
)

COLUMNS = (
    "id, name, kind, lifecycle, activity, reason, since_at, origin, cwd, hosting, pane_server, pane_id, pid,"
    " pid_started, session_id, transcript, config_dir, argv, env, pinned, held, checkpoint_id, prompt, freed_bytes,"
    " memory_bytes, started_at"
)
_NAMES = [name.strip() for name in COLUMNS.split(",")]
INSERT = f"INSERT INTO agents ({COLUMNS}, created_at) VALUES ({', '.join(f':{name}' for name in _NAMES)}, :created_at)"
_KEPT = frozenset({"id", "name", "origin", "pinned", "held", "checkpoint_id"})
"""Not changed by `put`: whoever works on an agent for a while must not undo what a person did meanwhile."""
UPDATE = f"UPDATE agents SET {', '.join(f'{name} = :{name}' for name in _NAMES if name not in _KEPT)} WHERE id = :id"


def add(db: sqlite3.Connection, agent: Agent, *, now: datetime) -> None:
    """Put a new agent into the registry."""
    db.execute(INSERT, {**_values(agent), "created_at": to_us(now)})


def put(db: sqlite3.Connection, agent: Agent) -> None:
    """Store the agent's state as it is now; its name, pin, origin and checkpoint have functions of their own."""
    db.execute(UPDATE, _values(agent))


def rename(db: sqlite3.Connection, agent_id: str, name: str) -> None:
    """Give the agent another name.

    Raises:
        NameTaken: It is not a name, or another agent has it.
    """
    taken = [agent.name for agent in everyone(db) if agent.id != agent_id]
    db.execute("UPDATE agents SET name = ? WHERE id = ?", (checked_name(name, taken), agent_id))


def set_origin(db: sqlite3.Connection, agent_id: str, origin: Origin) -> None:
    """Say how the agent came into the registry."""
    db.execute("UPDATE agents SET origin = ? WHERE id = ?", (origin, agent_id))


def set_held(db: sqlite3.Connection, agent_id: str, held: bool) -> None:
    """Hold an agent asleep until a person wakes it, or let go of it."""
    db.execute("UPDATE agents SET held = ? WHERE id = ?", (int(held), agent_id))


def set_pinned(db: sqlite3.Connection, agent_id: str, pinned: bool) -> None:
    """Pin the agent, so that it never naps unasked, or unpin it."""
    db.execute("UPDATE agents SET pinned = ? WHERE id = ?", (int(pinned), agent_id))


def set_checkpoint(db: sqlite3.Connection, agent_id: str, checkpoint_id: str) -> None:
    """Say which checkpoint a wake of the agent starts from."""
    db.execute("UPDATE agents SET checkpoint_id = ? WHERE id = ?", (checkpoint_id, agent_id))


def are_any_limited(db: sqlite3.Connection) -> bool:
    """Whether an agent was last seen to wait for its usage limit."""
    return db.execute("SELECT 1 FROM agents WHERE activity = ? LIMIT 1", (Activity.LIMITED,)).fetchone() is not None


def get(db: sqlite3.Connection, agent_id: str) -> Agent:
    """The agent with that id.

    Raises:
        NotFound: There is none.
    """
    row = db.execute(f"SELECT {COLUMNS} FROM agents WHERE id = ? AND forgotten_at IS NULL", (agent_id,)).fetchone()
    if row is None:
        raise NotFound(f"There is no agent with the id {agent_id}.", hint="`hive-tui agents` lists them.")
    return _agent(row)


def name_of(db: sqlite3.Connection, agent_id: str) -> str:
    """The name of the agent with that id.

    Raises:
        NotFound: There is none.
    """
    row = db.execute("SELECT name FROM agents WHERE id = ? AND forgotten_at IS NULL", (agent_id,)).fetchone()
    return str(row["name"]) if row is not None else get(db, agent_id).name


def find(db: sqlite3.Connection, name_or_id: str) -> Agent:
    """The agent that answers to a name or an id.

    Raises:
        NotFound: There is none.
    """
    row = db.execute(
        f"SELECT {COLUMNS} FROM agents WHERE (name = :key OR id = :key) AND forgotten_at IS NULL", {"key": name_or_id}
    ).fetchone()
    if row is None:
        names = ", ".join(agent.name for agent in everyone(db)[:8])
        raise NotFound(
            f"There is no agent {name_or_id!r}.",
            hint=f"Known agents: {names}." if names else "`hive-tui agents` lists the agents it finds in tmux.",
        )
    return _agent(row)


def everyone(db: sqlite3.Connection) -> list[Agent]:
    """All agents of the registry, by name."""
    rows = db.execute(f"SELECT {COLUMNS} FROM agents WHERE forgotten_at IS NULL ORDER BY name")
    return [_agent(row) for row in rows]


def names(db: sqlite3.Connection) -> dict[str, str]:
    """Names of all agents by id; those of forgotten ones too."""
    return {row["id"]: row["name"] for row in db.execute("SELECT id, name FROM agents")}


def forget(db: sqlite3.Connection, agent_id: str, *, now: datetime) -> None:
    """Take the agent out of the registry. Its name is free again; its checkpoints stay in the catalog."""
    db.execute("UPDATE agents SET forgotten_at = ? WHERE id = ?", (to_us(now), agent_id))
    db.execute(
        "UPDATE wakeup_requests SET status = 'cancelled', finished_at = ?, last_error = 'the agent was forgotten'"
        " WHERE agent_id = ? AND (finished_at IS NULL) = 1 AND status = 'pending'",
        (to_us(now), agent_id),
    )
    # What it had not finished is nobody's task now.
    db.execute("UPDATE tasks SET agent_id = NULL WHERE agent_id = ? AND status IN ('open', 'doing')", (agent_id,))
    db.execute("DELETE FROM operations WHERE agent_id = ?", (agent_id,))


def drop_unused(db: sqlite3.Connection, agent_id: str, *, now: datetime) -> None:
    """Remove an agent that was only ever seen; one that something refers to is forgotten instead."""
    used = db.execute(
        "SELECT EXISTS (SELECT 1 FROM checkpoints WHERE agent_id = :id)"
        " OR EXISTS (SELECT 1 FROM wakeup_requests WHERE agent_id = :id)"
        " OR EXISTS (SELECT 1 FROM sleep_windows WHERE agent_id = :id)"
        " OR EXISTS (SELECT 1 FROM tasks WHERE agent_id = :id)"
        " OR EXISTS (SELECT 1 FROM task_states WHERE agent_id = :id)"
        " OR EXISTS (SELECT 1 FROM operations WHERE agent_id = :id)"
        " OR EXISTS (SELECT 1 FROM handoffs WHERE agent_id = :id)"
        " OR EXISTS (SELECT 1 FROM consolidations WHERE agent_id = :id)",
        {"id": agent_id},
    ).fetchone()[0]
    if used:
        forget(db, agent_id, now=now)
    else:
        db.execute("DELETE FROM stale_agents WHERE agent_id = ?", (agent_id,))  # that it hung is no reason to keep it
        db.execute("DELETE FROM agents WHERE id = ?", (agent_id,))


def worth_keeping(db: sqlite3.Connection, agents: Iterable[Agent]) -> set[str]:
    """Agents that stay in the registry when they end: with a checkpoint or a task, by a person's wish, or pinned."""
    with_checkpoint = {row[0] for row in db.execute("SELECT DISTINCT agent_id FROM checkpoints")}
    with_task = {row[0] for row in db.execute("SELECT agent_id FROM tasks WHERE status IN ('open', 'doing')")}
    needed = with_checkpoint | with_task
    return {agent.id for agent in agents if agent.id in needed or agent.pinned or agent.origin is not Origin.FOUND}


def _values(agent: Agent) -> dict[str, object]:
    return {
        "id": agent.id,
        "name": agent.name,
        "kind": agent.kind,
        "lifecycle": agent.lifecycle,
        "activity": agent.activity,
        "reason": sentence_to_text(agent.reason),
        "since_at": to_us(agent.since_at),
        "origin": agent.origin,
        "cwd": path_to_text(agent.cwd),
        "hosting": agent.hosting,
        "pane_server": agent.pane.server if agent.pane else None,
        "pane_id": agent.pane.pane_id if agent.pane else None,
        "pid": agent.process.pid if agent.process else None,
        "pid_started": agent.process.started if agent.process else None,
        "session_id": agent.session_id,
        "transcript": path_to_text(agent.transcript),
        "config_dir": path_to_text(agent.config_dir),
        "argv": to_json(agent.argv),
        "env": to_json(agent.env),
        "pinned": int(agent.pinned),
        "held": int(agent.held),
        "checkpoint_id": agent.checkpoint_id,
        "prompt": sentence_to_text(agent.prompt),
        "freed_bytes": agent.freed_bytes,
        "memory_bytes": agent.memory_bytes,
        "started_at": optional_us(agent.started_at),
    }


@lru_cache(maxsize=256)
def _agent(row: sqlite3.Row) -> Agent:
    """Made once of each row: several times at each look the same ones are read, and few have changed."""
    return Agent(
        id=row["id"],
        name=row["name"],
        kind=row["kind"],
        lifecycle=Lifecycle(row["lifecycle"]),
        activity=Activity(row["activity"]),
        reason=row["reason"],
        since_at=from_us(row["since_at"]),
        origin=Origin(row["origin"]),
        cwd=path_from_text(row["cwd"]) or "",
        hosting=Hosting(row["hosting"]),
        pane=PaneRef(row["pane_server"], row["pane_id"]) if row["pane_id"] else None,
        process=ProcessId(row["pid"], row["pid_started"]) if row["pid"] else None,
        session_id=row["session_id"],
        transcript=path_from_text(row["transcript"]),
        config_dir=path_from_text(row["config_dir"]),
        argv=tuple(from_json(row["argv"])),
        env=tuple((name, value) for name, value in from_json(row["env"])),
        pinned=bool(row["pinned"]),
        held=bool(row["held"]),
        checkpoint_id=row["checkpoint_id"],
        prompt=row["prompt"],
        freed_bytes=row["freed_bytes"],
        memory_bytes=row["memory_bytes"],
        started_at=optional_time(row["started_at"]),
    )
