-- How each wake was decided that could have begun a new conversation. The old one stays known by its session.
CREATE TABLE handoffs (
    wakeup_id TEXT PRIMARY KEY,
    agent_id TEXT NOT NULL REFERENCES agents (id),
    mode TEXT NOT NULL CHECK (mode IN ('resume', 'handoff')),
    why TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    text TEXT NOT NULL DEFAULT '',
    previous_session TEXT,
    previous_transcript TEXT,
    started_at INTEGER
) STRICT;
CREATE INDEX ix_handoffs_agent ON handoffs (agent_id, made_at);

-- What is done with a conversation after a nap, stage by stage; the newest run of each agent and stage counts.
CREATE TABLE consolidations (
    seq INTEGER PRIMARY KEY,
    agent_id TEXT NOT NULL REFERENCES agents (id),
    source TEXT NOT NULL,
    stage TEXT NOT NULL CHECK (stage IN ('snapshot', 'compress', 'index', 'audit')),
    status TEXT NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'running', 'done', 'failed', 'skipped')),
    attempts INTEGER NOT NULL DEFAULT 0,
    due_at INTEGER NOT NULL,
    started_at INTEGER,
    finished_at INTEGER,
    error TEXT,
    result TEXT NOT NULL DEFAULT '{}',
    cpu_us INTEGER NOT NULL DEFAULT 0,
    allotted_us INTEGER NOT NULL DEFAULT 0,
    UNIQUE (agent_id, source, stage)
) STRICT;
CREATE INDEX ix_consolidations_due ON consolidations (due_at, seq) WHERE status IN ('pending', 'running');
