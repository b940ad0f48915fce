"""See, nap, wake and recover coding agents in tmux.

The house, from the inside out; each layer imports only what stands before it:

- `domain`: nouns and rules. Pure: no I/O, no clock.
- `store`: SQLite. Functions take a connection and never commit.
- `archive`: the checkpoint file. Knows no tmux and no SQL.
- `adapters`: the outside (tmux, processes, git, locks, notifications, clock).
- `kinds`: what is known about each kind of agent.
- `services`: the verbs: observe, nap, wake, restore, recover, dispatch.
- `ui`, `cli`: two fronts on the same services, put together in `hive.py`.
- `demo`: a story with scripted agents, on a tmux server of its own.
"""

__version__ = "0.1.0"
