"""The ticker calls back, late rather than never."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial

import pytest

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
    assert at <= bell.rung[0] < at + timedelta(seconds=2)


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
