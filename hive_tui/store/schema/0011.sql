-- Side effects under idempotency keys: each is done once, or a person says what has become of it.
CREATE TABLE effects (
    seq INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    target TEXT NOT NULL,
    digest TEXT NOT NULL,
    shown TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('intent', 'done', 'failed', 'unknown')),
    agent_id TEXT REFERENCES agents (id),
    probe TEXT NOT NULL DEFAULT '{}',
    runner_pid INTEGER,
    runner_started INTEGER,
    child_pid INTEGER,
    child_started INTEGER,
    attempt INTEGER NOT NULL,
    intent_at INTEGER NOT NULL,
    ended_at INTEGER,
    error TEXT,
    exit_code INTEGER,
    result TEXT NOT NULL DEFAULT '{}',
    is_repeatable INTEGER NOT NULL DEFAULT 0,
    checkpoint_id TEXT
) STRICT;
CREATE INDEX ix_effects_agent ON effects (agent_id, intent_at);
CREATE INDEX ix_effects_open ON effects (state) WHERE state IN ('intent', 'unknown');
CREATE INDEX ix_effects_ended ON effects (ended_at) WHERE state IN ('done', 'failed');

-- What commands have printed: all of it, or how it begins and ends.
CREATE TABLE effect_outputs (
    key TEXT NOT NULL REFERENCES effects (key) ON DELETE CASCADE,
    stream TEXT NOT NULL CHECK (stream IN ('stdout', 'stderr')),
    head BLOB NOT NULL,
    tail BLOB NOT NULL,
    size_bytes INTEGER NOT NULL,
    PRIMARY KEY (key, stream)
) STRICT, WITHOUT ROWID;
