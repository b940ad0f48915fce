"""SQLite. Functions take an open connection, are told the time, and never commit."""
