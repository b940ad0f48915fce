"""A process that pushes a checkpoint to the second place, or restores one, and kills itself after its N-th step.

Usage: python -m tests.services.journaled_worker, with a line of JSON each on standard input: KIND, HOME, SECOND, ID and
N (0 for never). Each is done in a fork; it says `done` and how many steps there were, the name of the error, or
`killed`. A step is a statement on the database, or a change of a file by this process.
"""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from hive_tui.domain.errors import HiveError
from hive_tui.domain.progress import Unwatched
from hive_tui.hive import Hive
from hive_tui.settings import Settings
from hive_tui.store import agents, checkpoints
from tests.keeper import TESTER, offsite_to

CHANGES = {f"os.{name}" for name in ("rename", "remove", "mkdir", "rmdir", "link", "symlink", "truncate")}
WRITES = os.O_WRONLY | os.O_RDWR


class Fuse:
    """Counts steps while it is lit, and kills this process before the chosen one."""

    def __init__(self, fatal: int) -> None:
        self.fatal, self.steps, self.is_lit = fatal, 0, False
        sys.addaudithook(self._heard)

    def burn(self, *_: object) -> None:
        if self.is_lit:
            self.steps += 1
            if self.steps == self.fatal:
                os.kill(os.getpid(), signal.SIGKILL)

    def _heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        is_write = event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITES
        if event in CHANGES or is_write:
            self.burn()


def work(kind: str, home: str, second: str, checkpoint_id: str, fatal: int) -> str:
    hive = Hive(Path(home), Settings(**offsite_to(second)), "/no/server")
    fuse = Fuse(fatal)
    hive.database._thawed_writer().set_trace_callback(fuse.burn)
    try:
        if kind == "push":
            offsite = hive.keeping.offsite
            fuse.is_lit = True
            offsite.work()
        else:
            wanted = hive.database.read(checkpoints.get, checkpoint_id)
            agent, restorer = hive.database.read(agents.get, wanted.agent_id), hive.returning.restorer
            fuse.is_lit = True
            restorer.restore(agent, wanted, TESTER, Unwatched(), wake=False)
    except HiveError as error:
        return f"{type(error).__name__}: {error.what}"
    fuse.is_lit = False
    return f"done {fuse.steps}"


def main() -> None:
    for line in sys.stdin:
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.write(writing, work(*json.loads(line)).encode())
            os._exit(0)
        os.close(writing)
        _, status = os.waitpid(pid, 0)
        os.set_blocking(reading, False)
        try:
            said = os.read(reading, 1000).decode().strip()
        except BlockingIOError:
            said = ""
        os.close(reading)
        print("killed" if os.WIFSIGNALED(status) else said or f"exit {status}", flush=True)


if __name__ == "__main__":
    main()
