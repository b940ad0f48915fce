-- What comes again and again: makes a task for an agent, or only wakes it.
CREATE TABLE routines (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    agent_id TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    every TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    since_at INTEGER NOT NULL,
    goal TEXT,
    title TEXT,
    parent_id TEXT REFERENCES tasks (id) ON DELETE SET NULL,
    message TEXT,
    backfill TEXT NOT NULL,
    active INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Which of its runs are dealt with; by the same transaction that makes the task or the wake, so that none comes twice.
CREATE TABLE routine_runs (
    routine_id TEXT NOT NULL REFERENCES routines (id) ON DELETE CASCADE,
    due_at INTEGER NOT NULL,
    ran_at INTEGER NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('done', 'late', 'missed', 'held')),
    why TEXT NOT NULL DEFAULT '',
    task_id TEXT,
    wakeup_id TEXT,
    PRIMARY KEY (routine_id, due_at)
) STRICT, WITHOUT ROWID;

-- Keys under which something is asked for once and never again, of wakeups that were purged.
CREATE TABLE asked_keys (
    key TEXT PRIMARY KEY,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- One counter table in place of two, so that a change of a wakeup is counted in one place by one statement: rows of day
-- -1 say how many wakeups there are now in each status.
INSERT INTO wakeup_stats (day, "trigger", what, n) SELECT -1, '', status, n FROM wakeup_counts;
DROP TRIGGER wakeups_inserted;
DROP TRIGGER wakeups_changed;
DROP TRIGGER wakeups_ended;
DROP TRIGGER wakeups_deleted;
DROP TABLE wakeup_counts;
CREATE TRIGGER wakeups_inserted AFTER INSERT ON wakeup_requests BEGIN
    INSERT INTO wakeup_stats (day, "trigger", what, n)
    VALUES (-1, '', NEW.status, 1), (NEW.created_at / 86400000000, NEW."trigger", 'asked', 1)
        ON CONFLICT (day, "trigger", what) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER wakeups_changed AFTER UPDATE OF status ON wakeup_requests
    WHEN OLD.status <> NEW.status AND NEW.finished_at IS NULL BEGIN
    INSERT INTO wakeup_stats (day, "trigger", what, n) VALUES (-1, '', OLD.status, -1), (-1, '', NEW.status, 1)
        ON CONFLICT (day, "trigger", what) DO UPDATE SET n = n + excluded.n;
END;
CREATE TRIGGER wakeups_ended AFTER UPDATE OF status ON wakeup_requests
    WHEN OLD.status <> NEW.status AND NEW.finished_at IS NOT NULL BEGIN
    INSERT INTO wakeup_stats (day, "trigger", what, n)
    VALUES (-1, '', OLD.status, -1), (-1, '', NEW.status, 1),
           (NEW.finished_at / 86400000000, NEW."trigger", NEW.status, 1)
        ON CONFLICT (day, "trigger", what) DO UPDATE SET n = n + excluded.n;
END;
CREATE TRIGGER wakeups_deleted AFTER DELETE ON wakeup_requests BEGIN
    UPDATE wakeup_stats SET n = n - 1 WHERE day = -1 AND "trigger" = '' AND what = OLD.status;
END;
