"""The verbs. They block, and run in worker threads; only heartbeat and hub know asyncio."""
