-- What came from outside and was dealt with: a delivery that comes again is known by its key.
CREATE TABLE deliveries (
    source TEXT NOT NULL,
    key TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    -- The wakeup that it became; NULL for one that was refused.
    wakeup_id TEXT,
    PRIMARY KEY (source, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX ix_deliveries_at ON deliveries (received_at);
-- Old events are found without a look at the others, and so is the first one after a time.
CREATE INDEX ix_events_at ON events (at);
-- Agents that work, as it seems, and have given no sign of life for long; each is told of once.
CREATE TABLE stale_agents (
    agent_id TEXT PRIMARY KEY REFERENCES agents (id),
    last_seen_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
