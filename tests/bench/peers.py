"""Other durable queues, beside which ours is measured.

APScheduler is installed with us. Others are measured where the environment's `HIVE_BENCH_PEERS` names a Python
interpreter that has them, each in a process of its own (`peer_child.py`).
"""

import json
import os
import subprocess
import threading
from datetime import UTC, timedelta
from functools import partial
from pathlib import Path
from time import perf_counter

import sqlalchemy
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler

from tests.stage import CLOCK

AT_ONCE = 5
PATIENCE_S = 120.0
INTERPRETER = "HIVE_BENCH_PEERS"
CHILD = Path(__file__).with_name("peer_child.py")

_done = threading.Semaphore(0)


def work(context: str) -> None:
    """What a job does: nothing but to be counted."""
    assert context
    _done.release()


class ApScheduler3:
    """APScheduler 3 with its SQLAlchemy job store on SQLite in WAL; with `synchronous=FULL` as durable as ours.

    It keeps neither attempts nor a history: a job is removed right before it runs, so one that is killed is lost.
    """

    def __init__(self, path: Path, context: str, synchronous: str = "FULL") -> None:
        self._context = context
        self._engine = sqlalchemy.create_engine(f"sqlite:///{path}", connect_args={"timeout": 30})
        sqlalchemy.event.listen(self._engine, "connect", partial(_use_wal, synchronous))
        self._scheduler = BackgroundScheduler(
            jobstores={"default": SQLAlchemyJobStore(engine=self._engine)},
            executors={"default": ThreadPoolExecutor(AT_ONCE)},
            job_defaults={"misfire_grace_time": None},
            timezone=UTC,
        )
        self._scheduler.start(paused=True)

    def round(self, count: int) -> tuple[float, float]:
        """Add jobs that are due, then have them run; both a second."""
        due = CLOCK.now() - timedelta(seconds=1)
        began = perf_counter()
        for _ in range(count):
            self._scheduler.add_job(work, "date", run_date=due, args=[self._context])
        added = perf_counter()
        self._scheduler.resume()
        for _ in range(count):
            assert _done.acquire(timeout=PATIENCE_S), "APScheduler has run all jobs"
        ran = perf_counter()
        self._scheduler.pause()
        return count / (added - began), count / (ran - added)

    def wait_with(self, count: int) -> None:
        """Add jobs that are due in a month, and wait for them."""
        due = CLOCK.now() + timedelta(days=30)
        for _ in range(count):
            self._scheduler.add_job(work, "date", run_date=due, args=[self._context])
        self._scheduler.resume()

    def close(self) -> None:
        """End its threads."""
        self._scheduler.shutdown(wait=True)
        self._engine.dispose()


class Child:
    """A peer in another interpreter.

    Args:
        name: As `peer_child.py` knows it.
        url: Its database; None where there is no server for it.
    """

    def __init__(self, name: str, url: str | None) -> None:
        self.title = ""
        """Its name and version; empty where it is not installed."""
        interpreter = os.environ.get(INTERPRETER)
        self._process = self._started([interpreter, "-I", str(CHILD), name, url]) if interpreter and url else None

    def _started(self, command: list[str]) -> "subprocess.Popen[str] | None":
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        if first := process.stdout.readline():
            self.title = json.loads(first)["title"]
            return process
        assert process.wait() == 3, f"{command} has failed"
        return None

    def round(self, count: int) -> tuple[float, float]:
        """Enqueue jobs one by one, then have them worked off: both a second, 0 for what is not measured."""
        if self._process is None:
            return 0.0, 0.0
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(f"{count}\n")
        self._process.stdin.flush()
        found = json.loads(self._process.stdout.readline())
        return found["enqueued"], found.get("completed", 0.0)

    def close(self) -> None:
        """End its process."""
        if self._process is not None:
            self._process.communicate(timeout=PATIENCE_S)


def _use_wal(synchronous: str, connection: object, _: object) -> None:
    cursor = connection.cursor()  # type: ignore[attr-defined]
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute(f"PRAGMA synchronous = {synchronous}")
    cursor.close()
