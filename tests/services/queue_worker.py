"""A process that asks for wakeups and works them off, until it is killed in the middle.

Usage: python -m tests.services.queue_worker HOME ASKS FATAL

Before statement FATAL of the database it kills itself with SIGKILL; 0 is for never. A wakeup with
`poison` in its context kills it, too. It says what was acknowledged to it, a line each.
"""

import os
import signal
import sys
from itertools import count
from pathlib import Path
from time import process_time

from hive_tui.domain.events import Actor
from hive_tui.domain.wakeups import NewWakeup, Trigger, Wakeup
from hive_tui.hive import Hive
from hive_tui.settings import RetrySettings, Settings
from hive_tui.store import agents, claims

ME = Actor.person("test")


def main(home: Path, asks: int, fatal: int) -> None:
    """Recover, then ask and work in turn; at last work off all that is there."""
    began = process_time()
    hive = Hive(home, Settings(retry=RetrySettings(waits_s=(0.001,) * 4)))
    assert hive.heartbeat_lock.try_take("heartbeat")
    statements = count(1)

    def burn(_: str) -> None:
        if next(statements) == fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    hive.database._thawed_writer().set_trace_callback(burn)
    hive.dispatcher.recover_orphans(only_expired=False)
    say("ready", f"{process_time() - began:.3f}")
    everyone = sorted(hive.database.read(agents.names))
    for number in range(asks):
        message = f"{os.getpid()}-{number}"
        who = everyone[number % len(everyone)]
        new = NewWakeup(who, Trigger.GOAL, hive.clock.now(), context={"message": message})
        hive.queue.enqueue(new, ME)
        say("asked", message)
        if number % 3 == 2:
            work(hive)
    while work(hive) or hive.dispatcher.recover_orphans(only_expired=True):
        pass
    hive.heartbeat_lock.release()
    hive.close()


def work(hive: Hive) -> int:
    """One round of the queue; how many wakeups were due."""
    claimed = hive.dispatcher.claim_due(by="worker", limit=5)
    for one in claimed:
        handle(hive, one)
    return len(claimed)


def handle(hive: Hive, one: Wakeup) -> None:
    if one.context.get("poison"):
        os.kill(os.getpid(), signal.SIGKILL)
    if hive.database.write(claims.complete, one, now=hive.clock.now(), verdict="wake", result={"resumed": True}):
        say("done", one.id)


def say(*words: str) -> None:
    print(*words, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
