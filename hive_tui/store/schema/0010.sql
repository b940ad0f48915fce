-- Services of the machine as last seen, and what was decided about them. What they are stands in the settings.
CREATE TABLE services (
    name TEXT PRIMARY KEY,
    desired TEXT NOT NULL DEFAULT 'auto' CHECK (desired IN ('on', 'off', 'auto')),
    actual TEXT NOT NULL DEFAULT 'unknown',
    detail TEXT NOT NULL DEFAULT '',
    last_used_at INTEGER,
    looked_at INTEGER,
    run_id TEXT NOT NULL DEFAULT '',
    cpu_s REAL,
    network_bytes INTEGER,
    reason TEXT NOT NULL DEFAULT '',
    sleeps_at INTEGER,
    crashes INTEGER NOT NULL DEFAULT 0,
    crashed_at INTEGER,
    start_asked_at INTEGER
) STRICT;

-- Models in the memory of model servers, and those that were.
CREATE TABLE models (
    provider TEXT NOT NULL,
    name TEXT NOT NULL,
    is_loaded INTEGER NOT NULL DEFAULT 1,
    size_bytes INTEGER,
    vram_bytes INTEGER,
    expires_at INTEGER,
    used TEXT NOT NULL DEFAULT '',
    last_used_at INTEGER,
    looked_at INTEGER,
    keep_until INTEGER,
    reason TEXT NOT NULL DEFAULT '',
    unloaded_at INTEGER,
    reloads INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (provider, name)
) STRICT;
