-- Agents that are woken by a person only.
ALTER TABLE agents ADD COLUMN held INTEGER NOT NULL DEFAULT 0;
