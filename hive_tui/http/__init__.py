"""The local HTTP surface: for scripts, hooks, phones behind a tunnel, and monitoring. Off until it is asked for.

It listens to this machine alone, and knows whoever holds the token. `server.HttpServer` runs all of it
on a thread and an event loop of its own.
"""
