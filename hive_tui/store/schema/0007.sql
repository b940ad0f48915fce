-- Which other triggers were merged into a wakeup (names with commas between), and when it was last asked for.
ALTER TABLE wakeup_requests ADD COLUMN also TEXT NOT NULL DEFAULT '';
ALTER TABLE wakeup_requests ADD COLUMN asked_at INTEGER;
-- Of a failed attempt: transient, permanent or needs-person.
ALTER TABLE wakeup_attempts ADD COLUMN error_class TEXT;

-- Every idempotency key that was asked under, also of requests that were merged into another one.
CREATE TABLE wakeup_keys (
    key TEXT PRIMARY KEY,
    wakeup_id TEXT NOT NULL REFERENCES wakeup_requests (id) ON DELETE CASCADE,
    -- Until then the key stands for its wakeup even after that has ended; NULL for no longer than that.
    expires_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX ix_wakeup_keys_wakeup ON wakeup_keys (wakeup_id);
INSERT INTO wakeup_keys (key, wakeup_id) SELECT idempotency_key, id FROM wakeup_requests
 WHERE idempotency_key IS NOT NULL AND status IN ('pending', 'processing');

-- What the gate remembers of an agent: the circuit breaker, and when it was last woken.
CREATE TABLE wake_states (
    agent_id TEXT PRIMARY KEY REFERENCES agents (id) ON DELETE CASCADE,
    failures INTEGER NOT NULL DEFAULT 0,
    trips INTEGER NOT NULL DEFAULT 0,
    open_until INTEGER,
    woken_at INTEGER
) STRICT, WITHOUT ROWID;

-- History is read by its end, unfinished wakes by their agent; neither walks what the other is about.
DROP INDEX ix_wakeups_agent;
CREATE INDEX ix_wakeups_agent ON wakeup_requests (agent_id, status, finished_at);
CREATE INDEX ix_wakeups_ended ON wakeup_requests (status, finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX ix_wakeups_wakes ON wakeup_requests (agent_id, scheduled_for)
    WHERE action = 'wake' AND status IN ('pending', 'processing');

-- Statistics, kept by the same transactions as the rows: counting a history takes as long as it is.
CREATE TABLE wakeup_counts (
    status TEXT PRIMARY KEY,
    n INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE wakeup_stats (
    day INTEGER NOT NULL,
    "trigger" TEXT NOT NULL,
    what TEXT NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (day, "trigger", what)
) STRICT, WITHOUT ROWID;
INSERT INTO wakeup_counts (status, n) SELECT status, count(*) FROM wakeup_requests GROUP BY status;
INSERT INTO wakeup_stats (day, "trigger", what, n)
SELECT created_at / 86400000000, "trigger", 'asked', count(*) FROM wakeup_requests GROUP BY 1, 2
 UNION ALL
SELECT finished_at / 86400000000, "trigger", status, count(*) FROM wakeup_requests
 WHERE finished_at IS NOT NULL GROUP BY 1, 2, 3;

CREATE TRIGGER wakeups_inserted AFTER INSERT ON wakeup_requests BEGIN
    INSERT INTO wakeup_counts (status, n) VALUES (NEW.status, 1) ON CONFLICT (status) DO UPDATE SET n = n + 1;
    INSERT INTO wakeup_stats (day, "trigger", what, n) VALUES (NEW.created_at / 86400000000, NEW."trigger", 'asked', 1)
        ON CONFLICT (day, "trigger", what) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER wakeups_changed AFTER UPDATE OF status ON wakeup_requests WHEN OLD.status <> NEW.status BEGIN
    UPDATE wakeup_counts SET n = n - 1 WHERE status = OLD.status;
    INSERT INTO wakeup_counts (status, n) VALUES (NEW.status, 1) ON CONFLICT (status) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER wakeups_ended AFTER UPDATE OF status ON wakeup_requests
    WHEN OLD.status <> NEW.status AND NEW.finished_at IS NOT NULL BEGIN
    INSERT INTO wakeup_stats (day, "trigger", what, n)
    VALUES (NEW.finished_at / 86400000000, NEW."trigger", NEW.status, 1)
        ON CONFLICT (day, "trigger", what) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER wakeups_deleted AFTER DELETE ON wakeup_requests BEGIN
    UPDATE wakeup_counts SET n = n - 1 WHERE status = OLD.status;
END;
