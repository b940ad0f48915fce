-- What was said can be found by its meaning: a stage of its own makes the vectors.
DROP TRIGGER metric_consolidated;
CREATE TABLE consolidations_wider (
    seq INTEGER PRIMARY KEY,
    agent_id TEXT NOT NULL REFERENCES agents (id),
    source TEXT NOT NULL,
    stage TEXT NOT NULL CHECK (stage IN ('snapshot', 'compress', 'index', 'audit', 'prose', 'vectors')),
    status TEXT NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'running', 'done', 'failed', 'skipped')),
    attempts INTEGER NOT NULL DEFAULT 0,
    due_at INTEGER NOT NULL,
    started_at INTEGER,
    finished_at INTEGER,
    error TEXT,
    result TEXT NOT NULL DEFAULT '{}',
    cpu_us INTEGER NOT NULL DEFAULT 0,
    allotted_us INTEGER NOT NULL DEFAULT 0,
    progress REAL NOT NULL DEFAULT 0 CHECK (progress BETWEEN 0 AND 1),
    error_class TEXT,
    UNIQUE (agent_id, source, stage)
) STRICT;
INSERT INTO consolidations_wider (seq, agent_id, source, stage, status, attempts, due_at, started_at, finished_at,
    error, result, cpu_us, allotted_us, progress, error_class)
    SELECT seq, agent_id, source, stage, status, attempts, due_at, started_at, finished_at, error, result, cpu_us,
        allotted_us, progress, error_class FROM consolidations;
DROP TABLE consolidations;
ALTER TABLE consolidations_wider RENAME TO consolidations;
CREATE INDEX ix_consolidations_due ON consolidations (due_at, seq) WHERE status IN ('pending', 'running');
CREATE TRIGGER metric_consolidated AFTER UPDATE OF status ON consolidations
    WHEN OLD.status = 'running' AND NEW.status <> 'running' BEGIN
    INSERT INTO metric_inbox (what, at, agent_id, body)
    VALUES ('consolidated', coalesce(NEW.finished_at, NEW.started_at, NEW.due_at), NEW.agent_id,
            json_object('stage', NEW.stage, 'status', NEW.status, 'cpu', NEW.cpu_us - OLD.cpu_us,
                        'allotted', NEW.allotted_us - OLD.allotted_us, 'class', NEW.error_class,
                        'began', NEW.started_at, 'ended', NEW.finished_at, 'result', NEW.result));
END;
