-- A model may shorten the prose of a ledger: a stage of its own. Stages tell how far they are.
CREATE TABLE consolidations_wider (
    seq INTEGER PRIMARY KEY,
    agent_id TEXT NOT NULL REFERENCES agents (id),
    source TEXT NOT NULL,
    stage TEXT NOT NULL CHECK (stage IN ('snapshot', 'compress', 'index', 'audit', 'prose')),
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
    UNIQUE (agent_id, source, stage)
) STRICT;
INSERT INTO consolidations_wider (seq, agent_id, source, stage, status, attempts, due_at, started_at, finished_at,
    error, result, cpu_us, allotted_us, progress)
    SELECT seq, agent_id, source, stage, status, attempts, due_at, started_at, finished_at, error, result, cpu_us,
        allotted_us, CASE status WHEN 'done' THEN 1 ELSE 0 END FROM consolidations;
DROP TABLE consolidations;
ALTER TABLE consolidations_wider RENAME TO consolidations;
CREATE INDEX ix_consolidations_due ON consolidations (due_at, seq) WHERE status IN ('pending', 'running');
