"""The ticker calls back, late rather than never."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from threading import Event, Semaphore, Thread

import pytest
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.job import Job
from apscheduler.schedulers.base import STATE_STOPPED

from hive_tui.adapters.clock import SystemClock
from hive_tui.adapters.ticker import ApTicker
from tests.stage import eventually


class Bell:
    """A ticker, and when it rang."""

    def __init__(self) -> None:
        self.rung: list[datetime] = []
        self.ticker = ApTicker(self._ring)
        self.raises = False

    def has_rung(self, times: int) -> bool:
        return len(self.rung) == times

    def now(self) -> datetime:
        return SystemClock().now()

    def _ring(self) -> None:
        self.rung.append(self.now())
        if self.raises:
            raise ZeroDivisionError("a bug")


@pytest.fixture
def bell() -> Iterator[Bell]:
    made = Bell()
    yield made
    made.ticker.stop()


def test_it_calls_back_at_its_moment_and_not_before(bell: Bell):
    at = bell.now() + timedelta(seconds=0.3)
    bell.ticker.set(at)
    eventually(lambda: bell.rung)
    assert at <= bell.rung[0] < at + timedelta(seconds=20)


def test_a_moment_that_is_long_over_is_not_dropped(bell: Bell):
    bell.ticker.set(bell.now() - timedelta(hours=9))
    eventually(lambda: len(bell.rung) == 1)


def test_another_moment_takes_the_place_of_the_one_before(bell: Bell):
    bell.ticker.set(bell.now() + timedelta(hours=1))
    bell.ticker.set(bell.now())
    eventually(lambda: len(bell.rung) == 1)
    bell.ticker.set(None)
    bell.ticker.set(bell.now())
    eventually(lambda: len(bell.rung) == 2)


def test_what_goes_wrong_in_a_call_does_not_end_it_and_prints_nothing(bell: Bell, capfd: pytest.CaptureFixture[str]):
    bell.raises = True
    for times in (1, 2):
        bell.ticker.set(bell.now())
        eventually(partial(bell.has_rung, times))
    assert capfd.readouterr() == ("", "")


def test_after_its_end_nothing_is_set_any_more(bell: Bell):
    bell.ticker.set(bell.now() + timedelta(hours=1))
    bell.ticker.stop()
    bell.ticker.set(bell.now())
    bell.ticker.stop()
    assert bell.rung == [] and bell.ticker._scheduler is None


def test_a_moment_that_comes_while_a_call_is_under_way_waits_for_it_and_is_not_dropped():
    begun, go_on, active, most = Semaphore(0), Event(), [], []

    def call() -> None:
        active.append(1)
        most.append(len(active))
        begun.release()
        assert go_on.wait(20)
        active.pop()

    ticker = ApTicker(call)
    ticker.set(SystemClock().now())
    assert begun.acquire(timeout=20)
    ticker.set(SystemClock().now())
    eventually(lambda: ticker._scheduler is not None and not ticker._scheduler.get_jobs(), "the second one is taken up")
    go_on.set()
    assert begun.acquire(timeout=20), "the second moment calls, too"
    ticker.stop()
    assert most == [1, 1], "never two at once"


def test_it_is_stopped_between_a_call_and_what_its_thread_notes_of_it(monkeypatch: pytest.MonkeyPatch):
    died, submit = [], ThreadPoolExecutor.submit_job

    def submit_job(executor: ThreadPoolExecutor, job: Job, run_times: list[datetime]) -> None:
        submit(executor, job, run_times)
        stopping.start()
        with suppress(AssertionError):
            eventually(lambda: executor._scheduler.state == STATE_STOPPED, timeout_s=0.2)

    monkeypatch.setattr(ThreadPoolExecutor, "submit_job", submit_job)
    monkeypatch.setattr("threading.excepthook", lambda args: died.append(args.exc_type))
    ticker = ApTicker(lambda: None)
    stopping = Thread(target=ticker.stop)
    ticker.set(SystemClock().now())
    eventually(lambda: stopping.ident is not None, "it has called")
    stopping.join(20)
    assert not stopping.is_alive() and died == []
