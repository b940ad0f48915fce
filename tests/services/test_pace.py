"""How soon is looked again, and which rounds do more than look."""

import pytest

from hive_tui.services.pace import GLANCE_EVERY_S, LOOKS_AT_ONCE, WORK_AT_LEAST_EVERY_S, Pace
from tests.clocks import FakeClock

EVERY_S = 2.0


class Beating:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.commits = 0
        self.pace = Pace(EVERY_S, self.clock.monotonic, lambda: self.commits)


@pytest.fixture
def beating() -> Beating:
    made = Beating()
    made.pace.works()
    made.pace.rested(is_for_news=True)
    return made


def test_the_first_round_does_all():
    assert not Beating().pace.is_only_look


def test_a_round_for_news_only_looks(beating: Beating):
    assert beating.pace.is_only_look


def test_a_round_for_anything_else_does_all(beating: Beating):
    beating.pace.rested(is_for_news=False)
    assert not beating.pace.is_only_look


def test_what_this_process_has_written_since_the_work_is_looked_after(beating: Beating):
    beating.commits += 1
    assert not beating.pace.is_only_look
    beating.pace.works()
    assert beating.pace.is_only_look


def test_news_that_never_end_do_not_keep_it_from_its_work(beating: Beating):
    beating.clock.advance(WORK_AT_LEAST_EVERY_S - 0.1)
    assert beating.pace.is_only_look
    beating.clock.advance(0.1)
    assert not beating.pace.is_only_look


def test_after_a_quiet_time_a_few_looks_follow_at_once_and_then_one_each_time(beating: Beating):
    assert [beating.pace.rest_s() for _ in range(LOOKS_AT_ONCE + 2)] == [GLANCE_EVERY_S] * LOOKS_AT_ONCE + [EVERY_S] * 2
    beating.clock.advance(EVERY_S)
    assert [beating.pace.rest_s() for _ in range(2)] == [GLANCE_EVERY_S, EVERY_S]
