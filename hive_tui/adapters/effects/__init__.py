"""Commands whose effects are logged: run behind a gate, and probed."""
