"""Long work asks at each step whether it is to stop."""

import pytest

from hive_tui.domain.errors import Cancelled
from hive_tui.domain.progress import MeasuredProgress, Unwatched
from tests.clocks import FakeClock


def test_work_that_nobody_stops_goes_on():
    progress = Unwatched()
    progress.step("reading")
    progress.advance(1_000)


@pytest.mark.parametrize("asked", ["step", "advance"])
def test_stopped_work_ends_at_its_next_step_or_bytes_and_says_that_nothing_was_changed(asked: str):
    progress = Unwatched()
    progress.cancelled.set()
    with pytest.raises(Cancelled, match="Stopped, as you asked") as caught:
        progress.step("reading") if asked == "step" else progress.advance(1)
    assert "Nothing was changed" in caught.value.hint


def test_stopping_one_work_stops_no_other():
    stopped, other = Unwatched(), Unwatched()
    stopped.cancelled.set()
    other.step("reading")


def test_past_the_point_of_no_return_it_cannot_be_stopped_and_says_why():
    progress = MeasuredProgress(FakeClock())
    progress.no_way_back("files are changed already")
    assert progress.ask_to_stop() == "files are changed already"
    progress.step("writing")
    progress.advance(1)
    assert progress.in_words().startswith("cannot be stopped any more, since files are changed already")


def test_stopped_before_the_point_of_no_return_it_never_passes_it():
    progress = Unwatched()
    assert progress.ask_to_stop() == ""
    with pytest.raises(Cancelled):
        progress.no_way_back("files are changed already")
