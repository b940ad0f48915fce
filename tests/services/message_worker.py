"""A process that says something to an agent, and kills itself after the N-th call to the outside.

Usage: python -m tests.services.message_worker, with a line of JSON each on standard input: HOME, SOCKET, AGENT_ID,
WAKEUP, MESSAGE and N (0 for never). Each is done in a fork; it says `said`, the name of the error, or `killed`.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

from hive_tui.domain.agents import Activity
from hive_tui.domain.errors import HiveError
from hive_tui.hive import Hive
from hive_tui.services import messages
from hive_tui.settings import Settings
from hive_tui.store import agents


def say(home: str, socket: str, agent_id: str, wakeup: str, message: str, fatal: int) -> str:
    messages.SETTLED_S = 0.2
    hive = Hive(Path(home), Settings(), socket)
    calls = count(1)

    def counted(work: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            result = work(*arguments, **options)
            if next(calls) == fatal:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return call

    sighting = hive.observer.observe().sightings[agent_id]
    busy = "" if sighting.activity is Activity.IDLE else "it is working"
    hive.database.write = counted(hive.database.write)  # type: ignore[method-assign]
    for name in ("set_options", "paste", "send_keys"):
        setattr(hive.panes, name, counted(getattr(hive.panes, name)))
    agent = hive.database.read(agents.get, agent_id)
    try:
        messages.Messenger(hive.panes, hive.kinds, lambda: hive.effecting.log, hive.clock).deliver(
            agent, sighting.pane, [message], wakeup, busy=busy
        )
    except HiveError as error:
        return type(error).__name__
    return "said"


def main() -> None:
    for line in sys.stdin:
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.write(writing, say(*json.loads(line)).encode())
            os._exit(0)
        os.close(writing)
        _, status = os.waitpid(pid, 0)
        with os.fdopen(reading) as said:
            print("killed" if os.WIFSIGNALED(status) else said.read() or f"exit {status}", flush=True)


if __name__ == "__main__":
    main()
