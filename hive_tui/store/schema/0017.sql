-- Fewer indexes, so that a change of a wakeup writes fewer pages: what an agent waits for has no end yet and is found by
-- that, right beside what has ended last; when the next one is due is looked up by priority, as the claim does it.
UPDATE wakeup_requests SET finished_at = coalesce(started_at, created_at)
 WHERE finished_at IS NULL AND status IN ('completed', 'failed', 'cancelled');
UPDATE wakeup_requests SET finished_at = NULL WHERE finished_at IS NOT NULL AND status IN ('pending', 'processing');
DROP INDEX ix_wakeups_due;
DROP INDEX ix_wakeups_wakes;
DROP INDEX ix_wakeups_agent;
CREATE INDEX ix_wakeups_agent ON wakeup_requests (agent_id, finished_at IS NULL, finished_at);
