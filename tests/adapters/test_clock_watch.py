"""The timer that ends with a jump of the wall clock. What the kernel does at a jump is its own promise."""

import select
import sys

import pytest

from hive_tui.adapters import clock_watch
from hive_tui.adapters.clock_watch import ClockWatch


def is_readable(watch: ClockWatch) -> bool:
    return bool(select.select([watch.fileno()], [], [], 0)[0])


@pytest.mark.skipif(sys.platform != "linux", reason="there is no such timer")
def test_it_is_quiet_until_the_timer_ends_and_again_from_then_on(monkeypatch: pytest.MonkeyPatch):
    with monkeypatch.context() as patch:
        patch.setattr(clock_watch, "NEVER_S", 1)  # long ago: it ends at once, as by a jump
        watch = ClockWatch()
    assert (is_readable(watch), watch.drain()) == (True, True)
    assert (is_readable(watch), watch.drain(), watch.is_watching) == (False, False, True)
    watch.close()
    watch.close()
    assert not watch.is_watching and watch.fileno() == -1


def test_where_there_is_no_such_timer_it_says_so(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    watch = ClockWatch()
    assert not watch.is_watching and watch.fileno() == -1
    watch.close()
