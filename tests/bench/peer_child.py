"""A peer in an interpreter of its own, which need not know this project: `python -I peer_child.py NAME URL`.

A number of jobs on a line of stdin is a round: so many are enqueued, one commit each, and where that is measured
worked off by five at once. A line of JSON answers it, with both a second; the first line says what it is.
"""

import asyncio
import json
import logging
import os
import sys
from collections.abc import Callable
from importlib.metadata import version
from time import perf_counter
from typing import Any

CONTEXT = '{"mission": "Ship the release", "goal": {"id": "g-1042", "title": "Reduce the crash rate"}}'
AT_ONCE = 5
Rounds = Callable[[int], dict[str, float]]


def dbos(url: str) -> tuple[str, Rounds]:
    """DBOS: a workflow is put into its queue, as a client does it."""
    from dbos import DBOS, DBOSClient  # type: ignore[import-not-found]

    DBOS(config={"name": "bench", "system_database_url": url, "log_level": "ERROR", "application_version": "1"})
    DBOS.launch()  # which makes the tables
    DBOS.register_queue("bench")
    DBOS.destroy()
    client = DBOSClient(system_database_url=url)
    where = {"queue_name": "bench", "workflow_name": "work", "app_version": "1"}

    def measure(count: int) -> dict[str, float]:
        began = perf_counter()
        for _ in range(count):
            client.enqueue(where, CONTEXT)
        return {"enqueued": count / (perf_counter() - began)}

    return f"DBOS {version('dbos')}", measure


def procrastinate(url: str) -> tuple[str, Rounds]:
    """Procrastinate with its own worker, which is left once it has caught up."""
    from procrastinate import App, PsycopgConnector  # type: ignore[import-not-found]

    app = App(connector=PsycopgConnector(conninfo=url, max_size=AT_ONCE + 3))
    done: list[str] = []

    @app.task(queue="bench")  # type: ignore[untyped-decorator]
    async def work(context: str) -> None:
        done.append(context)

    async def both(count: int) -> dict[str, float]:
        done.clear()
        began = perf_counter()
        for _ in range(count):
            await work.defer_async(context=CONTEXT)
        enqueued = perf_counter()
        await app.run_worker_async(concurrency=AT_ONCE, wait=False, install_signal_handlers=False)
        assert len(done) == count, "all jobs were run"
        return {"enqueued": count / (enqueued - began), "completed": count / (perf_counter() - enqueued)}

    async def ready() -> None:
        await app.open_async()
        await app.schema_manager.apply_schema_async()

    loop = asyncio.new_event_loop()
    loop.run_until_complete(ready())
    return f"Procrastinate {version('procrastinate')}", lambda count: loop.run_until_complete(both(count))


PEERS: dict[str, Any] = {"dbos": dbos, "procrastinate": procrastinate}


def main(name: str, url: str) -> None:
    """Measure until there is no more on stdin; exit status 3 where the peer is not installed."""
    logging.disable(logging.WARNING)
    try:
        title, measure = PEERS[name](url)
    except ImportError:
        sys.exit(3)
    print(json.dumps({"title": title}), flush=True)
    for line in sys.stdin:
        print(json.dumps(measure(int(line))), flush=True)
    os._exit(0)  # its pools and threads need no farewell


if __name__ == "__main__":
    main(*sys.argv[1:])
