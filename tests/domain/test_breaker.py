"""The circuit breaker: repeated failures open it, a trial decides what comes next, a success closes it."""

from datetime import timedelta

from hive_tui.domain.breaker import Breaker, BreakerPolicy, after_failure, after_success
from tests.builders import NOON

POLICY = BreakerPolicy(failures=3, open_s=60)
MINUTE = timedelta(minutes=1)


def test_it_opens_after_so_many_failures_in_a_row_and_lets_a_trial_through_when_its_time_is_over():
    breaker = Breaker()
    for _ in range(2):
        breaker = after_failure(breaker, NOON, POLICY)
        assert breaker.open_until is None and not breaker.is_open(NOON)
    breaker = after_failure(breaker, NOON, POLICY)
    assert breaker.open_until == NOON + MINUTE
    assert breaker.is_open(NOON) and not breaker.is_open(NOON + MINUTE)


def test_each_failed_trial_doubles_the_time_up_to_eight_times():
    breaker, now, spans = Breaker(failures=2), NOON, []
    for _ in range(6):
        breaker = after_failure(breaker, now, POLICY)
        assert breaker.open_until is not None
        spans.append((breaker.open_until - now) / MINUTE)
        now = breaker.open_until
    assert spans == [1, 2, 4, 8, 8, 8]


def test_an_attempt_of_a_person_that_fails_while_it_is_open_does_not_make_it_longer():
    opened = after_failure(Breaker(failures=2), NOON, POLICY)
    after = after_failure(opened, NOON + MINUTE / 2, POLICY)
    assert (after.open_until, after.trips, after.failures) == (opened.open_until, 1, 4)


def test_a_success_closes_it_and_forgets_the_failures():
    assert after_success() == Breaker() and not after_success().is_open(NOON)


def test_without_a_number_of_failures_it_never_opens():
    breaker = Breaker(failures=1000)
    assert after_failure(breaker, NOON, BreakerPolicy(failures=0)).open_until is None
