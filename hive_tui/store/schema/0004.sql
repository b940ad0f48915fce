-- What agents are to do, and why: a task is a part of its parent, a goal has none.
CREATE TABLE tasks (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    parent_id TEXT REFERENCES tasks (id),
    goal TEXT NOT NULL,
    title TEXT NOT NULL,
    agent_id TEXT REFERENCES agents (id),
    status TEXT NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'doing', 'done', 'cancelled')),
    routine TEXT,
    idempotency_key TEXT UNIQUE,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    done_at INTEGER
) STRICT;
CREATE INDEX ix_tasks_parent ON tasks (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX ix_tasks_agent ON tasks (agent_id, status) WHERE agent_id IS NOT NULL;

-- How far each agent has come. Lists are JSON, and so are the failures, counted by reason tag.
CREATE TABLE task_states (
    agent_id TEXT PRIMARY KEY REFERENCES agents (id),
    step TEXT,
    done_steps TEXT NOT NULL DEFAULT '[]',
    next_steps TEXT NOT NULL DEFAULT '[]',
    failures TEXT NOT NULL DEFAULT '{}',
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
