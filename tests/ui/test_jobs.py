"""How far long work is, in words."""

import pytest

from hive_tui.domain.errors import Cancelled
from hive_tui.domain.progress import MeasuredProgress
from hive_tui.ui.jobs import Jobs
from tests.clocks import FakeClock


def test_step_bytes_speed_and_time_left_are_said_as_far_as_they_are_known():
    clock = FakeClock()
    progress = MeasuredProgress(clock)
    progress.step("reading the workspace")
    assert progress.in_words() == "reading the workspace"
    clock.advance(3)
    assert progress.in_words() == "reading the workspace, 3s"
    progress.step("writing the checkpoint", 40_000_000)
    progress.advance(5_000_000)
    assert progress.in_words() == "writing the checkpoint, 5.0 MB of 40.0 MB"
    clock.advance(2)
    progress.advance(5_000_000)
    assert progress.in_words() == "writing the checkpoint, 10.0 MB of 40.0 MB, 5.0 MB/s, 6s left"
    progress.advance(40_000_000)
    assert progress.in_words() == "writing the checkpoint, 50.0 MB, 25.0 MB/s", "more than was thought"


def test_work_that_is_cancelled_stops_at_its_next_step():
    jobs = Jobs(FakeClock())
    job, other = jobs.begin("nap shop", "a-1"), jobs.begin("nap mill", "a-2")
    assert jobs.cancel("a-1") == 1
    assert job.progress.in_words() == "stopping"
    with pytest.raises(Cancelled):
        job.progress.step("writing")
    other.progress.step("writing")
    assert jobs.cancel("a-3") == 0
    everyone = jobs.begin("copy off-site", None)
    assert jobs.cancel("a-2") == 1 and not everyone.progress.cancelled.is_set()
    assert jobs.cancel("a-3") == 1 and everyone.progress.cancelled.is_set(), "it is nobody's, and may be meant"


def test_jobs_tell_when_they_begin_and_end():
    seen: list[int] = []
    jobs = Jobs(FakeClock(), changed=lambda: seen.append(len(jobs.running)))
    job = jobs.begin("nap shop", None)
    assert jobs.is_any
    jobs.end(job)
    jobs.end(job)
    assert seen == [1, 0, 0] and not jobs.is_any
