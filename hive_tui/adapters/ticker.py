"""Calls back at a moment, by APScheduler: never dropped for being late, never twice at once."""

import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apscheduler.schedulers.background import BackgroundScheduler

# Its standard is to drop a job that is a second late, or whose last call has not ended. One worker thread alone: a
# moment that comes while a call is under way waits for it.
JOB_DEFAULTS = {"misfire_grace_time": None, "coalesce": True, "max_instances": 1_000}
JOB = "edge"

# It tells of what it does on stderr, which is the dashboard's screen, unless somebody listens.
logging.getLogger("apscheduler").addHandler(logging.NullHandler())


class ApTicker:
    """One thread, which is not there before the first moment is set. The moment itself is kept by its user."""

    def __init__(self, call: Callable[[], None]) -> None:
        self._call = call
        self._lock = Lock()
        self._at: datetime | None = None
        self._scheduler: BackgroundScheduler | None = None
        self._is_stopped = False

    def set(self, at: datetime | None) -> None:
        """Call back at that moment, aware UTC, in place of the one set before; None for not at all."""
        with self._lock:
            if at == self._at or self._is_stopped:
                return
            self._at = at
            if self._scheduler is None:
                if at is None:
                    return
                # 10 MB and 0.1 s, for those who have a sleep window only.
                from apscheduler.executors.pool import ThreadPoolExecutor
                from apscheduler.schedulers.background import BackgroundScheduler

                worker = {"default": ThreadPoolExecutor(max_workers=1)}
                self._scheduler = BackgroundScheduler(
                    timezone=UTC, executors=worker, job_defaults=JOB_DEFAULTS, daemon=True
                )
                self._scheduler.start()
            if at is None:
                self._scheduler.remove_all_jobs()
            else:
                self._scheduler.add_job(self._run, "date", run_date=at, id=JOB, replace_existing=True)

    def stop(self) -> None:
        """Call back no more; waits for a call that is under way."""
        with self._lock:
            self._is_stopped = True
            scheduler, self._scheduler = self._scheduler, None
        if scheduler is not None:
            # Waits for its thread to be done with a job: that one would look for it where a stopped scheduler has none,
            # and end with a traceback.
            scheduler.remove_all_jobs()
            scheduler.shutdown(wait=True)

    def _run(self) -> None:
        with self._lock:
            self._at = None
        # The heartbeat does the same soon, and tells what goes wrong.
        with suppress(Exception):
            self._call()
