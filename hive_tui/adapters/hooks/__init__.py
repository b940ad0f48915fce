"""What agents' hooks tell: kept in a spool by a command that must be fast, and taken in from there later."""
