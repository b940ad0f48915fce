-- What did not answer in time is told by the class of the error, not by its words.
ALTER TABLE consolidations ADD COLUMN error_class TEXT;
DROP TRIGGER metric_attempt_ended;
DROP TRIGGER metric_consolidated;
CREATE TRIGGER metric_attempt_ended AFTER UPDATE OF finished_at ON wakeup_attempts
    WHEN OLD.finished_at IS NULL AND NEW.finished_at IS NOT NULL BEGIN
    INSERT INTO metric_inbox (what, at, agent_id, body)
    SELECT 'ended', NEW.finished_at, agent_id,
           json_object('id', id, 'action', action, 'source', "trigger", 'outcome', NEW.outcome,
                       'verdict', substr(NEW.verdict, 1, 60), 'class', NEW.error_class, 'next', NEW.next_at)
      FROM wakeup_requests WHERE id = NEW.wakeup_id;
END;
CREATE TRIGGER metric_consolidated AFTER UPDATE OF status ON consolidations
    WHEN OLD.status = 'running' AND NEW.status <> 'running' BEGIN
    INSERT INTO metric_inbox (what, at, agent_id, body)
    VALUES ('consolidated', coalesce(NEW.finished_at, NEW.started_at, NEW.due_at), NEW.agent_id,
            json_object('stage', NEW.stage, 'status', NEW.status, 'cpu', NEW.cpu_us - OLD.cpu_us,
                        'allotted', NEW.allotted_us - OLD.allotted_us, 'class', NEW.error_class,
                        'began', NEW.started_at, 'ended', NEW.finished_at, 'result', NEW.result));
END;
