-- What a checkpoint cost, whether it was ever restored for proof, and where its file is.
ALTER TABLE checkpoints ADD COLUMN new_bytes INTEGER;
ALTER TABLE checkpoints ADD COLUMN proven_at INTEGER;
ALTER TABLE checkpoints ADD COLUMN proven_note TEXT NOT NULL DEFAULT '';
-- The last restore drill, whatever came of it.
ALTER TABLE checkpoints ADD COLUMN drilled_at INTEGER;
-- 0: the file was removed here on purpose; the off-site copy is all there is.
ALTER TABLE checkpoints ADD COLUMN is_local INTEGER NOT NULL DEFAULT 1;
-- Set for a checkpoint that a person imported; retention leaves it alone.
ALTER TABLE checkpoints ADD COLUMN imported_at INTEGER;

-- Copies in a second place. A row outlives its checkpoint until the copy is removed there too.
CREATE TABLE offsite_copies (
    checkpoint_id TEXT PRIMARY KEY,
    destination TEXT NOT NULL,
    name TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'copied', 'verified', 'failed', 'removing')),
    -- Of what lies there, which is encrypted where there are recipients; NULL until it was sent.
    sha256 TEXT,
    size_bytes INTEGER,
    is_encrypted INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_try_at INTEGER,
    error TEXT,
    verified_at INTEGER,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX ix_offsite_due ON offsite_copies (next_try_at) WHERE next_try_at IS NOT NULL;
