-- When a sleep window was last enabled or changed: edges before that are none of its.
ALTER TABLE sleep_windows ADD COLUMN since INTEGER;

-- Edges of sleep windows that were dealt with: a row is why none happens twice, on whatever day or clock.
CREATE TABLE schedule_ticks (
    window_id TEXT NOT NULL REFERENCES sleep_windows (id) ON DELETE CASCADE,
    edge TEXT NOT NULL CHECK (edge IN ('nap', 'wake')),
    local_date TEXT NOT NULL,
    due_at INTEGER NOT NULL,
    ticked_at INTEGER NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('done', 'late', 'missed')),
    -- How many agents were asked to nap or wake.
    agents INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (window_id, edge, local_date)
) STRICT, WITHOUT ROWID;
-- The naps that a window has asked for, found when it ends.
CREATE INDEX ix_wakeups_naps ON wakeup_requests (idempotency_key, seq) WHERE action = 'nap';
