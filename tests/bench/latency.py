"""From just before a wakeup is asked for to the first line of what runs it, on an idle hive with a heartbeat.

Asked for in the heartbeat's own process, by another process through `WakeupQueue` (which rings the doorbell),
and by a foreign program that knows only the table. Each is one durable commit (`synchronous=FULL`), asked for
at random moments. Beside it: the same loop with one bare `sqlite3` commit and a unix datagram in between.
"""

import os
import random
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from time import perf_counter

from hive_tui.assembly.beating import new_heartbeat
from hive_tui.domain.wakeups import NewWakeup, Trigger, Wakeup
from hive_tui.hive import Hive
from hive_tui.services.heartbeat_thread import HeartbeatThread
from hive_tui.settings import NotifySettings, Settings
from hive_tui.store import agents, claims
from tests.bench.figures import Goal, Row, Section, percentile
from tests.bench.plan import Plan
from tests.builders import an_ended_agent
from tests.stage import CLOCK, ROOT, TESTER, eventually

SAMPLES = 100
REST_S = 0.05
"""Up to so long between two samples."""

OTHER = """
import sys
from pathlib import Path
from time import perf_counter
from hive_tui.adapters.clock import SystemClock
from hive_tui.settings import Settings
from hive_tui.domain.events import Actor
from hive_tui.domain.wakeups import NewWakeup, Trigger
from hive_tui.hive import Hive
hive, clock = Hive(Path(sys.argv[1]), Settings()), SystemClock()
hive.queue
print("ready", flush=True)
for _ in sys.stdin:
    print(perf_counter(), flush=True)
    hive.queue.enqueue(NewWakeup("id-of-ada", Trigger.MANUAL, clock.now()), Actor.person("bench"))
"""

FOREIGN = """
import sqlite3, sys
from time import perf_counter
db = sqlite3.connect(sys.argv[1] + "/hive.db", isolation_level=None)
db.execute("PRAGMA synchronous = FULL")
print("ready", flush=True)
for line in sys.stdin:
    print(perf_counter(), flush=True)
    db.execute("UPDATE wakeup_requests SET scheduled_for = 0 WHERE id = ?", (line.strip(),))
"""

Ask = Callable[[], float]
"""Asks for a wakeup; when that began."""


def measure(plan: Plan) -> Section:
    """All ways to ask, in turn, on one hive."""
    found: dict[str, list[list[float]]] = {}
    with (
        Idle(plan.folder / "latency") as idle,
        Bare(plan.folder / "bare") as bare,
        idle.asking(OTHER) as other,
        idle.asking(FOREIGN) as foreign,
    ):
        ways = {
            "same process": lambda: idle.sample(idle.ask),
            "other process": lambda: idle.sample(lambda: other("")),
            "foreign program": lambda: idle.sample(lambda: foreign(idle.row_for_later())),
            "bare": bare.sample,
        }
        for _ in range(max(1, min(plan.runs, 3))):
            for name, sample in ways.items():
                found.setdefault(name, []).append([rested(sample) for _ in range(SAMPLES)])
    rows = [
        Row(f"{name}, p{share * 100:.0f}", "ms", _shares(found[name], share), _shares(found["bare"], share), goal)
        for name in ways
        if name != "bare"
        for share, goal in ((0.5, Goal("ratio", 3)), (0.99, Goal("ratio", 12 if "foreign" in name else 3)))
    ]
    note = "On a machine with nothing else to do: at most 2 / 10 ms, 3 / 15 ms, and 50 ms at p99."
    return Section("From asked for to begun, idle hive", "bare sqlite3 commit and datagram", rows, [note])


def rested(sample: Callable[[], float]) -> float:
    """A sample, after a while."""
    time.sleep(random.uniform(0, REST_S))  # noqa: TID251 - at any moment of the heartbeat's round
    return sample()


def _shares(rounds: list[list[float]], share: float) -> list[float]:
    return [percentile(values, share) * 1000 for values in rounds]


class Idle:
    """A hive with a heartbeat as the dashboard has it; its wakes only note when they begin."""

    def __init__(self, folder: Path) -> None:
        self.hive = Hive(folder, Settings(notify=NotifySettings(desktop=False)), str(folder / "no-server"))
        self._folder = folder
        self._begun = threading.Semaphore(0)
        self._begun_at = 0.0
        self.hive.dispatcher.run = self._run  # type: ignore[method-assign]
        heartbeat = new_heartbeat(self.hive, observe_every_s=1.0)
        self._thread = HeartbeatThread(lambda _: heartbeat)
        self._is_up = lambda: heartbeat.beat.is_working and heartbeat.beat.beat_at

    def __enter__(self) -> "Idle":
        self.hive.database.write(agents.add, an_ended_agent("ada"), now=CLOCK.now())
        self._thread.start()
        eventually(self._is_up, "it beats")
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.stop()
        self.hive.close()

    def ask(self) -> float:
        began = perf_counter()
        self.hive.queue.enqueue(NewWakeup("id-of-ada", Trigger.MANUAL, CLOCK.now()), TESTER)
        return began

    def row_for_later(self) -> str:
        """A row that is due in a day, until somebody changes that."""
        new = NewWakeup("id-of-ada", Trigger.MANUAL, CLOCK.now() + timedelta(days=1))
        return self.hive.queue.enqueue(new, TESTER).wakeup.id

    def sample(self, ask: Ask) -> float:
        """Seconds from asking to the beginning of the wake."""
        began = ask()
        assert self._begun.acquire(timeout=30), "it was never begun"
        return self._begun_at - began

    @contextmanager
    def asking(self, script: str, *more: str) -> Iterator[Callable[[str], float]]:
        """Another process that asks when it is told to."""
        command = [sys.executable, "-c", script, str(self._folder), *more]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=os.environ
        ) as process:
            assert process.stdin is not None and process.stdout is not None
            assert process.stdout.readline() == "ready\n"

            def ask(line: str) -> float:
                assert process.stdin is not None and process.stdout is not None
                process.stdin.write(f"{line}\n")
                process.stdin.flush()
                return float(process.stdout.readline())

            yield ask
            process.stdin.close()

    def _run(self, claimed: Wakeup) -> None:
        begun_at = perf_counter()
        self.hive.database.write(claims.complete, claimed, now=CLOCK.now(), verdict="wake", result={})
        self._begun_at = begun_at
        self._begun.release()


class Bare:
    """One commit, one datagram, one read: the least that is needed between two threads."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._path = folder / "bare.db"
        self._db = sqlite3.connect(self._path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("CREATE TABLE queue (id INTEGER PRIMARY KEY)")
        self._ring, self._heard = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._begun = threading.Semaphore(0)
        self._begun_at = 0.0

    def __enter__(self) -> "Bare":
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ring.send(b"")
        self._db.close()

    def sample(self) -> float:
        """Seconds from asking to the beginning."""
        began = perf_counter()
        self._db.execute("INSERT INTO queue DEFAULT VALUES")
        self._ring.send(b"1")
        self._begun.acquire()
        return self._begun_at - began

    def _serve(self) -> None:
        db = sqlite3.connect(self._path, isolation_level=None)
        db.execute("PRAGMA synchronous = FULL")
        while self._heard.recv(16):
            db.execute("DELETE FROM queue")  # the claim, which is one commit too
            self._begun_at = perf_counter()
            self._begun.release()
        db.close()
