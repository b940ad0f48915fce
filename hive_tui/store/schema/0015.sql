-- What a person is to be told, one row a channel; written in the transaction that reads the log on, so that a crash
-- loses none and makes none twice. `seq` is the event's.
CREATE TABLE alerts (
    id TEXT PRIMARY KEY,
    seq INTEGER NOT NULL,
    channel TEXT NOT NULL,
    purpose TEXT NOT NULL CHECK (purpose IN ('alert', 'escalation')),
    class TEXT NOT NULL CHECK (class IN ('failure', 'warning', 'needs_you')),
    kind TEXT NOT NULL,
    agent_id TEXT,
    agent TEXT NOT NULL DEFAULT '',
    title TEXT NOT NULL,
    body TEXT NOT NULL,
    at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'sent', 'failed', 'dropped')),
    attempts INTEGER NOT NULL DEFAULT 0,
    note TEXT NOT NULL DEFAULT '',
    finished_at INTEGER,
    acknowledged_at INTEGER,
    UNIQUE (seq, channel, purpose)
) STRICT;
CREATE INDEX ix_alerts_due ON alerts (due_at) WHERE state = 'pending';
CREATE INDEX ix_alerts_at ON alerts (at);
