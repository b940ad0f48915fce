-- Times are integer microseconds since the Unix epoch, UTC. JSON is text.

CREATE TABLE agents (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    lifecycle TEXT NOT NULL CHECK (lifecycle IN ('awake', 'napping', 'asleep', 'waking', 'failed')),
    activity TEXT NOT NULL,
    reason TEXT NOT NULL DEFAULT '',
    since_at INTEGER NOT NULL,
    origin TEXT NOT NULL,
    cwd TEXT NOT NULL,
    hosting TEXT NOT NULL CHECK (hosting IN ('shell', 'command')),
    pane_server TEXT,
    pane_id TEXT,
    pid INTEGER,
    pid_started INTEGER,
    session_id TEXT,
    transcript TEXT,
    config_dir TEXT,
    argv TEXT NOT NULL DEFAULT '[]',
    env TEXT NOT NULL DEFAULT '[]',
    pinned INTEGER NOT NULL DEFAULT 0,
    checkpoint_id TEXT,
    prompt TEXT,
    freed_bytes INTEGER NOT NULL DEFAULT 0,
    memory_bytes INTEGER NOT NULL DEFAULT 0,
    started_at INTEGER,
    created_at INTEGER NOT NULL,
    forgotten_at INTEGER
) STRICT;
CREATE UNIQUE INDEX ux_agents_name ON agents (name) WHERE forgotten_at IS NULL;

CREATE TABLE checkpoints (
    id TEXT PRIMARY KEY,
    agent_id TEXT NOT NULL REFERENCES agents (id),
    generation INTEGER NOT NULL CHECK (generation >= 0),
    created_at INTEGER NOT NULL,
    path TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    is_valid INTEGER NOT NULL,
    validation_errors TEXT NOT NULL DEFAULT '[]',
    validated_at INTEGER,
    reason TEXT NOT NULL,
    session_id TEXT,
    took_us INTEGER NOT NULL DEFAULT 0,
    summary TEXT NOT NULL DEFAULT '{}'
) STRICT;
CREATE INDEX ix_checkpoints_agent ON checkpoints (agent_id, generation);

CREATE TABLE wakeup_requests (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    agent_id TEXT NOT NULL REFERENCES agents (id),
    action TEXT NOT NULL DEFAULT 'wake' CHECK (action IN ('wake', 'nap', 'checkpoint', 'consolidate')),
    "trigger" TEXT NOT NULL,
    priority INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 100),
    status TEXT NOT NULL DEFAULT 'pending'
        CHECK (status IN ('pending', 'processing', 'completed', 'failed', 'cancelled')),
    scheduled_for INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    max_attempts INTEGER NOT NULL DEFAULT 5,
    idempotency_key TEXT,
    context TEXT NOT NULL DEFAULT '{}',
    claimed_by TEXT,
    claim_token INTEGER NOT NULL DEFAULT 0,
    lease_until INTEGER,
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    finished_at INTEGER,
    last_error TEXT,
    result TEXT
) STRICT;
CREATE INDEX ix_wakeups_claim ON wakeup_requests (priority DESC, scheduled_for, seq) WHERE status = 'pending';
CREATE INDEX ix_wakeups_due ON wakeup_requests (scheduled_for) WHERE status = 'pending';
CREATE INDEX ix_wakeups_lease ON wakeup_requests (lease_until) WHERE status = 'processing';
CREATE INDEX ix_wakeups_agent ON wakeup_requests (agent_id, status);
CREATE UNIQUE INDEX ux_wakeups_key ON wakeup_requests (idempotency_key)
    WHERE idempotency_key IS NOT NULL AND status IN ('pending', 'processing');

CREATE TABLE wakeup_attempts (
    wakeup_id TEXT NOT NULL REFERENCES wakeup_requests (id) ON DELETE CASCADE,
    number INTEGER NOT NULL CHECK (number >= 1),
    started_at INTEGER NOT NULL,
    finished_at INTEGER,
    outcome TEXT,
    verdict TEXT,
    error TEXT,
    next_at INTEGER,
    PRIMARY KEY (wakeup_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE sleep_windows (
    id TEXT PRIMARY KEY,
    agent_id TEXT REFERENCES agents (id),
    start_time TEXT NOT NULL DEFAULT '02:00',
    end_time TEXT NOT NULL DEFAULT '04:00',
    timezone TEXT NOT NULL DEFAULT 'UTC',
    -- Off until a person enables it: nobody wants agents to vanish at night unasked.
    active INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE events (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    severity TEXT NOT NULL,
    agent_id TEXT,
    actor_kind TEXT NOT NULL,
    actor TEXT NOT NULL,
    text TEXT NOT NULL,
    payload TEXT NOT NULL DEFAULT '{}'
) STRICT;
CREATE INDEX ix_events_agent ON events (agent_id, seq);

CREATE TABLE settings (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Naps, wakes and restores that are under way; a row that nobody holds the agent's lock for was interrupted.
CREATE TABLE operations (
    agent_id TEXT PRIMARY KEY REFERENCES agents (id),
    kind TEXT NOT NULL CHECK (kind IN ('nap', 'wake', 'restore')),
    step TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT '{}',
    started_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The last layout seen of each run of a tmux server that held agents.
CREATE TABLE topologies (
    server TEXT PRIMARY KEY,
    seen_at INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT, WITHOUT ROWID;
