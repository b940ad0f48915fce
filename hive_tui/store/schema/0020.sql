-- A record for programs knows a limit better than a sentence on a screen; of older rows that is not known.
ALTER TABLE agent_limits ADD COLUMN is_structured INTEGER NOT NULL DEFAULT 0 CHECK (is_structured IN (0, 1));
