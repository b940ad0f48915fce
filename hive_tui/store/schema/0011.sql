-- Events of hooks that were taken in: a row is why none counts twice.
CREATE TABLE hook_events (
    name TEXT PRIMARY KEY,
    at INTEGER NOT NULL,
    taken_at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    session_id TEXT,
    event TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX ix_hook_events_taken ON hook_events (taken_at);

-- What they have told of each conversation last.
CREATE TABLE hook_sessions (
    kind TEXT NOT NULL,
    session_id TEXT NOT NULL,
    event TEXT NOT NULL,
    at INTEGER NOT NULL,
    activity TEXT,
    activity_event TEXT NOT NULL DEFAULT '',
    activity_at INTEGER,
    cwd TEXT,
    transcript TEXT,
    pane_id TEXT,
    tmux_pid INTEGER,
    ancestors TEXT NOT NULL DEFAULT '',
    said TEXT NOT NULL DEFAULT '',
    has_ended INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (kind, session_id)
) STRICT, WITHOUT ROWID;
