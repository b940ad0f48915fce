"""Runs one verb of the hive and kills itself with SIGKILL at a chosen call to the outside.

Usage: python -m tests.e2e.killed HOME SOCKET VERB AGENT_ID POINT

The calls counted are transactions, tmux commands, signals and progress steps: between
any two of them nothing outside this process changes. POINT 0 kills nowhere and prints
how many calls there were; a POINT that is no number names a step of the progress or of the journal.
"""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hive_tui.domain.events import Actor
from hive_tui.domain.progress import Unwatched
from hive_tui.domain.wakeups import NewWakeup, Trigger
from hive_tui.hive import Hive
from hive_tui.services.nap import NapRequest
from hive_tui.settings import RetrySettings, Settings
from hive_tui.store import agents, checkpoints

PERSON = Actor.person("test")


class Fuse:
    """Counts calls, and kills this process right after the chosen one."""

    def __init__(self, point: str) -> None:
        self.point = int(point) if point.isdigit() else 0
        self.step = "" if point.isdigit() else point
        self.calls = 0

    def wrap(self, work: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            try:
                return work(*arguments, **options)
            finally:
                self.burn(*map(str, arguments))

        return call

    def burn(self, *said: str) -> None:
        self.calls += 1
        if self.calls == self.point or (self.step and self.step in said):
            os.kill(os.getpid(), signal.SIGKILL)


class Counted(Unwatched):
    """Progress whose steps count as calls."""

    def __init__(self, fuse: Fuse) -> None:
        super().__init__()
        self._fuse = fuse

    def step(self, name: str, total_bytes: int = 0) -> None:
        super().step(name)
        self._fuse.burn(name)


def main() -> None:
    home, socket, verb, agent_id, point = sys.argv[1:]
    fuse = Fuse(point)
    hive = Hive(Path(home), Settings(retry=RetrySettings(waits_s=(0.2, 0.2, 0.2, 0.2))), socket)
    hive.database.write = fuse.wrap(hive.database.write)  # type: ignore[method-assign]
    hive.tmux.run = fuse.wrap(hive.tmux.run)  # type: ignore[method-assign]
    hive.processes.signal = fuse.wrap(hive.processes.signal)  # type: ignore[method-assign]
    if verb == "nap":
        hive.napper.nap(agent_id, NapRequest("test", PERSON), Counted(fuse))
    elif verb == "restore":
        agent = hive.database.read(agents.get, agent_id)
        oldest = hive.database.read(checkpoints.of_agent, agent_id)[-1]
        hive.returning.restorer.restore(agent, oldest, PERSON, Counted(fuse))
    else:
        asked = hive.queue.enqueue(NewWakeup(agent_id, Trigger.MANUAL, hive.clock.now()), PERSON)
        hive.foreground.run([asked.wakeup], timeout_s=40)
    print(fuse.calls)


if __name__ == "__main__":
    main()
