-- Events of hooks that were taken in: a row is why none counts twice.
CREATE TABLE hook_events (
    name TEXT PRIMARY KEY,
    at INTEGER NOT NULL,
    taken_at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    session_id TEXT,
    event TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX ix_hook_events_taken ON hook_events (taken_at);

-- What they have told of each conversation last.
CREATE TABLE hook_sessions (
    kind TEXT NOT NULL,
    session_id TEXT NOT NULL,
    event TEXT NOT NULL,
    at INTEGER NOT NULL,
    activity TEXT,
    activity_event TEXT NOT NULL DEFAULT '',
    activity_at INTEGER,
    cwd TEXT,
    transcript TEXT,
    pane_id TEXT,
    tmux_pid INTEGER,
    ancestors TEXT NOT NULL DEFAULT '',
    said TEXT NOT NULL DEFAULT '',
    has_ended INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (kind, session_id)
) STRICT, WITHOUT ROWID;

-- How far each transcript was read. A file that shrank or was replaced is read anew; the keys of what was spent
-- see to it that nothing counts twice.
CREATE TABLE token_files (
    path TEXT PRIMARY KEY,
    agent_id TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    mark TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT '{}',
    read_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What each answer of a model has cost; the key is that of the answer, which may stand in several files.
CREATE TABLE token_usage (
    key TEXT PRIMARY KEY,
    agent_id TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    at INTEGER NOT NULL,
    day TEXT NOT NULL,
    model TEXT NOT NULL DEFAULT '',
    input INTEGER NOT NULL,
    cache_write INTEGER NOT NULL,
    cache_read INTEGER NOT NULL,
    output INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX ix_token_usage_day ON token_usage (day, agent_id, input, cache_write, cache_read, output);

-- Days whose answers were thrown away, as sums.
CREATE TABLE token_days (
    agent_id TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    day TEXT NOT NULL,
    input INTEGER NOT NULL,
    cache_write INTEGER NOT NULL,
    cache_read INTEGER NOT NULL,
    output INTEGER NOT NULL,
    PRIMARY KEY (agent_id, day)
) STRICT, WITHOUT ROWID;

-- How many tokens each conversation held last: what a wake of it costs.
CREATE TABLE token_contexts (
    session_id TEXT PRIMARY KEY,
    agent_id TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    at INTEGER NOT NULL,
    tokens INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The last usage limit that the records of each agent have told of.
CREATE TABLE agent_limits (
    agent_id TEXT PRIMARY KEY REFERENCES agents (id) ON DELETE CASCADE,
    said_at INTEGER NOT NULL,
    resets_at INTEGER,
    "window" TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;

-- Tokens that an agent may spend in a day (UTC); the row without an agent is for all that have none of their own.
CREATE TABLE budgets (
    agent_id TEXT PRIMARY KEY,
    tokens_per_day INTEGER NOT NULL CHECK (tokens_per_day > 0),
    mode TEXT NOT NULL CHECK (mode IN ('warn', 'soft', 'hard')),
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What was told and done about budgets, once an agent and day.
CREATE TABLE budget_marks (
    agent_id TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    day TEXT NOT NULL,
    level TEXT NOT NULL CHECK (level IN ('warned', 'exceeded', 'napped')),
    at INTEGER NOT NULL,
    PRIMARY KEY (agent_id, day, level)
) STRICT, WITHOUT ROWID;
