-- Figures as sums per hour, per day and for ever. What they were made of may be purged; they stay.
CREATE TABLE metric_sums (
    scale TEXT NOT NULL CHECK (scale IN ('hour', 'day', 'ever')),
    name TEXT NOT NULL,
    -- Hours or days since the epoch, UTC; 0 for ever.
    bucket INTEGER NOT NULL,
    -- '' for what is about no agent.
    agent_id TEXT NOT NULL DEFAULT '',
    -- Values of the labels of that name, with commas between.
    labels TEXT NOT NULL DEFAULT '',
    value REAL NOT NULL,
    PRIMARY KEY (scale, name, bucket, agent_id, labels)
) STRICT, WITHOUT ROWID;

-- Figures of which only the latest counts.
CREATE TABLE metric_latest (
    name TEXT NOT NULL,
    agent_id TEXT NOT NULL DEFAULT '',
    labels TEXT NOT NULL DEFAULT '',
    value REAL NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (name, agent_id, labels)
) STRICT, WITHOUT ROWID;

-- How far sources were read, and what was said of agents last.
CREATE TABLE metric_marks (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL,
    said TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;

-- Wakes of which it is not known yet whether they were of use, or whether work was done twice after them.
CREATE TABLE metric_wakes (
    wakeup_id TEXT PRIMARY KEY,
    agent_id TEXT NOT NULL,
    source TEXT NOT NULL,
    woken_at INTEGER NOT NULL,
    judged_at INTEGER
) STRICT, WITHOUT ROWID;

-- What was done, written by the same transaction; a row goes once it is counted.
CREATE TABLE metric_inbox (
    seq INTEGER PRIMARY KEY,
    what TEXT NOT NULL CHECK (what IN ('started', 'ended', 'consolidated')),
    at INTEGER NOT NULL,
    agent_id TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;

CREATE TRIGGER metric_attempt_started AFTER INSERT ON wakeup_attempts WHEN NEW.finished_at IS NULL BEGIN
    INSERT INTO metric_inbox (what, at, agent_id, body)
    SELECT 'started', NEW.started_at, agent_id,
           json_object('action', action, 'due', scheduled_for, 'asked', created_at)
      FROM wakeup_requests WHERE id = NEW.wakeup_id;
END;
CREATE TRIGGER metric_attempt_ended AFTER UPDATE OF finished_at ON wakeup_attempts
    WHEN OLD.finished_at IS NULL AND NEW.finished_at IS NOT NULL BEGIN
    INSERT INTO metric_inbox (what, at, agent_id, body)
    SELECT 'ended', NEW.finished_at, agent_id,
           json_object('id', id, 'action', action, 'source', "trigger", 'outcome', NEW.outcome,
                       'verdict', substr(NEW.verdict, 1, 60), 'error', substr(NEW.error, 1, 200), 'next', NEW.next_at)
      FROM wakeup_requests WHERE id = NEW.wakeup_id;
END;
CREATE TRIGGER metric_consolidated AFTER UPDATE OF status ON consolidations
    WHEN OLD.status = 'running' AND NEW.status <> 'running' BEGIN
    INSERT INTO metric_inbox (what, at, agent_id, body)
    VALUES ('consolidated', coalesce(NEW.finished_at, NEW.started_at, NEW.due_at), NEW.agent_id,
            json_object('stage', NEW.stage, 'status', NEW.status, 'cpu', NEW.cpu_us - OLD.cpu_us,
                        'allotted', NEW.allotted_us - OLD.allotted_us, 'error', substr(NEW.error, 1, 200),
                        'began', NEW.started_at, 'ended', NEW.finished_at, 'result', NEW.result));
END;

-- What was done before there were figures.
INSERT INTO metric_inbox (what, at, agent_id, body)
SELECT 'ended', one.finished_at, agent_id,
       json_object('id', id, 'action', action, 'source', "trigger", 'outcome', one.outcome,
                   'verdict', substr(one.verdict, 1, 60), 'error', substr(one.error, 1, 200), 'next', one.next_at)
  FROM wakeup_attempts AS one JOIN wakeup_requests ON id = one.wakeup_id
 WHERE one.finished_at IS NOT NULL AND one.outcome IS NOT NULL ORDER BY one.finished_at;
INSERT INTO metric_inbox (what, at, agent_id, body)
SELECT 'consolidated', finished_at, agent_id,
       json_object('stage', stage, 'status', status, 'cpu', cpu_us, 'allotted', allotted_us,
                   'error', substr(error, 1, 200), 'began', started_at, 'ended', finished_at, 'result', result)
  FROM consolidations WHERE finished_at IS NOT NULL AND status IN ('done', 'failed') ORDER BY seq;

-- Of each answer: its conversation, and how long that was with it; 0 for an answer beside the conversation,
-- -1 where that was not noted.
ALTER TABLE token_usage ADD COLUMN session_id TEXT NOT NULL DEFAULT '';
ALTER TABLE token_usage ADD COLUMN context INTEGER NOT NULL DEFAULT -1;
CREATE INDEX ix_token_usage_agent ON token_usage (agent_id, at);
