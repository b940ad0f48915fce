"""What is known about each kind of agent: one TOML manifest each, and code where a kind needs it."""
