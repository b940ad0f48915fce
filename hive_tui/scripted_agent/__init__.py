"""A small agent that behaves like a real one and costs nothing: for tests and for the demo.

It holds a conversation with a session id and a transcript, resumes it, asks for
permission, works, starts background work, hits usage limits, and crashes, all on
demand: see `agent.COMMANDS`. It stands alone and imports nothing of hive-tui.
"""
