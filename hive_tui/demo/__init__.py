"""`hive-tui demo`: a story with scripted agents on a tmux server of its own, of which nothing is left at the end.

- `story.toml`: the agents, their folders, and the steps, with every word and every pause.
- `script`: reads it.
- `stage`: the folder with everything in it, the environment, the tmux server.
- `leftovers`: clears a demo away, also one that was killed.
- `deeds`: what steps can do, by the same services as the dashboard.
- `story`: goes through the steps in a thread and says what happens.
- `departure`: leaves in time when the process is told to end.
"""
